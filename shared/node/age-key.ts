/** X25519 keys of age (https://age-encryption.org/v1), as `age-keygen` writes them. */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject, randomBytes } from "node:crypto";
import { AppError } from "../errors.ts";
import { bech32, fromBech32 } from "./bech32.ts";

const SECRET = "age-secret-key-";
const PUBLIC = "age";
const PKCS8_X25519 = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_X25519 = Buffer.from("302a300506032b656e032100", "hex");

export interface AgeIdentity {
  /** `age1...`: who encrypts for it needs no more. */
  recipient: string;
  /** The secret scalar, 32 bytes. */
  secret: Uint8Array;
}

export function ageIdentity(secret: Uint8Array): AgeIdentity {
  return { secret, recipient: bech32(PUBLIC, publicOf(secret)) };
}

/** From the system's source of randomness. */
export function generateAge(): AgeIdentity {
  return ageIdentity(randomBytes(32));
}

/** As `age-keygen` writes a key file, without the date. */
export function formatAgeIdentity({ recipient, secret }: AgeIdentity): string {
  return `# public key: ${recipient}\n${bech32(SECRET, secret).toUpperCase()}\n`;
}

/** The one key of a key file; lines with `#` and empty ones are comments. Throws `malformed` or `key`, without the text. */
export function parseAgeIdentity(text: string): AgeIdentity {
  const lines = text.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#"));
  const [line] = lines;
  if (line === undefined || lines.length > 1) {
    throw new AppError("malformed", `${lines.length} age keys where there must be one`, {
      fix: "make it with `age-keygen -o FILE`",
    });
  }
  if (!line.startsWith("AGE-SECRET-KEY-1")) {
    throw new AppError("key", "not an X25519 key of age, which begins with AGE-SECRET-KEY-1", {
      fix: "make one with `age-keygen -o FILE`; keys with a passphrase, post-quantum and plugin keys are not read",
    });
  }
  return ageIdentity(rawKey(fromBech32(SECRET, line.toLowerCase(), "the age key")));
}

/** The 32 bytes of a recipient. Throws `malformed` or `key`. */
export function recipientKey(recipient: string): Uint8Array {
  return rawKey(fromBech32(PUBLIC, recipient, "the age recipient"));
}

export function publicOf(secret: Uint8Array): Uint8Array {
  const spki = createPublicKey(privateKey(secret)).export({ format: "der", type: "spki" });
  return spki.subarray(SPKI_X25519.length);
}

/** The Diffie-Hellman secret of two keys (RFC 7748). Throws `malformed` for a point that would make it nothing. */
export function shared(secret: Uint8Array, point: Uint8Array): Uint8Array {
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI_X25519, point]), format: "der", type: "spki" });
  try {
    return diffieHellman({ privateKey: privateKey(secret), publicKey });
  } catch (cause) {
    throw new AppError("malformed", "a point of low order in place of a key", { cause });
  }
}

function privateKey(secret: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_X25519, secret]), format: "der", type: "pkcs8" });
}

function rawKey(bytes: Buffer): Buffer {
  if (bytes.length === 32) return bytes;
  throw new AppError("key", `an X25519 key of age has 32 bytes, not ${bytes.length}`);
}
