import { AppError } from "../errors.ts";
import { apart, type HttpAuth, headerOf } from "../node/http-address.ts";
import { bodyOf, type HttpAnswer, HttpHost, type Pace, SLOWEST, statusError } from "../node/http-exchange.ts";
import type { ProxyEnv } from "../node/http-proxy.ts";
import { at, INDEX_MAX_BYTES, type MirrorIndex, readIndex } from "./mirror-layout.ts";
import { mirrorSource } from "./mirror-source.ts";
import type { Source } from "./source.ts";

export interface HttpMirrorOptions {
  /** `https://host/path`, where `index.zst` lies; a user and password in it are sent and never shown. */
  url: string;
  /** Where there is none in `url`. */
  auth?: HttpAuth;
  /** PEM. These and no others may then vouch for the server. */
  ca?: string;
  /** Where the variables of `proxyFor` are looked up. */
  proxy?: ProxyEnv;
  /** Milliseconds without a byte after which a connection counts as lost. Default 30 s. */
  silenceMs?: number;
  /** Default `SLOWEST`. */
  slowest?: Pace;
}

/** A file is asked for again so often where a connection brought next to nothing of it: no more than a server may trickle. */
const MAX_FRUITLESS = 3;
/** The body of an answer that has none of use: read, so that the connection stays. */
const REST_MAX_BYTES = 64 * 1024;

/** Port `source` over a web server that has a mirror's files. A cut file is continued at the byte where it was cut. */
export function httpMirrorSource(options: HttpMirrorOptions): Source {
  const { url, auth = options.auth } = apart(options.url);
  const { ca, proxy, slowest, silenceMs = 30_000 } = options;
  const host = new HttpHost({
    url,
    silenceMs,
    ...(auth !== undefined && { authorization: headerOf(auth) }),
    ...(ca !== undefined && { ca }),
    ...(proxy !== undefined && { proxy }),
    ...(slowest !== undefined && { slowest }),
  });
  const files = new HttpFiles(host, url);
  return mirrorSource({
    address: url,
    index: () => files.index(),
    open: (path, maxBytes) => files.open(path, maxBytes),
    close: async () => host.close(),
  });
}

class HttpFiles {
  readonly #host: HttpHost;
  readonly #url: string;
  /** The index as it was read last, and the headers that ask whether it changed. */
  #polled: { index: MirrorIndex; unless: Record<string, string> } | null = null;

  constructor(host: HttpHost, url: string) {
    this.#host = host;
    this.#url = url;
  }

  async index(): Promise<MirrorIndex> {
    const answer = await this.#get(at.index, INDEX_MAX_BYTES, this.#polled?.unless ?? {});
    if (answer.status === 304 && this.#polled !== null) {
      await drop(answer);
      return this.#polled.index;
    }
    if (answer.status !== 200) throw await this.#refusal(answer, at.index);
    const { etag, "last-modified": modified } = answer.headers;
    const index = readIndex(await this.#where(at.index, bodyOf(answer)));
    if (etag !== undefined) this.#polled = { index, unless: { "if-none-match": etag } };
    else if (modified !== undefined) this.#polled = { index, unless: { "if-modified-since": modified } };
    else this.#polled = null;
    return index;
  }

  async open(path: string, maxBytes: number): Promise<AsyncIterable<Uint8Array> | null> {
    const answer = await this.#get(path, maxBytes, {});
    if (answer.status === 200) return this.#resumed(path, maxBytes, answer);
    const refusal = await this.#refusal(answer, path);
    if (refusal.code === "not-found") return null;
    throw refusal;
  }

  async *#resumed(path: string, maxBytes: number, first: HttpAnswer): AsyncGenerator<Uint8Array> {
    const same = validator(first);
    let received = 0;
    let fruitless = 0;
    for (let answer = first; ; ) {
      const before = received;
      try {
        for await (const chunk of this.#from(answer, received, path)) {
          received += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        fruitless = received - before >= SLOWEST.bytes ? 0 : fruitless + 1;
        const cut = error instanceof AppError && error.code === "unreachable";
        if (!cut || same === undefined || fruitless > MAX_FRUITLESS) throw this.#at(path, error);
      }
      answer = await this.#get(path, maxBytes, { range: `bytes=${received}-`, "if-range": same });
      if (answer.status !== 206 && answer.status !== 200) throw await this.#refusal(answer, path);
      if (validator(answer) === same) continue;
      await drop(answer);
      throw new AppError("unreachable", "the file changed while it was read", { where: path });
    }
  }

  /** The bytes from one on, of an answer with the rest or, from a server that knows no ranges, with all of them. */
  async *#from({ status, headers, body }: HttpAnswer, start: number, where: string): AsyncGenerator<Uint8Array> {
    let skip = status === 206 ? 0 : start;
    if (status === 206 && !headers["content-range"]?.startsWith(`bytes ${start}-`)) {
      throw new AppError("malformed", "the server sends another range than was asked for", { where });
    }
    for await (const chunk of body) {
      const rest = chunk.subarray(skip);
      skip -= chunk.length - rest.length;
      if (rest.length > 0) yield rest;
    }
  }

  #get(path: string, maxBytes: number, headers: Record<string, string>): Promise<HttpAnswer> {
    const url = `${this.#url}/${path.split("/").map(encodeURIComponent).join("/")}`;
    return this.#where(path, this.#host.request({ url, headers, maxBytes: Math.max(maxBytes, REST_MAX_BYTES) }));
  }

  async #refusal(answer: HttpAnswer, path: string): Promise<AppError> {
    await drop(answer);
    const { code, message } = statusError(answer.status, "such file");
    return new AppError(code, message, { where: `${this.#url}/${path}` });
  }

  #where<T>(path: string, asked: Promise<T>): Promise<T> {
    return asked.catch((error: unknown) => Promise.reject(this.#at(path, error)));
  }

  #at(path: string, error: unknown): unknown {
    if (!(error instanceof AppError) || error.where !== undefined) return error;
    const fix = error.fix === undefined ? {} : { fix: error.fix };
    return new AppError(error.code, error.message, { where: `${this.#url}/${path}`, cause: error, ...fix });
  }
}

/** What says that two answers have the same file; a weak one does not say so of its bytes (RFC 9110, 13.1.5). */
function validator({ headers }: HttpAnswer): string | undefined {
  const { etag, "last-modified": modified } = headers;
  return etag === undefined || etag.startsWith("W/") ? modified : etag;
}

async function drop({ body }: HttpAnswer): Promise<void> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > REST_MAX_BYTES) return;
  }
}
