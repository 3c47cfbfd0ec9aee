import { BUNDLE_MAX_BYTES } from "../bundle.ts";
import { AppError } from "../errors.ts";
import { isMap } from "../live.ts";
import type { SignedBytes } from "../ports.ts";

/**
 * A document and its signatures as one piece of bytes, so that nobody ever reads one of them without the other:
 *
 *     u32 length of the document, big-endian | document | {"<key>":"<signature>"}
 */

const SIGNATURES_MAX_BYTES = 512 * 1024;
export const SIGNED_FRAME_MAX_BYTES = 4 + BUNDLE_MAX_BYTES + SIGNATURES_MAX_BYTES;

export function signedFrame({ body, signatures }: SignedBytes): Buffer {
  const sorted = [...signatures].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat([uint32(body.length), body, Buffer.from(JSON.stringify(Object.fromEntries(sorted)))]);
}

/** Unverified. Throws `malformed`. */
export function readSignedFrame(frame: Buffer): SignedBytes {
  const [body, rest] = cutAt(frame);
  const parsed = parse(rest);
  if (!isMap(parsed)) throw damaged();
  const signatures = Object.entries(parsed).map(([key, armored]): [string, string] => {
    if (typeof armored !== "string") throw damaged();
    return [key, armored];
  });
  return { body, signatures: new Map(signatures) };
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The part whose length stands before it, and what follows it. Throws `malformed`. */
export function cutAt(frame: Buffer): [Buffer, Buffer] {
  const size = frame.length < 4 ? -1 : frame.readUInt32BE(0);
  if (size < 0 || size > frame.length - 4) throw damaged();
  return [frame.subarray(4, 4 + size), frame.subarray(4 + size)];
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    throw damaged(cause);
  }
}

function damaged(cause?: unknown): AppError {
  return new AppError("malformed", "not a document with its signatures", { cause });
}
