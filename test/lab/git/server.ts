/** A real Git server over HTTP on 127.0.0.1: the system's `git http-backend` as CGI, with faults by switch. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { type CgiResponse, parseCgi } from "./cgi.ts";

export interface GitFaults {
  /** Every connection is destroyed before an answer, but for those that set faults. */
  cut: boolean;
  /** A response with a pack ends after so many bytes, as if it were whole. */
  truncate: number | null;
  /** A response with a pack is broken off after so many bytes. */
  reset: number | null;
  /** In a response with a pack, all bytes after so many are replaced by zeros. */
  garble: number | null;
  /** Milliseconds before each answer. */
  slow: number;
}

export interface GitServer {
  /** Without a final slash; a repository is at `<url>/<folder>`. */
  url: string;
  faults: GitFaults;
  /** What was answered so far. */
  served: { requests: number; bytes: number };
  stop(): Promise<void>;
}

export interface GitServerOptions {
  root: string;
  port?: number;
  /** PEM; with it, HTTPS is spoken. */
  tls?: { key: string; cert: string };
  /** Headers `Authorization` of which one is asked for; without it, anybody may fetch and push. */
  allowed?: readonly string[];
  /** No protocol 2. */
  old?: boolean;
}

/** Serves the bare repositories in the folder `root`. */
export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const faults: GitFaults = { cut: false, truncate: null, reset: null, garble: null, slow: 0 };
  const served = { requests: 0, bytes: 0 };
  const listener: RequestListener = (request, response) => {
    if (options.allowed?.includes(request.headers.authorization ?? "") === false) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="lab"' }).end();
      return;
    }
    if (options.old) delete request.headers["git-protocol"];
    serve(options.root, request, response, faults, served).catch(() => response.destroy());
  };
  const server = options.tls === undefined ? createServer(listener) : createSecureServer(options.tls, listener);
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http${options.tls === undefined ? "" : "s"}://127.0.0.1:${port}`,
    faults,
    served,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function serve(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
  faults: GitFaults,
  served: GitServer["served"],
): Promise<void> {
  if (faults.cut && request.url !== "/lab/faults") {
    request.socket.destroy();
    return;
  }
  const body = Buffer.concat(await request.toArray());
  if (request.url === "/lab/faults" && request.method === "POST") {
    Object.assign(faults, JSON.parse(body.toString()));
    response.end();
    return;
  }
  await new Promise((resolve) => setTimeout(resolve, faults.slow));
  const answer = await httpBackend(root, request, body);
  served.requests += 1;
  served.bytes += answer.body.length;
  response.writeHead(answer.status, answer.headers);
  if (!wantsPack(request, body)) {
    response.end(answer.body);
  } else if (faults.reset !== null) {
    response.write(answer.body.subarray(0, faults.reset), () => request.socket.destroy());
  } else if (faults.garble !== null) {
    response.end(Buffer.from(answer.body).fill(0, faults.garble));
  } else {
    response.end(answer.body.subarray(0, faults.truncate ?? answer.body.length));
  }
}

function wantsPack(request: IncomingMessage, body: Buffer): boolean {
  if (request.url?.endsWith("/git-upload-pack") !== true) return false;
  return (request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body).includes("want ");
}

async function httpBackend(root: string, request: IncomingMessage, body: Buffer): Promise<CgiResponse> {
  const url = new URL(request.url ?? "/", "http://lab");
  const header = (name: string) => String(request.headers[name] ?? "");
  const child = spawn("git", ["-c", "http.receivepack=true", "-c", "safe.directory=*", "http-backend"], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_PROTOCOL: header("git-protocol"),
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: header("content-type"),
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: header("content-encoding"),
      REMOTE_ADDR: "127.0.0.1",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  // A backend that refuses a request does not read its body.
  child.stdin.on("error", () => {});
  child.stdin.end(body);
  return parseCgi(Buffer.concat(await child.stdout.toArray()));
}
