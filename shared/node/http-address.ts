import { AppError } from "../errors.ts";

/** What a server is shown that asks who comes. Sent to that one host only. */
export type HttpAuth = { basic: { user: string; password: string } } | { bearer: string };

/** An address without what must not be shown, and the credentials that were in it. Throws `config` for anything but http(s). */
export function apart(address: string): { url: string; auth?: HttpAuth } {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") {
    throw new AppError("config", "not the address of a source", { fix: "write it as https://host/path" });
  }
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  url.username = "";
  url.password = "";
  const shown = { url: url.href.replace(/\/$/, "") };
  return user === "" && password === "" ? shown : { ...shown, auth: { basic: { user, password } } };
}

/** The value of the header `Authorization`. */
export function headerOf(auth: HttpAuth): string {
  if ("bearer" in auth) return `Bearer ${auth.bearer}`;
  return `Basic ${Buffer.from(`${auth.basic.user}:${auth.basic.password}`).toString("base64")}`;
}
