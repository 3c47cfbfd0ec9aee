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

/** By topic and namespace. */
const seals = new Map<string, Map<string, number>>();

function seal(topic: string, namespace: string): number {
  const known = seals.get(topic) ?? new Map<string, number>();
  const found = known.get(namespace);
  if (found !== undefined) return found;
  let hash = 0x811c9dc5;
  for (const text of [topic, namespace]) {
    for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  seals.set(topic, known.set(namespace, hash >>> 0));
  return hash >>> 0;
}

/** What a frame says, whoever signed it. Frames are never changed: each is parsed once, for its reader and for the witness. */
export function bodyOf(frame: Uint8Array & { says?: unknown }): unknown {
  frame.says ??= JSON.parse(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString("utf8", HEAD));
  return frame.says;
}
