import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Json } from "../../../shared/live.ts";
import { type Api, serveResources } from "./api.ts";
import { discover, VERSION } from "./discovery.ts";
import { type Faults, readSettings } from "./faults.ts";
import { readBody, readJson } from "./request.ts";
import { isMap } from "./schema.ts";
import { badRequest, failure, notImplemented, Refusal } from "./status.ts";

/** What `/lab` can do besides the faults. */
export interface Admin {
  faults: Faults;
  state: () => Json;
  closeWatches: () => void;
  forgetHistory: () => void;
}

/** The server: `/lab` for the one who tests, the rest for clients with a token, through the faults. */
export function labServer(api: Api, admin: Admin, users: ReadonlyMap<string, string>): Server {
  const server = createServer((request, response) => {
    serve(api, admin, users, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else refuse(response, error);
    });
  });
  // Watches are quiet for long, and a test closes what it opens.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0;
  return server;
}

async function serve(
  api: Api,
  admin: Admin,
  users: ReadonlyMap<string, string>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://lab");
  if (url.pathname.startsWith("/lab/")) {
    send(response, 200, await serveAdmin(admin, request, url.pathname));
    return;
  }
  const { slowMs, retryAfterSeconds } = admin.faults.current();
  if (slowMs > 0) await sleep(slowMs);
  const fault = admin.faults.next();
  if (fault === "reset") {
    request.socket.resetAndDestroy();
    return;
  }
  if (fault === "throttled") {
    const headers = { "retry-after": String(retryAfterSeconds) };
    throw new Refusal(429, "Too many requests, please try again later.\n", headers);
  }
  if (fault === "unavailable") {
    throw failure(503, "ServiceUnavailable", "the server is currently unable to handle the request", {});
  }
  const known = unauthenticated(url.pathname);
  if (known !== null) {
    text(response, 200, known);
    return;
  }
  const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const user = users.get(token);
  if (user === undefined) throw failure(401, "Unauthorized", "Unauthorized");
  if (Object.keys(request.headers).some((name) => name.startsWith("impersonate-"))) {
    throw notImplemented("impersonation");
  }
  if (url.pathname === "/version") {
    send(response, 200, VERSION);
    return;
  }
  if (url.pathname.startsWith("/openapi")) throw notImplemented("OpenAPI documents");
  const document = request.method === "GET" ? discover(api.catalog, url.pathname) : null;
  if (document !== null) {
    api.served("discovery");
    send(response, 200, document);
    return;
  }
  const answer = await serveResources(api, request, response, url, user);
  if (answer !== null) send(response, answer.code, answer.body);
}

function unauthenticated(path: string): string | null {
  return ["/livez", "/readyz", "/healthz"].includes(path) ? "ok" : null;
}

/** GET and POST `/lab/faults` (DELETE clears), POST `/lab/close-watches`, `/lab/forget-history`, GET `/lab/state`. */
async function serveAdmin(admin: Admin, request: IncomingMessage, path: string): Promise<Json> {
  const route = `${request.method} ${path}`;
  if (route === "POST /lab/faults") {
    const body = readJson(await readBody(request));
    const settings = isMap(body) ? readSettings(body) : "the body is no object";
    if (typeof settings === "string") throw badRequest(settings);
    admin.faults.set(settings);
  } else if (route === "DELETE /lab/faults") admin.faults.clear();
  else if (route === "POST /lab/close-watches") admin.closeWatches();
  else if (route === "POST /lab/forget-history") admin.forgetHistory();
  else if (route === "GET /lab/state") return admin.state();
  else if (route !== "GET /lab/faults") throw notImplemented(route);
  return { ...admin.faults.current() };
}

function refuse(response: ServerResponse, error: unknown): void {
  if (!(error instanceof Refusal)) {
    // A fault of the lab itself: loud in the answer, so that the test that met it shows it.
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
    send(response, 500, { kind: "Status", apiVersion: "v1", status: "Failure", message: `the lab failed: ${words}` });
    return;
  }
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
  if (typeof error.body === "string") text(response, error.code, error.body);
  else send(response, error.code, error.body);
}

function send(response: ServerResponse, code: number, body: Json): void {
  response.writeHead(code, { "content-type": "application/json", "cache-control": "no-cache, private" });
  response.end(`${JSON.stringify(body)}\n`);
}

function text(response: ServerResponse, code: number, body: string): void {
  response.writeHead(code, { "content-type": "text/plain; charset=utf-8" });
  response.end(body);
}
