import * as http from "node:http";
import * as https from "node:https";
import type { GitHttpRequest, GitHttpResponse } from "isomorphic-git";
import { AppError } from "../errors.ts";

export interface GitHttpLimits {
  /** Milliseconds without a byte after which the connection counts as lost. */
  silenceMs: number;
  maxResponseBytes: number;
}

/**
 * isomorphic-git's way to the network. Its own plugin gives up after 5 s of silence and follows redirects. This one takes
 * a response whole or not at all, so that a cut connection never looks like the end of a pack. Throws `unreachable`,
 * `too-large`.
 */
export function gitHttp(limits: GitHttpLimits): { request(request: GitHttpRequest): Promise<GitHttpResponse> } {
  return {
    request: async (request) => {
      const { response, body } = await exchange(request, await bytesOf(request.body), limits);
      const statusCode = response.statusCode ?? 0;
      if (statusCode >= 300 && statusCode < 400) {
        throw new AppError("unreachable", `the server answers ${statusCode}: redirects are not followed`, {
          fix: "give the address that it redirects to",
        });
      }
      return {
        url: request.url,
        statusCode,
        statusMessage: response.statusMessage ?? "",
        headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
        body: once(body),
      };
    },
  };
}

interface Exchange {
  response: http.IncomingMessage;
  body: Uint8Array;
}

function exchange(request: GitHttpRequest, sent: Uint8Array, limits: GitHttpLimits): Promise<Exchange> {
  const { promise, resolve, reject } = Promise.withResolvers<Exchange>();
  const failed = (cause: Error) => {
    const lost = new AppError("unreachable", `no connection: ${cause.message}`, { cause });
    reject(cause instanceof AppError ? cause : lost);
  };
  const { request: start } = request.url.startsWith("https:") ? https : http;
  const headers = { ...request.headers, "content-length": String(sent.length) };
  const outgoing = start(request.url, { method: request.method ?? "GET", headers, timeout: limits.silenceMs });
  outgoing.on("timeout", () => outgoing.destroy(new Error(`silent for ${limits.silenceMs / 1000} s`)));
  outgoing.on("error", failed);
  outgoing.on("response", (response) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    response.on("data", (chunk: Uint8Array) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= limits.maxResponseBytes) return;
      outgoing.destroy(
        new AppError("too-large", `the server sends more than ${limits.maxResponseBytes} bytes at once`),
      );
    });
    response.on("error", failed);
    response.on("end", () => resolve({ response, body: Buffer.concat(chunks, size) }));
  });
  outgoing.end(sent);
  return promise;
}

async function bytesOf(body: GitHttpRequest["body"]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* once(body: Uint8Array): AsyncIterableIterator<Uint8Array> {
  yield body;
}
