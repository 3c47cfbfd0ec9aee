import { AppError } from "../../shared/errors.ts";
import type { encodeFrame, openFrame } from "../../shared/node/frame.ts";

/**
 * Frames as cheap as a simulation needs them: in the place of the signature stands who signed, and the body is neither signed nor
 * deflated. Everything that a real frame binds is bound here too: the topic, the kind, the sender's keys.
 */
const HEAD = 65;

export const mint: typeof encodeFrame = ({ topic, namespace, json, key }) => {
  const bytes = Buffer.allocUnsafe(HEAD + Buffer.byteLength(json));
  bytes.fill(0, 0, HEAD);
  bytes.write(key.public.spki, 1, 43, "latin1");
  bytes.writeUInt32LE(seal(topic, namespace), 45);
  bytes.write(json, HEAD);
  return bytes;
};

export const openMinted: typeof openFrame = ({ topic, namespace, bytes, maxBytes, keys }) => {
  if (bytes.length > maxBytes)
    throw new AppError("too-large", `a message of ${bytes.length} bytes, at most ${maxBytes} are taken`, {
      where: topic,
    });
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const signer = view.toString("latin1", 1, 44);
  const key = keys.find(({ spki }) => spki.slice(0, 43) === signer);
  if (key === undefined || view.readUInt32LE(45) !== seal(topic, namespace)) {
    throw new AppError("signature", "the message is not signed by a key of its sender for this topic", {
      where: topic,
    });
  }
  return { json: bodyOf(bytes), key };
};

const seals = new Map<string, number>();

function seal(topic: string, namespace: string): number {
  const known = seals.get(topic + namespace);
  if (known !== undefined) return known;
  let hash = 0x811c9dc5;
  for (const text of [topic, namespace]) {
    for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  seals.set(topic + namespace, hash >>> 0);
  return hash >>> 0;
}

/** Frames are never changed: each is parsed once, for its reader and for the witness. */
const bodies = new WeakMap<Uint8Array, unknown>();

/** What a frame says, whoever signed it. */
export function bodyOf(frame: Uint8Array): unknown {
  const known = bodies.get(frame);
  if (known !== undefined) return known;
  const body: unknown = JSON.parse(
    Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString("utf8", HEAD),
  );
  bodies.set(frame, body);
  return body;
}
