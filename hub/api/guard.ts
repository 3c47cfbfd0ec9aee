import { createHash, timingSafeEqual } from "node:crypto";

/** The names that a Host header may give: those by which this machine knows itself, and those of the configuration. */
export function ownNames(more: readonly string[]): ReadonlySet<string> {
  return new Set(["127.0.0.1", "localhost", "[::1]", ...more]);
}

/** No script but ours, no word to any other host, in nobody's frame. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
};

/**
 * Stops DNS rebinding: a page of another site that points its own name at this address still sends that name. Ports are not
 * compared, for a forwarded port is another one than ours.
 */
export function isOurHost(header: string | undefined, names: ReadonlySet<string>): boolean {
  const host = header?.toLowerCase().replace(/:\d+$/, "");
  return host !== undefined && names.has(host);
}

/** Compares hashes, which have one length, in constant time. */
export function isToken(authorization: string | undefined, token: string): boolean {
  const given = bearerOf(authorization);
  return given !== undefined && timingSafeEqual(Buffer.from(hashOf(given)), Buffer.from(hashOf(token)));
}

export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
}

/** SHA-256 of a token, under which it is looked up: who could time that learns of a hash, and no token by it. */
export function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
