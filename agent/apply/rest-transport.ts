import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { ConnectionOptions } from "node:tls";
import { AppError } from "../../shared/errors.ts";
import { KubeError } from "./kube.ts";
import type { Answer } from "./rest-errors.ts";

/** Where the API server is and what proves us to it. `credentials` is asked before each request: tokens rotate. */
export interface Access {
  server: URL;
  credentials(): Promise<Credentials>;
}

export interface Credentials {
  headers: Record<string, string>;
  tls: ConnectionOptions;
}

export interface Ask {
  method: "GET" | "PATCH" | "DELETE";
  /** Path and query, already escaped. */
  path: string;
  contentType?: string;
  body?: string;
}

export interface Limits {
  /** For a whole answer, or for the head of a stream; in milliseconds. */
  timeout: number;
  /** Of one answer's body, in bytes. */
  body: number;
}

/** More than 8 at a time gains nothing on a small API server and starves its other clients. */
const IN_FLIGHT = 8;
/** Below the 90 s after which Go closes an idle connection, so that we rarely write to one that is already closed. */
const IDLE_MS = 30_000;
/** Warnings come as headers, up to 4 KB each. */
const HEADER_BYTES = 64 * 1024;

/**
 * HTTP/1.1 to one API server. Requests share a few kept-alive connections; each stream has a connection of its own,
 * where one HTTP/2 connection would carry them all. Redirects are answers like any other: credentials go nowhere else.
 */
export class Transport {
  private readonly access: Access;
  private readonly limits: Limits;
  private readonly agent: HttpAgent;
  private readonly closing = new AbortController();
  private free = IN_FLIGHT;
  private readonly waiting: (() => void)[] = [];

  constructor(access: Access, limits: Limits) {
    this.access = access;
    this.limits = limits;
    const options = { keepAlive: true, timeout: IDLE_MS };
    this.agent = access.server.protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** The whole answer, of any status. Throws `KubeError` `unreachable` without one, `server` for one over the limit. */
  async send(ask: Ask): Promise<Answer & { warnings: string[] }> {
    await this.slot();
    // Not `AbortSignal.timeout`, whose timer stays for its whole time: a large bundle would leave one for each object.
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.limits.timeout);
    try {
      const signal = AbortSignal.any([this.closing.signal, late.signal]);
      const response = await this.open(ask, signal, this.agent);
      return { ...head(response), warnings: warningsOf(response), body: await this.collect(response, signal) };
    } finally {
      clearTimeout(timer);
      const next = this.waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    }
  }

  /**
   * The chunks of a long answer to `to`, until it ends cleanly or `signal` aborts: then null. An answer other than
   * 2xx is returned whole. Throws `KubeError` `unreachable` when the connection breaks.
   */
  async stream(
    path: string,
    signal: AbortSignal,
    to: { open(): void; chunk(chunk: Buffer): void },
  ): Promise<Answer | null> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.limits.timeout);
    const stop = AbortSignal.any([signal, this.closing.signal, late.signal]);
    let consuming = false;
    try {
      const response = await this.open({ method: "GET", path }, stop, false);
      response.socket.setKeepAlive(true, IDLE_MS);
      const answer = head(response);
      if (answer.status >= 300) return { ...answer, body: await this.collect(response, stop) };
      clearTimeout(timer);
      to.open();
      for await (const chunk of response) {
        if (signal.aborted) break;
        consuming = true;
        to.chunk(chunk as Buffer);
        consuming = false;
      }
      return null;
    } catch (error) {
      if (consuming) throw error;
      if (signal.aborted) return null;
      throw error instanceof KubeError ? error : this.unreachable(error, stop);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.closing.abort();
    this.agent.destroy();
  }

  /** Whoever ends hands its place to the first who waits. */
  private async slot(): Promise<void> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private async open(ask: Ask, signal: AbortSignal, agent: HttpAgent | false): Promise<IncomingMessage> {
    const { headers, tls } = await this.credentials();
    const body = ask.body === undefined ? undefined : Buffer.from(ask.body);
    const options = {
      ...tls,
      method: ask.method,
      signal,
      maxHeaderSize: HEADER_BYTES,
      headers: {
        ...headers,
        accept: "application/json",
        "user-agent": "skerry-agent",
        ...(body === undefined ? {} : { "content-type": ask.contentType, "content-length": body.length }),
      },
    };
    const { server } = this.access;
    const target = { hostname: server.hostname.replace(/^\[|\]$/g, ""), port: server.port };
    const path = `${server.pathname.replace(/\/$/, "")}${ask.path}`;
    const start = server.protocol === "https:" ? httpsRequest : httpRequest;
    const attempt = (agent: HttpAgent | false): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        const request = start({ ...target, ...options, agent, path }, resolve);
        request.on("error", (error: NodeJS.ErrnoException) => {
          reject(request.reusedSocket && isCut(error) ? new StaleConnection() : error);
        });
        request.end(body);
      });
    try {
      return await attempt(agent).catch((error: unknown) => {
        // The server closed an idle connection while we wrote to it. Every request here may safely be sent twice.
        if (error instanceof StaleConnection) return attempt(false);
        throw error;
      });
    } catch (error) {
      throw this.unreachable(error, signal);
    }
  }

  private async credentials(): Promise<Credentials> {
    try {
      return await this.access.credentials();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const where = error.where ?? this.access.server.host;
      throw new KubeError("unreachable", error.message, { status: 0, reason: "Credentials", where, cause: error });
    }
  }

  private async collect(response: IncomingMessage, signal: AbortSignal): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of response) {
        bytes += (chunk as Buffer).length;
        if (bytes > this.limits.body) {
          throw new KubeError("server", `an answer of more than ${this.limits.body} bytes`, {
            status: response.statusCode ?? 0,
            reason: "",
            where: this.access.server.host,
          });
        }
        chunks.push(chunk as Buffer);
      }
    } catch (error) {
      throw error instanceof KubeError ? error : this.unreachable(error, signal);
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  private unreachable(error: unknown, signal: AbortSignal): KubeError {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const late = signal.aborted && !this.closing.signal.aborted;
    const words = late ? `no answer within ${this.limits.timeout / 1000} s` : `no answer from the API server (${code})`;
    return new KubeError("unreachable", words, {
      status: 0,
      reason: late ? "Timeout" : code,
      where: this.access.server.host,
      cause: error,
    });
  }
}

class StaleConnection extends Error {}

function isCut(error: NodeJS.ErrnoException): boolean {
  return error.code === "ECONNRESET" || error.code === "EPIPE";
}

function head(response: IncomingMessage): Omit<Answer, "body"> {
  const retryAfter = response.headers["retry-after"];
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers["content-type"] ?? "",
    retryAfter: retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined,
  };
}

/** Texts of `Warning: 299 - "text"` (RFC 9111 appendix, RFC 7234 5.5). Header bytes come as Latin-1, the server sends UTF-8. */
function warningsOf(response: IncomingMessage): string[] {
  const line = Buffer.from(response.headersDistinct["warning"]?.join(", ") ?? "", "latin1").toString("utf8");
  return [...line.matchAll(/\b\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
    (match[1] ?? "").replace(/\\(.)/g, "$1"),
  );
}
