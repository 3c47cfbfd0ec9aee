/**
 * The frame of every signed message on the wire: one format byte, 64 bytes of ed25519, the body. Signed is the SSHSIG
 * preimage of `topic 0x00 format body`, so that a broker can move no message to another topic or kind.
 */
import { sign, verify } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { AppError } from "../errors.ts";
import { protocolDictionary } from "../protocol-dictionary.ts";
import { ed25519ToRaw, type PrivateKey, type PublicKey, parsePublicKey } from "./ssh-key.ts";
import { preimage } from "./sshsig.ts";

/** `plain` is readable by `mosquitto_sub`; `deflate` falls back to it where deflating does not make the body smaller. */
export type FrameFormat = "plain" | "deflate";

const PLAIN = 0;
const DEFLATE = 1;
const SIGNATURE_BYTES = 64;
/** Bytes that a frame adds to its body. */
export const FRAME_OVERHEAD = 1 + SIGNATURE_BYTES;
const DICTIONARY = Buffer.from(protocolDictionary(1));

export interface FrameToEncode {
  topic: string;
  /** Of the kind of topic: `skerry-report@v1`. */
  namespace: string;
  json: string;
  format: FrameFormat;
  /** An ed25519 key; another kind is refused with `key`. */
  key: PrivateKey;
}

export interface FrameToOpen {
  topic: string;
  namespace: string;
  bytes: Uint8Array;
  /** Caps in bytes, on the frame and on its body after inflation. */
  maxBytes: number;
  maxInflated: number;
  /** The sender's ed25519 keys. */
  keys: readonly PublicKey[];
}

export function encodeFrame({ topic, namespace, json, format, key }: FrameToEncode): Uint8Array {
  ed25519ToRaw(key.public);
  const [byte, body] = packed(json, format);
  const signature = sign(null, signedBytes(topic, namespace, byte, body), key.keyObject);
  return Buffer.concat([Buffer.of(byte), signature, body]);
}

/**
 * The message, and the key that signed it. Nothing is inflated or parsed before the signature holds. Throws `too-large`
 * (frame or inflated body over its cap), `malformed`, `signature`; `key` where a key of the sender is not ed25519.
 */
export function openFrame(frame: FrameToOpen): { json: unknown; key: PublicKey } {
  const { topic, namespace, bytes, maxBytes, maxInflated, keys } = frame;
  refuseSize(bytes, maxBytes, topic);
  const [byte] = bytes;
  if (byte === undefined || bytes.length < FRAME_OVERHEAD) {
    throw new AppError("malformed", `a message of ${bytes.length} bytes is shorter than a signature`, { where: topic });
  }
  const signature = bytes.subarray(1, FRAME_OVERHEAD);
  const body = bytes.subarray(FRAME_OVERHEAD);
  const signed = signedBytes(topic, namespace, byte, body);
  for (const candidate of keys) ed25519ToRaw(candidate);
  const key = keys.find((candidate) => verify(null, signed, candidate.keyObject, signature));
  if (key === undefined) {
    throw new AppError("signature", "the message is not signed by a key of its sender for this topic", {
      where: topic,
    });
  }
  return { json: parseJson(plainBody(byte, body, maxInflated, topic), topic), key };
}

/** A message that carries what others signed, and has no signature of its own: the format byte and the body. */
export function encodeUnsigned(json: string, format: FrameFormat): Uint8Array {
  const [byte, body] = packed(json, format);
  return Buffer.concat([Buffer.of(byte), body]);
}

/** From anybody: what is in it must hold by itself. Throws `too-large`, `malformed`. */
export function openUnsigned({
  topic,
  bytes,
  maxBytes,
  maxInflated,
}: Pick<FrameToOpen, "topic" | "bytes" | "maxBytes" | "maxInflated">): unknown {
  refuseSize(bytes, maxBytes, topic);
  const [byte] = bytes;
  if (byte === undefined) throw new AppError("malformed", "an empty message", { where: topic });
  return parseJson(plainBody(byte, bytes.subarray(1), maxInflated, topic), topic);
}

/** A key that signs messages, from its OpenSSH line. Throws `key` for another kind than ed25519. */
export function parseWireKey(line: string): PublicKey {
  const key = parsePublicKey(line);
  ed25519ToRaw(key);
  return key;
}

function packed(json: string, format: FrameFormat): [number, Uint8Array] {
  const plain = Buffer.from(json);
  if (format === "plain") return [PLAIN, plain];
  const deflated = deflateRawSync(plain, { level: 9, dictionary: DICTIONARY });
  return deflated.length < plain.length ? [DEFLATE, deflated] : [PLAIN, plain];
}

function refuseSize(bytes: Uint8Array, maxBytes: number, topic: string): void {
  if (bytes.length <= maxBytes) return;
  throw new AppError("too-large", `a message of ${bytes.length} bytes, at most ${maxBytes} are taken`, {
    where: topic,
  });
}

function signedBytes(topic: string, namespace: string, format: number, body: Uint8Array): Uint8Array {
  // A NUL in the topic would let its end pass for a format and a body. MQTT forbids it too.
  if (topic.includes("\0")) throw new AppError("malformed", "a topic with a NUL");
  return preimage(namespace, "sha512", Buffer.concat([Buffer.from(topic), Buffer.of(0, format), body]));
}

function plainBody(format: number, body: Uint8Array, maxInflated: number, topic: string): Uint8Array {
  if (format === PLAIN && body.length <= maxInflated) return body;
  if (format === PLAIN) throw tooLarge(maxInflated, topic);
  if (format !== DEFLATE)
    throw new AppError("malformed", `messages of format ${format} do not exist`, { where: topic });
  try {
    return inflate(body, maxInflated);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(maxInflated, topic);
    throw new AppError("malformed", "the message cannot be inflated", { where: topic, cause });
  }
}

/** Stops at `maxInflated` bytes, having allocated no more than that and one chunk. */
function inflate(body: Uint8Array, maxInflated: number): Uint8Array {
  return inflateRawSync(body, { dictionary: DICTIONARY, maxOutputLength: maxInflated });
}

function tooLarge(max: number, topic: string): AppError {
  return new AppError("too-large", `a message with a body of more than ${max} bytes`, { where: topic });
}

function parseJson(bytes: Uint8Array, topic: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new AppError("malformed", "the message is not JSON in UTF-8", { where: topic, cause });
  }
}
