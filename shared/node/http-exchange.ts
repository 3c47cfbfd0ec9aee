/** HTTP to one host, for what is pulled from untrusted servers over bad lines. */
import * as http from "node:http";
import * as https from "node:https";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { AppError } from "../errors.ts";
import { type ProxyEnv, proxyFor, TunnelAgent, throughProxy } from "./http-proxy.ts";

/** At least so many bytes in every period of so many milliseconds, from the first byte of an answer on. */
export interface Pace {
  bytes: number;
  withinMs: number;
}

/** 20 bytes a second: a fifth of what a slow radio link carries. A server that trickles to hold a site up is slower. */
export const SLOWEST: Pace = { bytes: 600, withinMs: 30_000 };

export interface HttpHostOptions {
  /** Any address on the host. Nothing is ever sent to another one. */
  url: string;
  /** Value of the header `Authorization`. */
  authorization?: string;
  /** PEM. These and no others may then vouch for the server. */
  ca?: string;
  /** Where the variables of `proxyFor` are looked up. */
  proxy?: ProxyEnv;
  /** Milliseconds without a byte after which a connection counts as lost. */
  silenceMs: number;
  /** Default `SLOWEST`. */
  slowest?: Pace;
}

export interface HttpAsk {
  method?: "GET" | "HEAD" | "POST";
  url: string;
  /** `accept-encoding: gzip` is for the caller to send: the body comes out unpacked. */
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** Cap on the answer's body, as sent and as unpacked. */
  maxBytes: number;
}

export interface HttpAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  /** To be read once, to its end or left by `break`. Throws `unreachable` where it is not whole, `too-large`, `malformed`. */
  body: AsyncIterable<Uint8Array>;
}

export class HttpHost {
  readonly #options: HttpHostOptions;
  readonly #origin: string;
  readonly #proxy: URL | null;
  readonly #agent: http.Agent;

  /** Throws `config` where a proxy variable is no address. */
  constructor(options: HttpHostOptions) {
    const url = new URL(options.url);
    const { ca, silenceMs } = options;
    const kept = { keepAlive: true, ...(ca !== undefined && { ca }) };
    this.#options = options;
    this.#origin = url.origin;
    this.#proxy = proxyFor(url, options.proxy ?? {});
    if (url.protocol !== "https:") this.#agent = new http.Agent({ keepAlive: true });
    else if (this.#proxy === null) this.#agent = new https.Agent(kept);
    else this.#agent = new TunnelAgent({ ...kept, proxy: this.#proxy, silenceMs });
  }

  /**
   * One request, answered with any status but 3xx (other than 304), 401, 403 and 407. Redirects are never followed. Throws
   * `unreachable`, and what reading the body throws.
   */
  async request(ask: HttpAsk): Promise<HttpAnswer> {
    const url = new URL(ask.url);
    if (url.origin !== this.#origin) throw new AppError("internal", `a request to ${url.origin}, not ${this.#origin}`);
    const outgoing = this.#outgoing(url, ask);
    try {
      return await this.#answer(outgoing, ask);
    } catch (error) {
      // The server closed a kept connection at the moment of asking: nothing was answered, so ask anew.
      if (!outgoing.reusedSocket || !/ECONNRESET|EPIPE/.test(codeOf(error))) throw lost(error);
      return await this.#answer(this.#outgoing(url, ask), ask).catch((again: unknown) => Promise.reject(lost(again)));
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #outgoing(url: URL, { method = "GET", headers = {}, body }: HttpAsk): http.ClientRequest {
    const { authorization, silenceMs } = this.#options;
    const common = { method, agent: this.#agent, timeout: silenceMs };
    const sent = {
      ...headers,
      ...(authorization !== undefined && { authorization }),
      ...(body !== undefined && { "content-length": String(body.length) }),
    };
    if (url.protocol === "https:") return https.request(url, { ...common, headers: sent });
    if (this.#proxy === null) return http.request(url, { ...common, headers: sent });
    const { headers: proxied, ...place } = throughProxy(url, this.#proxy);
    return http.request({ ...common, ...place, headers: { ...sent, ...proxied } });
  }

  #answer(outgoing: http.ClientRequest, ask: HttpAsk): Promise<HttpAnswer> {
    const { silenceMs, slowest = SLOWEST } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    let response: http.IncomingMessage | undefined;
    const fail = (what: string) => (response ?? outgoing).destroy(new AppError("unreachable", what));
    const stopWatch = watchPace(outgoing, slowest, fail);
    outgoing.on("timeout", () => fail(`the server is silent for ${silenceMs / 1000} s`));
    outgoing.on("close", stopWatch);
    outgoing.on("error", reject);
    outgoing.on("response", (arrived) => {
      response = arrived;
      const refusal = refused(arrived, ask);
      if (refusal === null) return resolve(answerOf(arrived, ask));
      arrived.on("error", () => {}).destroy();
      reject(refusal);
    });
    outgoing.end(ask.body);
    return promise;
  }
}

/** The whole body. */
export async function bodyOf({ body }: HttpAnswer): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What a status means that the caller has no use for; `what` is the thing asked for. */
export function statusError(status: number, what: string): AppError {
  if (status === 404 || status === 410) return new AppError("not-found", `the server has no ${what}`);
  return new AppError("unreachable", `the server answers ${status}`);
}

/** How often the pace is looked at in each period. */
const LOOKS = 6;

function watchPace(outgoing: http.ClientRequest, { bytes, withinMs }: Pace, fail: (what: string) => void): () => void {
  const readSoFar = () => outgoing.socket?.bytesRead ?? 0;
  let first = 0;
  outgoing.once("socket", () => {
    first = readSoFar();
  });
  /** Of the last period, the oldest first. */
  let looks: number[] = [];
  const watch = setInterval(() => {
    const read = readSoFar();
    // A server may think for a while before its first byte; how long, is the silence's to say.
    if (read > first) looks = [...looks.slice(-LOOKS), read];
    const [oldest = read] = looks;
    if (looks.length > LOOKS && read - oldest < bytes) {
      fail(`the server sends less than ${bytes} bytes in ${withinMs / 1000} s`);
    }
  }, withinMs / LOOKS);
  return () => clearInterval(watch);
}

function refused(response: http.IncomingMessage, { method }: HttpAsk): AppError | null {
  const { statusCode: status = 0, headers } = response;
  const say = (why: string, fix: string) =>
    new AppError("unreachable", `the server answers ${status}: ${why}`, { fix });
  if (status === 401 || status === 403) {
    return say("access refused", "check the credentials, and that they may read this");
  }
  if (status === 407) return say("the proxy refuses", "give a user and password in the proxy's address");
  if (status >= 300 && status < 400 && status !== 304) {
    return say("redirects are not followed", "give the address that it redirects to");
  }
  const ends = headers["content-length"] !== undefined || /\bchunked\b/i.test(headers["transfer-encoding"] ?? "");
  if (ends || method === "HEAD" || status === 204 || status === 304) return null;
  return new AppError("malformed", "the server does not say where its answer ends, so a cut one would look whole");
}

function answerOf(response: http.IncomingMessage, { maxBytes }: HttpAsk): HttpAnswer {
  const { statusCode: status = 0, headers } = response;
  return { status, headers, body: read(response, headers["content-encoding"] ?? "identity", maxBytes) };
}

async function* read(response: Readable, encoding: string, maxBytes: number): AsyncGenerator<Uint8Array> {
  const capped = (stream: AsyncIterable<Uint8Array>) => cap(stream, maxBytes);
  try {
    if (encoding === "identity") yield* capped(response);
    else if (encoding === "gzip") yield* capped(pipeline(response, capped, createGunzip(), () => {}));
    else throw new AppError("malformed", `the server packs its answer as ${encoding}, which nobody asked for`);
  } catch (error) {
    throw lost(error);
  } finally {
    response.destroy();
  }
}

async function* cap(stream: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) throw new AppError("too-large", `the server sends more than ${maxBytes} bytes at once`);
    yield chunk;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

const UNTRUSTED = /CERT|VERIFY|ISSUER/;

function lost(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = codeOf(error);
  const what = error instanceof Error ? error.message || code : String(error);
  if (code.startsWith("Z_"))
    return new AppError("malformed", `the answer cannot be unpacked: ${what}`, { cause: error });
  if (!UNTRUSTED.test(code)) return new AppError("unreachable", `no connection: ${what}`, { cause: error });
  const fix = "give the certificate of its authority, and check this machine's clock";
  return new AppError("unreachable", `the server's certificate is not trusted: ${what}`, { cause: error, fix });
}
