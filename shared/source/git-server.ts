import { AppError } from "../errors.ts";
import { bodyOf, type HttpAnswer, HttpHost, statusError } from "../node/http-exchange.ts";
import type { GitRemote } from "./git-messages.ts";
import { BRANCHES, type GitProtocol, headsIn, listing, packetsOf, packIn, SERVICE, wanting } from "./git-wire.ts";

/** About 60,000 branches; those of a fleet are tens. */
const HEADS_MAX_BYTES = 4 * 1024 * 1024;
/** Some servers know Git's clients by the first of them. */
const HEADERS = { "user-agent": "git/skerry", "accept-encoding": "gzip" };

/** One repository on a server, read in as few bytes as Git's protocol allows, over one kept connection. */
export class GitServer {
  readonly #remote: GitRemote;
  readonly #host: HttpHost;
  #protocol: GitProtocol | undefined;

  /** Throws `config` for a proxy variable that is no address. */
  constructor(remote: GitRemote) {
    this.#remote = remote;
    this.#host = new HttpHost(remote);
  }

  /** Commit by branch, of those that begin so; a server that knows only protocol 1 lists all. One exchange: protocol 2 is spoken without asking first whether the server does. */
  async heads(prefixes: readonly string[]): Promise<Map<string, string>> {
    const asked = this.#protocol === 1 ? null : await this.#listed(prefixes);
    if (asked instanceof Map) return asked;
    const heads = await this.#advertised();
    if (heads === null) throw asked ?? new AppError("malformed", "the server changed its protocol: ask again");
    this.#protocol = 1;
    return heads;
  }

  /** The pack with a commit and what belongs to it, chunk by chunk; whole only where this ends without an error. */
  async *pack(want: string, have: string | null): AsyncGenerator<Uint8Array> {
    if (this.#protocol === undefined) await this.heads(BRANCHES);
    const answer = await this.#post(wanting(this.#protocol ?? 2, want, have), this.#remote.maxResponseBytes);
    if (answer.status !== 200) throw statusError(answer.status, "such repository");
    yield* packIn(packetsOf(answer.body));
  }

  /** What protocol 2 lists, or what speaks against the server speaking it. */
  async #listed(prefixes: readonly string[]): Promise<Map<string, string> | AppError> {
    const answer = await this.#post(listing(prefixes), HEADS_MAX_BYTES);
    const body = await bodyOf(answer);
    if (answer.status !== 200) return statusError(answer.status, "such repository");
    try {
      const heads = await headsIn(packetsOf([body]));
      if (heads === null) return new AppError("malformed", "the server does not list its branches");
      this.#protocol = 2;
      return heads;
    } catch (error) {
      if (error instanceof AppError) return error;
      throw error;
    }
  }

  /** What every Git server is asked first: protocol 1 lists all refs at once, protocol 2 only says that it is spoken. */
  async #advertised(): Promise<Map<string, string> | null> {
    const url = `${this.#remote.url}/info/refs?service=${SERVICE}`;
    const headers = { ...HEADERS, "git-protocol": "version=2" };
    const answer = await this.#host.request({ url, headers, maxBytes: HEADS_MAX_BYTES });
    const body = await bodyOf(answer);
    if (answer.status !== 200) throw statusError(answer.status, "such repository");
    const type = answer.headers["content-type"] ?? "";
    if (type === `application/x-${SERVICE}-advertisement`) return headsIn(packetsOf([body]));
    if (type.startsWith("text/html")) {
      const fix = "check the address: this is a page, maybe one to log in";
      throw new AppError("malformed", "the server answers with a web page", { fix });
    }
    const fix = "serve the repository over Git's smart HTTP: `git http-backend`, or any forge";
    throw new AppError("malformed", "the server does not speak Git; at best it offers its files", { fix });
  }

  #post(body: Uint8Array, maxBytes: number): Promise<HttpAnswer> {
    const headers = {
      ...HEADERS,
      "content-type": `application/x-${SERVICE}-request`,
      ...(this.#protocol !== 1 && { "git-protocol": "version=2" }),
    };
    return this.#host.request({ method: "POST", url: `${this.#remote.url}/${SERVICE}`, headers, body, maxBytes });
  }
}
