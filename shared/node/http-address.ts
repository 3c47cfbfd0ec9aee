/** An address as people give it, with a user and password in it, apart: they are sent in a header and shown nowhere. */
export function apart(address: string): { url: string; authorization?: string } {
  const url = new URL(address);
  const { username, password } = url;
  url.username = "";
  url.password = "";
  const shown = { url: url.href.replace(/\/$/, "") };
  if (username === "" && password === "") return shown;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { ...shown, authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}
