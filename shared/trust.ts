import * as z from "zod/mini";
import { HEAD_MAX_BYTES } from "./head.ts";
import type { SignedBytes } from "./ports.ts";
import { ROOT_MAX_BYTES } from "./root.ts";
import { SITE_MAX_BYTES } from "./site.ts";

/**
 * `down/trust`: what a hub relays to a site that is behind, so that one whose sources are out of reach still learns of new roots, of its
 * own record and of what is newest. Nobody signs the message: each document in it bears the signatures of those who made it, and the key of
 * a new hub is one that an old root does not name.
 */

/** As they lie in a repository: the exact text of a document, and its signatures by the name of their file. */
const relayed = (maxChars: number) =>
  z.strictObject({
    body: z.string().check(z.maxLength(maxChars)),
    signatures: z.record(z.string().check(z.maxLength(253)), z.string().check(z.maxLength(16 * 1024))),
  });

export const trustMessage = z.strictObject({
  /** Rising by one; the first is the one after the site's own newest. */
  roots: z.array(relayed(ROOT_MAX_BYTES)).check(z.maxLength(1000)),
  record: z.optional(relayed(SITE_MAX_BYTES)),
  head: z.optional(relayed(HEAD_MAX_BYTES)),
});

export type TrustMessage = z.infer<typeof trustMessage>;
export type Relayed = TrustMessage["roots"][number];

/** Documents that hold are UTF-8, so that their text gives back the bytes that were signed. */
export function toRelay({ body, signatures }: SignedBytes): Relayed {
  return { body: new TextDecoder().decode(body), signatures: Object.fromEntries(signatures) };
}

/** Unverified. */
export function fromRelay({ body, signatures }: Relayed): SignedBytes {
  return { body: new TextEncoder().encode(body), signatures: new Map(Object.entries(signatures)) };
}
