/** What a CGI program printed (RFC 3875): header lines, an empty line, the body. */
export interface CgiResponse {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

export function parseCgi(output: Buffer): CgiResponse {
  const end = output.indexOf("\r\n\r\n");
  const headers: Record<string, string> = {};
  for (const line of output.toString("latin1", 0, end).split("\r\n")) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const status = Number((headers["status"] ?? "200").slice(0, 3));
  delete headers["status"];
  return { status, headers, body: output.subarray(end + 4) };
}
