/** A static web server over a folder on 127.0.0.1, as nginx is one: validators, ranges, kept connections; with faults by switch. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";

export interface StaticFaults {
  /** Every connection is destroyed before an answer. */
  cut: boolean;
  /** A file's body is broken off after so many bytes. */
  reset: number | null;
  /** Only so many bytes of a file are sent, as if it were whole. */
  truncate: number | null;
  /** In a file's body, all bytes after so many are replaced by zeros. */
  garble: number | null;
  /** Ranges are not known: always the whole file. */
  noRanges: boolean;
  noValidators: boolean;
  /** Takes the place of the file's own answer. */
  instead: ((path: string, response: ServerResponse) => boolean) | null;
}

export interface StaticServer {
  url: string;
  port: number;
  faults: StaticFaults;
  /** One for each request: `304 index.zst`, `206 blobs/x.zst bytes=5-`. */
  requests: string[];
  stop(): Promise<void>;
}

export async function startStaticServer(folder: string): Promise<StaticServer> {
  const faults: StaticFaults = {
    cut: false,
    reset: null,
    truncate: null,
    garble: null,
    noRanges: false,
    noValidators: false,
    instead: null,
  };
  const requests: string[] = [];
  const server = createServer((request, response) => {
    if (faults.cut) {
      request.socket.destroy();
      return;
    }
    const path = normalize(decodeURIComponent(request.url ?? "/")).slice(1);
    if (faults.instead?.(path, response) === true) return;
    serve(join(folder, path), request, response, faults);
    requests.push([response.statusCode, path, ...(request.headers.range ? [request.headers.range] : [])].join(" "));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    faults,
    requests,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function serve(file: string, request: IncomingMessage, response: ServerResponse, faults: StaticFaults): void {
  if (!existsSync(file)) {
    response.writeHead(404, { server: "nginx/1.26.0", "content-type": "text/html", "content-length": "9" });
    response.end("not found");
    return;
  }
  const bytes = readFileSync(file);
  // As nginx makes it: time and size in hexadecimal.
  const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 8)}-${bytes.length.toString(16)}"`;
  const validators = faults.noValidators ? {} : { etag, "last-modified": "Sat, 21 Nov 2026 08:00:00 GMT" };
  const common = { server: "nginx/1.26.0", ...validators };
  if (!faults.noValidators && request.headers["if-none-match"] === etag) {
    response.writeHead(304, common);
    response.end();
    return;
  }
  const wanted = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
  const ranged = wanted !== undefined && !faults.noRanges && request.headers["if-range"] === etag;
  const start = ranged ? Number(wanted) : 0;
  const whole = faults.truncate === null ? bytes : bytes.subarray(0, faults.truncate);
  const body = Buffer.from(whole.subarray(start));
  if (faults.garble !== null) body.fill(0, Math.min(faults.garble, body.length));
  response.writeHead(ranged ? 206 : 200, {
    ...common,
    "content-type": "application/octet-stream",
    "content-length": String(body.length),
    "accept-ranges": "bytes",
    ...(ranged && { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
  });
  if (faults.reset === null || faults.reset >= body.length) response.end(body);
  else response.write(body.subarray(0, faults.reset), () => request.socket.destroy());
}
