/**
 * A signature of one key over bytes, in SSH's wire format: `string algorithm, string signature` (RFC 8709, RFC 5656
 * section 3.1.2, RFC 8332), of a security token followed by `byte flags, uint32 counter` (OpenSSH, PROTOCOL.u2f).
 * RSA with SHA-1 is neither made nor accepted.
 */
import { createHash, type KeyObject, sign, verify } from "node:crypto";
import { AppError } from "../errors.ts";
import {
  CURVES,
  isTokenKey,
  type PlainKey,
  type PrivateKey,
  type PublicKey,
  TOKENS,
  type TokenKey,
} from "./ssh-key.ts";
import { WireReader, wireMpint, wireString } from "./ssh-wire.ts";

type Hash = "sha256" | "sha384" | "sha512";

/** Bit of a token's flags: somebody touched it (user presence). */
const TOUCHED = 0x01;

export function signBlob(data: Uint8Array, key: PrivateKey): Uint8Array {
  const { type } = key.public;
  switch (type) {
    case "ssh-ed25519":
      return Buffer.concat([wireString(type), wireString(sign(null, data, key.keyObject))]);
    case "ssh-rsa":
      return Buffer.concat([wireString("rsa-sha2-512"), wireString(sign("sha512", data, key.keyObject))]);
    case "ecdsa-sha2-nistp256":
    case "ecdsa-sha2-nistp384": {
      const half = CURVES[type].size;
      const both = sign(hashOf(type), data, { key: key.keyObject, dsaEncoding: "ieee-p1363" });
      const numbers = Buffer.concat([wireMpint(both.subarray(0, half)), wireMpint(both.subarray(half))]);
      return Buffer.concat([wireString(type), wireString(numbers)]);
    }
  }
}

/**
 * Returns if the signature holds and, of a key in a token, somebody touched the token: ssh-keygen does without that.
 * Otherwise throws `signature`, `malformed` or `unsupported`.
 */
export function verifyBlob(data: Uint8Array, blob: Uint8Array, key: PublicKey): void {
  const reader = new WireReader(blob, "signature");
  const algorithm = reader.text();
  if (algorithm.startsWith("webauthn-")) {
    throw new AppError("unsupported", `signatures by way of a browser (${algorithm.slice(0, 60)}) are not accepted`, {
      fix: "sign with `ssh-keygen -Y sign`",
    });
  }
  const bytes = reader.string();
  const flagsAndCounter = isTokenKey(key) ? reader.raw(5) : Buffer.alloc(0);
  reader.end();
  const good = isTokenKey(key)
    ? tokenHolds(data, algorithm, bytes, key, flagsAndCounter)
    : holds(data, algorithm, bytes, key);
  if (!good) throw new AppError("signature", "the signature does not hold for these bytes");
  if (isTokenKey(key) && ((flagsAndCounter[0] ?? 0) & TOUCHED) === 0) {
    throw new AppError("signature", "the security token signed without being touched", {
      fix: "make the key without `-O no-touch-required`, or sign without it",
    });
  }
}

/** The counter is signed and not judged: no reader sees every signature of a token. */
function tokenHolds(data: Uint8Array, algorithm: string, bytes: Buffer, key: TokenKey, flagsAndCounter: Buffer) {
  requireAlgorithm(algorithm, key);
  const sha256 = (value: Uint8Array | string) => createHash("sha256").update(value).digest();
  const signed = Buffer.concat([sha256(key.application), flagsAndCounter, sha256(data)]);
  const type = TOKENS[key.type];
  return type === "ssh-ed25519"
    ? ed25519Holds(signed, bytes, key.keyObject)
    : ecdsaHolds(type, signed, bytes, key.keyObject);
}

function holds(data: Uint8Array, algorithm: string, bytes: Buffer, key: PlainKey): boolean {
  const { type, keyObject } = key;
  if (type === "ssh-rsa") {
    const hash = rsaHash(algorithm);
    const bits = keyObject.asymmetricKeyDetails?.modulusLength ?? 0;
    if (bytes.length !== Math.ceil(bits / 8)) throw new AppError("malformed", "the RSA signature has the wrong length");
    return verifies(() => verify(hash, data, keyObject, bytes));
  }
  requireAlgorithm(algorithm, key);
  return type === "ssh-ed25519" ? ed25519Holds(data, bytes, keyObject) : ecdsaHolds(type, data, bytes, keyObject);
}

function requireAlgorithm(algorithm: string, { type }: PublicKey): void {
  if (algorithm !== type) throw new AppError("malformed", `a ${type} key with a signature of another algorithm`);
}

function ed25519Holds(data: Uint8Array, bytes: Buffer, keyObject: KeyObject): boolean {
  if (bytes.length !== 64) throw new AppError("malformed", "an ed25519 signature has 64 bytes");
  return verifies(() => verify(null, data, keyObject, bytes));
}

function ecdsaHolds(type: keyof typeof CURVES, data: Uint8Array, bytes: Buffer, key: KeyObject): boolean {
  const numbers = new WireReader(bytes, "ECDSA signature");
  const both = Buffer.concat([coordinate(numbers, CURVES[type].size), coordinate(numbers, CURVES[type].size)]);
  numbers.end();
  return verifies(() => verify(hashOf(type), data, { key, dsaEncoding: "ieee-p1363" }, both));
}

function coordinate(reader: WireReader, size: number): Buffer {
  const number = reader.mpint();
  if (number.length > size) throw new AppError("malformed", "the ECDSA signature has a number that is too large");
  return Buffer.concat([Buffer.alloc(size - number.length), number]);
}

function rsaHash(algorithm: string): Hash {
  if (algorithm === "rsa-sha2-512") return "sha512";
  if (algorithm === "rsa-sha2-256") return "sha256";
  if (algorithm === "ssh-rsa") {
    throw new AppError("unsupported", "RSA signatures with SHA-1 (ssh-rsa) are not accepted", {
      fix: "sign with rsa-sha2-512, as ssh-keygen does since OpenSSH 8.2",
    });
  }
  throw new AppError("malformed", "an ssh-rsa key with a signature of another algorithm");
}

function hashOf(type: keyof typeof CURVES): Hash {
  return type === "ecdsa-sha2-nistp256" ? "sha256" : "sha384";
}

/** OpenSSL throws on some broken keys and signatures where it should answer no. */
function verifies(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
