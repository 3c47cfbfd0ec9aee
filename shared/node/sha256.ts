import { createHash, createHmac, createSecretKey, hash } from "node:crypto";

/** SHA-256 as 64 lower-case hex digits; of a text as UTF-8. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return hash("sha256", bytes, "hex");
}

/** HMAC-SHA-256 under a key that is made ready once: for short texts that takes longer than the hash. */
export function hmacSha256(key: Uint8Array): (bytes: Uint8Array) => Buffer {
  const ready = createSecretKey(key);
  return (bytes) => createHmac("sha256", ready).update(bytes).digest();
}

/** SHA-256 of bytes that arrive chunk by chunk. */
export interface Sha256Stream {
  take(chunk: Uint8Array): void;
  /** The hash of all that was taken so far, as 64 lower-case hex digits; taking may go on afterwards. */
  hex(): string;
}

export function sha256Stream(): Sha256Stream {
  const hash = createHash("sha256");
  return {
    take: (chunk) => {
      hash.update(chunk);
    },
    hex: () => hash.copy().digest("hex"),
  };
}
