/** Files of age v1 (https://age-encryption.org/v1) for X25519 recipients, with Node's own cryptography: docs/decisions/0006. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { AppError } from "../errors.ts";
import { type AgeIdentity, publicOf, recipientKey, shared } from "./age-key.ts";
import { armor, dearmor } from "./armor.ts";

const VERSION = "age-encryption.org/v1";
const LABEL = "AGE ENCRYPTED FILE";
const COLUMNS = 64;
const FILE_KEY = 16;
const TAG = 16;
const CHUNK = 64 * 1024;
const NO_NONCE = Buffer.alloc(12);

/** Armored, for one recipient. Each time other bytes. */
export function ageEncrypt(plaintext: Uint8Array, recipient: string): string {
  const to = recipientKey(recipient);
  const fileKey = randomBytes(FILE_KEY);
  const ephemeral = randomBytes(32);
  const share = Buffer.from(publicOf(ephemeral));
  const wrapped = seal(wrapKey(shared(ephemeral, to), share, to), NO_NONCE, fileKey);
  const head = `${VERSION}\n-> X25519 ${base64(share)}\n${base64(wrapped)}\n---`;
  const nonce = randomBytes(16);
  const payload = payloadKey(fileKey, nonce);
  const chunks: Buffer[] = [];
  for (let at = 0; at === 0 || at < plaintext.length; at += CHUNK) {
    const last = at + CHUNK >= plaintext.length;
    chunks.push(seal(payload, chunkNonce(at / CHUNK, last), plaintext.subarray(at, at + CHUNK)));
  }
  return armor(
    LABEL,
    Buffer.concat([Buffer.from(`${head} ${base64(mac(fileKey, head))}\n`), nonce, ...chunks]),
    COLUMNS,
  );
}

/**
 * What lies in an armored file. Throws `key` where none of the identities opens it, `signature` for what was changed, `malformed` for what
 * is no such file or was cut short, `too-large`.
 */
export function ageDecrypt(armored: string, identities: readonly AgeIdentity[]): Buffer {
  return ageOpen(dearmor(LABEL, armored.endsWith("\n") ? armored : `${armored}\n`, "age file"), identities);
}

/** The same without the armor. */
export function ageOpen(file: Uint8Array, identities: readonly AgeIdentity[]): Buffer {
  const { stanzas, head, tag, payload } = readHeader(Buffer.from(file));
  const fileKey = unwrapped(stanzas, identities);
  if (!timingSafeEqual(mac(fileKey, head), tag)) {
    throw new AppError("signature", "the header of the age file was changed: its MAC does not hold");
  }
  const key = payloadKey(fileKey, payload.subarray(0, 16));
  if (payload.length < 16 + TAG) throw new AppError("malformed", "the age file was cut short");
  const chunks: Buffer[] = [];
  const body = payload.subarray(16);
  for (let at = 0; at < body.length; at += CHUNK + TAG) {
    const last = at + CHUNK + TAG >= body.length;
    const chunk = opened(key, chunkNonce(chunks.length, last), body.subarray(at, at + CHUNK + TAG));
    if (chunk === null)
      throw new AppError("signature", "the age file was changed or cut short: its content does not hold");
    if (chunk.length === 0 && at > 0) throw new AppError("malformed", "the age file ends with an empty chunk");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

interface Stanza {
  args: string[];
  body: Buffer;
}

function readHeader(file: Buffer): { stanzas: Stanza[]; head: string; tag: Buffer; payload: Buffer } {
  const wrong = (what: string) => new AppError("malformed", `not an age file: ${what}`);
  let at = 0;
  const line = (): string => {
    const end = file.indexOf(0x0a, at);
    if (end === -1) throw wrong("its header was cut short");
    const text = file.toString("latin1", at, end);
    at = end + 1;
    return text;
  };
  if (line() !== VERSION) throw wrong(`it does not begin with ${VERSION}`);
  const stanzas: Stanza[] = [];
  for (;;) {
    const begin = at;
    const text = line();
    if (text.startsWith("--- ")) {
      const tag = fromBase64(text.slice(4));
      if (tag?.length !== 32) throw wrong("its header has no MAC");
      if (stanzas.length === 0) throw wrong("it is for nobody");
      return { stanzas, head: file.toString("latin1", 0, begin + 3), tag, payload: file.subarray(at) };
    }
    const args = text.split(" ");
    if (args.shift() !== "->" || args.length === 0 || args.some((arg) => !/^[\x21-\x7e]+$/.test(arg))) {
      throw wrong("its header has a line that is no stanza");
    }
    let body = "";
    for (;;) {
      const part = line();
      body += part;
      if (part.length > COLUMNS) throw wrong("its header has a line over 64 columns");
      if (part.length < COLUMNS) break;
    }
    const bytes = fromBase64(body);
    if (bytes === null) throw wrong("its header has a line that is not base64");
    stanzas.push({ args, body: bytes });
  }
}

/** The first file key that an identity opens. */
function unwrapped(stanzas: readonly Stanza[], identities: readonly AgeIdentity[]): Buffer {
  if (stanzas.length > 1 && stanzas.some(({ args }) => args[0] === "scrypt")) {
    throw new AppError("malformed", "not an age file: a passphrase is never one of several keys");
  }
  for (const { args, body } of stanzas) {
    if (args[0] !== "X25519") continue;
    const share = args.length === 2 ? fromBase64(args[1] ?? "") : null;
    if (share?.length !== 32 || body.length !== FILE_KEY + TAG) {
      throw new AppError("malformed", "not an age file: a stanza X25519 has a key of 32 bytes, and 32 bytes more");
    }
    for (const { secret } of identities) {
      const fileKey = opened(wrapKey(shared(secret, share), share, publicOf(secret)), NO_NONCE, body);
      if (fileKey !== null) return fileKey;
    }
  }
  throw new AppError("key", "the age file is encrypted for other keys");
}

function wrapKey(secret: Uint8Array, share: Uint8Array, recipient: Uint8Array): Buffer {
  return derived(secret, Buffer.concat([share, recipient]), `${VERSION}/X25519`);
}

function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return derived(fileKey, nonce, "payload");
}

function mac(fileKey: Uint8Array, head: string): Buffer {
  return createHmac("sha256", derived(fileKey, Buffer.alloc(0), "header"))
    .update(head, "latin1")
    .digest();
}

function derived(secret: Uint8Array, salt: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, salt, info, 32));
}

/** Eleven bytes that count, and one that says whether it is the last. */
function chunkNonce(counter: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(counter, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

function seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Buffer {
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG });
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** null where the tag does not hold. */
function opened(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Buffer | null {
  if (sealed.length < TAG) return null;
  const decipher = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG });
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
  const plaintext = decipher.update(sealed.subarray(0, sealed.length - TAG));
  try {
    return Buffer.concat([plaintext, decipher.final()]);
  } catch {
    return null;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replaceAll("=", "");
}

/** Without padding, in the one form that these bytes have; null for anything else. */
function fromBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64");
  return base64(bytes) === text ? bytes : null;
}
