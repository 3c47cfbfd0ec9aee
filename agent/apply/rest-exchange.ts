import type { ClientRequest, IncomingMessage } from "node:http";
import { KubeError } from "./kube.ts";
import type { Answer } from "./rest-errors.ts";

export interface Limits {
  /** For a whole answer, or for the head of a stream; in milliseconds. */
  timeout: number;
  /** Of one answer's body, in bytes. */
  body: number;
}

/** The server had closed the idle connection on which a request was written: it never read it. */
export class StaleConnection extends Error {}

/**
 * The whole answer to a request that is not sent yet, of any status. By events and one timer: abort signals and iterators, made anew for each
 * of a thousand objects, cost as much as the rest of it. Fails with `KubeError` `unreachable` without an answer, `server` for one over the limit.
 */
export function exchanged(
  request: ClientRequest,
  body: string | undefined,
  host: string,
  limits: Limits,
): Promise<Answer & { warnings: string[] }> {
  return new Promise((resolve, reject) => {
    let answering = false;
    const timer = setTimeout(() => request.destroy(late(limits, host)), limits.timeout);
    const fail = (error: Error) => {
      clearTimeout(timer);
      const isStale = !answering && request.reusedSocket && isCut(error);
      reject(isStale ? new StaleConnection() : unreachable(error, host));
    };
    request.on("error", fail).on("response", (response) => {
      answering = true;
      collect(response, limits.body, host).then((text) => {
        clearTimeout(timer);
        resolve({ ...head(response), warnings: warningsOf(response), body: text });
      }, fail);
    });
    request.end(body);
  });
}

/** A whole body, of at most so many bytes. */
export function collect(response: IncomingMessage, most: number, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on("error", reject).on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > most) response.destroy(tooLong(response, most, host));
    });
  });
}

export function head(response: IncomingMessage): Omit<Answer, "body"> {
  const retryAfter = response.headers["retry-after"];
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers["content-type"] ?? "",
    retryAfter: retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined,
  };
}

export function late({ timeout }: Limits, host: string): KubeError {
  const words = `no answer within ${timeout / 1000} s`;
  return new KubeError("unreachable", words, { status: 0, reason: "Timeout", where: host });
}

/** What a connection ended by; what is known better stays. */
export function unreachable(error: unknown, host: string): KubeError {
  if (error instanceof KubeError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const words = `no answer from the API server (${code})`;
  return new KubeError("unreachable", words, { status: 0, reason: code, where: host, cause: error });
}

function tooLong(response: IncomingMessage, most: number, host: string): KubeError {
  const status = response.statusCode ?? 0;
  return new KubeError("server", `an answer of more than ${most} bytes`, { status, reason: "", where: host });
}

function isCut(error: NodeJS.ErrnoException): boolean {
  return error.code === "ECONNRESET" || error.code === "EPIPE";
}

/** Texts of `Warning: 299 - "text"` (RFC 9111 appendix, RFC 7234 5.5). Header bytes come as Latin-1, the server sends UTF-8. */
function warningsOf(response: IncomingMessage): string[] {
  const lines = response.headersDistinct["warning"];
  if (lines === undefined) return [];
  const line = Buffer.from(lines.join(", "), "latin1").toString("utf8");
  return [...line.matchAll(/\b\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
    (match[1] ?? "").replace(/\\(.)/g, "$1"),
  );
}
