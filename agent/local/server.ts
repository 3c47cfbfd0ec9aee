import { randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { dirname } from "node:path";
import { inWords } from "../../shared/errors.ts";
import { duration, milliseconds } from "../../shared/names.ts";
import type { Clock, Log } from "../../shared/ports.ts";
import { isOurName } from "./host.ts";
import { pageOf } from "./page.ts";
import type { Status } from "./status.ts";

export interface LocalWorld {
  status(): Status;
  metrics(): string;
  /** Throws `storage`. */
  hold(ask: { reason: string; forMs: number | null }): void;
  release(): void;
  /** Looks at the sources now. */
  pull(): void;
  clock: Clock;
  log: Log;
}

const RETRY_MS = 30_000;
const FORM_MAX = 4096;

/**
 * What the person at the site sees and may do: a page at `listen` (`host:port`), and the same for commands at a socket in the data folder.
 * Where it cannot listen it says so, tries again, and the agent goes on without. Returns the end of it.
 */
export function serveLocal(world: LocalWorld, at: { listen: string | null; socket: string }): () => void {
  const token = randomBytes(16).toString("hex");
  const handler =
    (form: string | null): Handler =>
    (request, answer) => {
      try {
        handle(world, request, answer, form);
      } catch (error) {
        // A disk that cannot be read, mostly. Nobody who looks may end the agent.
        world.log.error({ words: inWords(error) }, "a look at this site could not be answered");
        if (!answer.headersSent) answer.writeHead(500, HEADERS).end(`${inWords(error)}\n`);
      }
    };
  const ends = [listenAt(world, at.socket, handler(null))];
  if (at.listen !== null) ends.push(listenAt(world, at.listen, handler(token)));
  return () => {
    for (const end of ends) end();
  };
}

type Handler = (request: IncomingMessage, answer: ServerResponse) => void;

function listenAt({ clock, log }: LocalWorld, where: string, handler: Handler): () => void {
  let server: Server | null = null;
  let cancel = () => {};
  const again = (error: unknown): void => {
    log.warn({ where, words: inWords(error) }, "cannot listen here; trying again");
    cancel = clock.after(RETRY_MS, start);
  };
  const start = (): void => {
    try {
      listen();
    } catch (error) {
      again(error);
    }
  };
  const listen = (): void => {
    const next = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 5_000 }, handler);
    // A page that many look at must not cost the agent its memory.
    next.maxConnections = 64;
    next.on("listening", () => log.info({ at: next.address() }, "answers the people at this site"));
    next.on("error", again);
    server = next;
    if (where.startsWith("/")) {
      // Left by an agent that was killed: two never run on one data folder. The folder is for its user alone, and so what lies in it.
      if (existsSync(where)) rmSync(where);
      mkdirSync(dirname(where), { recursive: true, mode: 0o700 });
      next.listen(where);
    } else {
      const colon = where.lastIndexOf(":");
      next.listen(Number(where.slice(colon + 1)), where.slice(0, colon).replace(/^\[|\]$/g, ""));
    }
  };
  start();
  return () => {
    cancel();
    server?.close();
    server?.closeAllConnections();
  };
}

/** `token`: what a form must bring; null at the socket, which only who may read the data folder can open. */
function handle(world: LocalWorld, request: IncomingMessage, answer: ServerResponse, token: string | null): void {
  const say = (status: number, type: string, body: string, more: Record<string, string> = {}) =>
    answer.writeHead(status, { ...HEADERS, "content-type": `${type}; charset=utf-8`, ...more }).end(body);
  const { method = "", url = "", headers } = request;
  if (token !== null && !isOurName(headers.host)) return void say(421, "text/plain", "this is not its name\n");
  const path = url.split("?")[0] ?? "";
  const reads = method === "GET" || method === "HEAD";
  if (reads && path === "/livez") return void say(200, "text/plain", "ok\n");
  if (reads && path === "/metrics") return void say(200, "text/plain", world.metrics(), { "content-type": PROMETHEUS });
  if (reads && path === "/status.json") return void say(200, "application/json", JSON.stringify(world.status()));
  if (reads && path === "/" && token !== null) {
    const nonce = randomBytes(16).toString("base64");
    const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;
    return void say(200, "text/html", pageOf(world.status(), { token, nonce }), { "content-security-policy": policy });
  }
  if (method === "POST" && path === "/pull" && token === null) {
    world.pull();
    return void say(204, "text/plain", "");
  }
  if (method !== "POST" || token === null || (path !== "/hold" && path !== "/release"))
    return void say(404, "text/plain", "there is no such page\n");
  void formOf(request).then((form) => {
    if (form === null) return say(413, "text/plain", "too long\n");
    if (!isFromOurPage(request, form, token)) return say(403, "text/plain", "not from this page\n");
    try {
      act(world, path, form);
    } catch (error) {
      return say(500, "text/plain", `${inWords(error)}\n`);
    }
    return say(303, "text/plain", "", { location: "/" });
  });
}

const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";
const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "x-frame-options": "DENY",
};

function act(world: LocalWorld, path: string, form: URLSearchParams): void {
  if (path === "/release") return world.release();
  const time = form.get("for") ?? "";
  const forMs = duration.safeParse(time).success ? milliseconds(time) : 0;
  world.hold({ reason: form.get("reason") ?? "", forMs: forMs > 0 ? forMs : null });
}

function isFromOurPage({ headers }: IncomingMessage, form: URLSearchParams, token: string): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin") return false;
  const given = Buffer.from(form.get("token") ?? "");
  return given.byteLength === token.length && timingSafeEqual(given, Buffer.from(token));
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams | null> {
  let text = "";
  try {
    for await (const chunk of request) {
      text += String(chunk);
      if (text.length > FORM_MAX) return null;
    }
  } catch {
    return null;
  }
  return new URLSearchParams(text);
}
