/**
 * Public keys as OpenSSH writes them (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709; keys in security tokens:
 * PROTOCOL.u2f), in one form only: what these functions accept is byte for byte what they write.
 */
import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { AppError } from "../errors.ts";
import { sha256Hex } from "./sha256.ts";
import { strictBase64, WireReader, wireMpint, wireString } from "./ssh-wire.ts";

export type PlainType = "ssh-ed25519" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ssh-rsa";
export type TokenType = "sk-ssh-ed25519@openssh.com" | "sk-ecdsa-sha2-nistp256@openssh.com";

interface KeyBase {
  /** The key in SSH's wire format: what the base64 of a public key line holds. */
  readonly wire: Uint8Array;
  /** Hex SHA-256 of the key's SPKI DER: its identity, so that one key in two forms counts once. */
  readonly spki: string;
  readonly keyObject: KeyObject;
}

/** A key that signs the bytes themselves. */
export interface PlainKey extends KeyBase {
  readonly type: PlainType;
}

/** A key in a security token, which signs a form of the bytes that says whether the token was touched. */
export interface TokenKey extends KeyBase {
  readonly type: TokenType;
  /** What the token made it for: begins with `ssh:`. */
  readonly application: string;
}

export type PublicKey = PlainKey | TokenKey;

export interface PrivateKey {
  readonly public: PlainKey;
  readonly keyObject: KeyObject;
}

interface Curve {
  readonly ssh: string;
  readonly jwk: string;
  /** Bytes of a coordinate, and of each half of a signature. */
  readonly size: number;
}

/** The accepted NIST curves. P-521 is left out: nobody asked for it, and each kind of key is code that must be right. */
export const CURVES: Readonly<Record<"ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384", Curve>> = {
  "ecdsa-sha2-nistp256": { ssh: "nistp256", jwk: "P-256", size: 32 },
  "ecdsa-sha2-nistp384": { ssh: "nistp384", jwk: "P-384", size: 48 },
};

/** What a key in a token is, apart from its token: the kind of key that the signature is checked with. */
export const TOKENS: Readonly<Record<TokenType, "ssh-ed25519" | "ecdsa-sha2-nistp256">> = {
  "sk-ssh-ed25519@openssh.com": "ssh-ed25519",
  "sk-ecdsa-sha2-nistp256@openssh.com": "ecdsa-sha2-nistp256",
};

const MIN_RSA_BITS = 2048;
/** OpenSSH's own limit (SSHBUF_MAX_BIGNUM). */
const MAX_RSA_BITS = 16384;
const ED25519_BYTES = 32;
/** A key of the largest accepted modulus has 2,800 base64 digits; the rest is for the comment. */
const MAX_LINE_CHARS = 8 * 1024;
const ACCEPTED =
  "use ssh-ed25519, ecdsa-sha2-nistp256 (both also in a security token), ecdsa-sha2-nistp384, ssh-rsa from 2048 bits";

/** From a line `type base64 [comment]`, with or without its line end. Throws `malformed`, `key`, `unsupported`. */
export function parsePublicKey(line: string): PublicKey {
  const [, type = "", base64 = ""] =
    line.length > MAX_LINE_CHARS ? [] : (/^([!-~]+) ([!-~]+)(?: [^\r\n]*)?\n?$/.exec(line) ?? []);
  if (type === "") throw new AppError("malformed", "not a public key line: `type base64 [comment]`");
  refuseUnknown(type);
  const key = publicKeyFromWire(strictBase64(base64, "public key"));
  if (key.type !== type) throw new AppError("malformed", `the line says ${type}, the key inside is ${key.type}`);
  return key;
}

/** The line that `parsePublicKey` reads, without a line end. */
export function formatPublicKey(key: PublicKey, comment = ""): string {
  const line = `${key.type} ${Buffer.from(key.wire).toString("base64")}`;
  return comment === "" ? line : `${line} ${comment}`;
}

/** From SSH's wire format. Throws `malformed`, `key`, `unsupported`. */
export function publicKeyFromWire(wire: Uint8Array): PublicKey {
  const reader = new WireReader(wire, "public key");
  const type = reader.text();
  refuseUnknown(type);
  const jwk = readJwk(isToken(type) ? TOKENS[type] : type, reader);
  const application = isToken(type) ? readApplication(reader) : "";
  reader.end();
  let keyObject: KeyObject;
  try {
    keyObject = createPublicKey({ key: jwk, format: "jwk" });
  } catch (cause) {
    throw new AppError("key", `the ${type} key is no valid key, such as a point that is not on its curve`, { cause });
  }
  const plain = publicKeyOf(keyObject);
  // Every field of a key was read in its only form, so that these are the bytes that writing it would give.
  return isToken(type) ? { ...plain, type, application, wire: Buffer.from(wire) } : plain;
}

export function isTokenKey(key: PublicKey): key is TokenKey {
  return isToken(key.type);
}

/** From a Node key; of a private key, its public part. Throws `key` where the kind or size is not accepted. */
export function publicKeyOf(keyObject: KeyObject): PlainKey {
  const publicObject = keyObject.type === "private" ? createPublicKey(keyObject) : keyObject;
  const { type, wire } = writeWire(publicObject);
  const spki = sha256Hex(publicObject.export({ type: "spki", format: "der" }));
  return { type, wire, spki, keyObject: publicObject };
}

/** An ed25519 key from its 32 raw bytes. Throws `key` for another length. */
export function ed25519FromRaw(raw: Uint8Array): PublicKey {
  return publicKeyFromWire(Buffer.concat([wireString("ssh-ed25519"), wireString(raw)]));
}

/** The 32 raw bytes of an ed25519 key. Throws `key` for a key of another kind. */
export function ed25519ToRaw(key: PublicKey): Uint8Array {
  if (key.type !== "ssh-ed25519") {
    throw new AppError("key", `messages are signed with ssh-ed25519, this key is ${key.type}`, {
      fix: "make one with `ssh-keygen -t ed25519`",
    });
  }
  return key.wire.subarray(-ED25519_BYTES);
}

function isToken(type: string): type is TokenType {
  return Object.hasOwn(TOKENS, type);
}

function refuseUnknown(type: string): asserts type is PlainType | TokenType {
  if (type === "ssh-ed25519" || type === "ssh-rsa" || Object.hasOwn(CURVES, type) || isToken(type)) return;
  throw new AppError("key", `keys of type ${type.slice(0, 60)} are not accepted`, { fix: ACCEPTED });
}

/**
 * ssh-keygen makes no key whose application does not begin with `ssh:`, and verifies with one all the same. Any other
 * application is a web site's, and what a browser asks such a key to sign is for that site to choose.
 */
function readApplication(reader: WireReader): string {
  const application = reader.text();
  if (application.startsWith("ssh:")) return application;
  throw new AppError("key", `the token made this key for ${application.slice(0, 60) || "nothing"}, not for SSH`, {
    fix: "make one with `ssh-keygen -t ed25519-sk`",
  });
}

function readJwk(type: PlainType, reader: WireReader): JsonWebKey {
  if (type === "ssh-ed25519") {
    const raw = reader.string();
    if (raw.length !== ED25519_BYTES) throw new AppError("key", `an ed25519 key has 32 bytes, not ${raw.length}`);
    return { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") };
  }
  if (type === "ssh-rsa") {
    const e = reader.mpint();
    const n = reader.mpint();
    refuseWeakRsa(n, e);
    return { kty: "RSA", n: n.toString("base64url"), e: e.toString("base64url") };
  }
  const curve = CURVES[type];
  const name = reader.text();
  if (name !== curve.ssh) throw new AppError("malformed", `a key of type ${type} names the curve ${name.slice(0, 60)}`);
  const point = reader.string();
  if (point.length !== 1 + 2 * curve.size || point[0] !== 4) {
    throw new AppError("key", `the point of a ${type} key is not in uncompressed form`);
  }
  const [x, y] = [point.subarray(1, 1 + curve.size), point.subarray(1 + curve.size)];
  return { kty: "EC", crv: curve.jwk, x: x.toString("base64url"), y: y.toString("base64url") };
}

/** OpenSSL takes an exponent of 1, under which everybody can sign; the bounds are those of Go's crypto/rsa. */
function refuseWeakRsa(n: Buffer, e: Buffer): void {
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
    throw new AppError("key", `an RSA key of ${bits} bits is not accepted`, { fix: ACCEPTED });
  }
  const exponent = e.length > 4 ? 0 : e.readUIntBE(0, e.length);
  if (exponent < 3 || exponent > 0x7fffffff || exponent % 2 === 0) {
    throw new AppError("key", "the public exponent of this RSA key is not odd and between 3 and 2^31");
  }
}

function writeWire(keyObject: KeyObject): { type: PlainType; wire: Buffer } {
  // Kinds that have no JWK form, such as DSA and RSA-PSS, make the export throw.
  if (["ed25519", "ec", "rsa"].includes(keyObject.asymmetricKeyType ?? "")) {
    const jwk = keyObject.export({ format: "jwk" });
    const [x, y, n, e] = [jwk.x, jwk.y, jwk.n, jwk.e].map((part) => Buffer.from(part ?? "", "base64url"));
    if (jwk.kty === "OKP" && x) return wireOf("ssh-ed25519", wireString(x));
    if (jwk.kty === "RSA" && n && e) {
      refuseWeakRsa(n, e);
      return wireOf("ssh-rsa", wireMpint(e), wireMpint(n));
    }
    const type = jwk.crv === "P-256" ? "ecdsa-sha2-nistp256" : jwk.crv === "P-384" ? "ecdsa-sha2-nistp384" : undefined;
    if (type && x && y)
      return wireOf(type, wireString(CURVES[type].ssh), wireString(Buffer.concat([Buffer.of(4), x, y])));
  }
  throw new AppError("key", "a key of this kind or curve is not accepted", { fix: ACCEPTED });
}

function wireOf(type: PlainType, ...parts: Buffer[]): { type: PlainType; wire: Buffer } {
  return { type, wire: Buffer.concat([wireString(type), ...parts]) };
}
