import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { ConnectionOptions } from "node:tls";
import { AppError } from "../../shared/errors.ts";
import { KubeError } from "./kube.ts";
import type { Answer } from "./rest-errors.ts";
import { collect, exchanged, head, type Limits, late, StaleConnection, unreachable } from "./rest-exchange.ts";

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
  private readonly host: string;
  private readonly open = new Set<ClientRequest>();
  private closed = false;
  private free = IN_FLIGHT;
  private readonly waiting: (() => void)[] = [];

  constructor(access: Access, limits: Limits) {
    this.access = access;
    this.limits = limits;
    this.host = access.server.host;
    const options = { keepAlive: true, timeout: IDLE_MS };
    this.agent = access.server.protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** The whole answer, of any status. Throws `KubeError` `unreachable` without one, `server` for one over the limit. */
  async send(ask: Ask): Promise<Answer & { warnings: string[] }> {
    await this.slot();
    try {
      return await this.attempt(ask, this.agent).catch((error: unknown) => {
        // Every request here may safely be sent twice.
        if (error instanceof StaleConnection) return this.attempt(ask, false);
        throw error;
      });
    } finally {
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
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(late(this.limits, this.host)), this.limits.timeout);
    let consuming = false;
    try {
      const request = await this.request({ method: "GET", path }, false, AbortSignal.any([signal, stop.signal]));
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        request.on("response", resolve).on("error", reject).end();
      });
      response.socket.setKeepAlive(true, IDLE_MS);
      const answer = head(response);
      if (answer.status >= 300) return { ...answer, body: await collect(response, this.limits.body, this.host) };
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
      throw unreachable(stop.signal.aborted ? stop.signal.reason : error, this.host);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.closed = true;
    for (const request of this.open) request.destroy();
    this.agent.destroy();
  }

  /** Whoever ends hands its place to the first who waits. */
  private async slot(): Promise<void> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private async attempt(ask: Ask, agent: HttpAgent | false): Promise<Answer & { warnings: string[] }> {
    return await exchanged(await this.request(ask, agent), ask.body, this.host, this.limits);
  }

  /** Not sent yet. */
  private async request(ask: Ask, agent: HttpAgent | false, signal?: AbortSignal): Promise<ClientRequest> {
    const { headers, tls } = await this.credentials();
    if (this.closed) throw unreachable(new Error("closed"), this.host);
    const { server } = this.access;
    const { method, body } = ask;
    const start = server.protocol === "https:" ? httpsRequest : httpRequest;
    const options = {
      ...tls,
      hostname: server.hostname.replace(/^\[|\]$/g, ""),
      port: server.port,
      path: `${server.pathname.replace(/\/$/, "")}${ask.path}`,
      method,
      agent,
      ...(signal !== undefined && { signal }),
      maxHeaderSize: HEADER_BYTES,
      headers: {
        ...headers,
        accept: "application/json",
        "user-agent": "skerry-agent",
        ...(body !== undefined && { "content-type": ask.contentType, "content-length": Buffer.byteLength(body) }),
      },
    };
    let request: ClientRequest;
    try {
      request = start(options);
    } catch (error) {
      // A token that cannot be a header, say.
      throw unreachable(error, this.host);
    }
    this.open.add(request);
    return request.on("close", () => this.open.delete(request));
  }

  private async credentials(): Promise<Credentials> {
    try {
      return await this.access.credentials();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const where = error.where ?? this.host;
      throw new KubeError("unreachable", error.message, { status: 0, reason: "Credentials", where, cause: error });
    }
  }
}
