/** Private keys from files: OpenSSH's own format (PROTOCOL.key) and PKCS#8 PEM, both without a passphrase. */
import { createPrivateKey, type JsonWebKey, type KeyObject, randomBytes } from "node:crypto";
import { AppError } from "../errors.ts";
import { armor, dearmor } from "./armor.ts";
import {
  CURVES,
  ed25519ToRaw,
  isTokenKey,
  type PlainKey,
  type PrivateKey,
  publicKeyFromWire,
  publicKeyOf,
} from "./ssh-key.ts";
import { signBlob, verifyBlob } from "./ssh-signature.ts";
import { WireReader, wireString, wireUint32 } from "./ssh-wire.ts";

const LABEL = "OPENSSH PRIVATE KEY";
const MAGIC = "openssh-key-v1\0";
/** The cipher's block size, to which the private part is padded; 8 where there is no cipher. */
const BLOCK = 8;
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");

/** Throws `key` for one with a passphrase or of a kind that is not accepted, `unsupported`, `malformed`, `too-large`. */
export function parsePrivateKey(text: string): PrivateKey {
  if (text.startsWith("-----BEGIN ENCRYPTED PRIVATE KEY-----")) throw encrypted();
  if (text.startsWith("-----BEGIN PRIVATE KEY-----")) return fromPkcs8(text);
  if (/^-----BEGIN [A-Z]+ PRIVATE KEY-----/.test(text) && !text.startsWith(`-----BEGIN ${LABEL}-----`)) {
    throw new AppError("key", "private keys in OpenSSL's old PEM format are not read", {
      fix: "convert it with `ssh-keygen -p -f FILE`",
    });
  }
  return fromOpenSsh(dearmor(LABEL, text, "private key"));
}

/** A new key, from the system's source of randomness. */
export function generateEd25519(): PrivateKey {
  return ed25519FromSeed(randomBytes(32));
}

/** The key of a seed of 32 bytes (RFC 8032). */
export function ed25519FromSeed(seed: Uint8Array): PrivateKey {
  if (seed.length !== 32) throw new AppError("key", `the seed of an ed25519 key has 32 bytes, not ${seed.length}`);
  const der = Buffer.concat([PKCS8_ED25519, seed]);
  return withPublic(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
}

/** An ed25519 key as a file that ssh-keygen reads, without a passphrase. */
export function formatEd25519(key: PrivateKey, comment = ""): string {
  const raw = ed25519ToRaw(key.public);
  const seed = Buffer.from(key.keyObject.export({ format: "jwk" }).d ?? "", "base64url");
  // The two check numbers tell a wrong passphrase from a right one; with none, any pair of equals will do.
  const fields = [key.public.type, raw, Buffer.concat([seed, raw]), comment].map(wireString);
  const secret = Buffer.concat([wireUint32(0), wireUint32(0), ...fields]);
  const head = [...["none", "none", ""].map(wireString), wireUint32(1), wireString(key.public.wire)];
  const padded = Buffer.concat([secret, padding(-secret.length & (BLOCK - 1))]);
  return armor(LABEL, Buffer.concat([Buffer.from(MAGIC), ...head, wireString(padded)]));
}

function fromPkcs8(text: string): PrivateKey {
  let keyObject: KeyObject;
  try {
    keyObject = createPrivateKey(text);
  } catch (cause) {
    throw new AppError("malformed", "the private key is not PKCS#8 in PEM", { cause });
  }
  return withPublic(keyObject);
}

function fromOpenSsh(bytes: Uint8Array): PrivateKey {
  const reader = new WireReader(bytes, "private key");
  if (reader.raw(MAGIC.length).toString("latin1") !== MAGIC) {
    throw new AppError("malformed", "not an OpenSSH private key");
  }
  const cipher = reader.text();
  reader.text(); // the key derivation and its options, which mean nothing without a cipher
  reader.string();
  if (cipher !== "none") throw encrypted();
  const count = reader.uint32();
  if (count !== 1) throw new AppError("unsupported", `a private key file with ${count} keys is not supported`);
  const publicKey = publicKeyFromWire(reader.string());
  if (isTokenKey(publicKey)) {
    throw new AppError("key", "the secret of this key is in a security token, which only ssh-keygen speaks to");
  }
  const secret = new WireReader(reader.string(), "private key");
  reader.end();

  if (secret.uint32() !== secret.uint32()) throw new AppError("malformed", "the private key is damaged");
  const type = secret.text();
  if (type !== publicKey.type)
    throw new AppError("malformed", `the private part of a ${publicKey.type} key is ${type}`);
  const jwk = readSecret(publicKey, secret);
  secret.string(); // the comment
  const rest = secret.rest();
  if (rest.length >= BLOCK || !rest.equals(padding(rest.length))) {
    throw new AppError("malformed", "the private key is not padded as OpenSSH does");
  }
  return withPublic(importJwk(jwk), publicKey);
}

/** The public part is taken from the file's head, and proven to belong to the secret by `withPublic`. */
function readSecret(publicKey: PlainKey, secret: WireReader): JsonWebKey {
  const known = publicKey.keyObject.export({ format: "jwk" });
  if (publicKey.type === "ssh-ed25519") {
    secret.string(); // the public key once more
    const both = secret.string();
    if (both.length !== 64) throw new AppError("malformed", "the private part of an ed25519 key has 64 bytes");
    return { ...known, d: both.subarray(0, 32).toString("base64url") };
  }
  if (publicKey.type === "ssh-rsa") {
    secret.mpint(); // n and e once more
    secret.mpint();
    const [d, qi, p, q] = [secret.mpint(), secret.mpint(), secret.mpint(), secret.mpint()];
    const parts = { d, p, q, dp: reduced(d, p), dq: reduced(d, q), qi };
    return { ...known, ...Object.fromEntries(Object.entries(parts).map(([k, v]) => [k, v.toString("base64url")])) };
  }
  const { size } = CURVES[publicKey.type];
  secret.text(); // the curve and the point once more
  secret.string();
  const d = secret.mpint();
  if (d.length > size) throw new AppError("malformed", "the private number of the key is too large for its curve");
  return { ...known, d: Buffer.concat([Buffer.alloc(size - d.length), d]).toString("base64url") };
}

/** `d mod (prime - 1)`: the exponent for one prime, which OpenSSH leaves out of its files and OpenSSL wants. */
function reduced(d: Buffer, prime: Buffer): Buffer {
  const modulus = BigInt(`0x${prime.toString("hex")}`) - 1n;
  if (modulus < 1n) throw new AppError("malformed", "the RSA key has a prime that is none");
  const hex = (BigInt(`0x${d.toString("hex")}`) % modulus).toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
}

function importJwk(key: JsonWebKey): KeyObject {
  try {
    return createPrivateKey({ key, format: "jwk" });
  } catch (cause) {
    throw new AppError("malformed", "the private part of the key is no valid key", { cause });
  }
}

/** Signs once: OpenSSL imports a secret that does not belong to the public key beside it. */
function withPublic(keyObject: KeyObject, publicKey = publicKeyOf(keyObject)): PrivateKey {
  const key = { public: publicKey, keyObject };
  const probe = Buffer.from("probe");
  try {
    verifyBlob(probe, signBlob(probe, key), publicKey);
  } catch (cause) {
    throw new AppError("malformed", "the private part does not belong to the public part of the key", { cause });
  }
  return key;
}

function padding(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => i + 1));
}

function encrypted(): AppError {
  return new AppError("key", "the private key has a passphrase", {
    fix: "add it to ssh-agent (`ssh-add FILE`) and name its public key (FILE.pub) instead",
  });
}
