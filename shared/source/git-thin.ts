/** A thin pack (gitformat-pack(5)) builds on objects that it does not have. With these added, nothing that is kept needs another pack. */
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { AppError } from "../errors.ts";

const SUM_BYTES = 20;
const TYPES = ["commit", "tree", "blob", "tag"];

export interface GitObject {
  /** `commit`, `tree`, `blob`, `tag`. */
  type: string;
  object: Uint8Array;
}

/**
 * The pack with these objects behind its own, as `git index-pack --fix-thin` does it. Otherwise what goes back to an older content, as
 * a revert does, ends in two packs of which each builds on the other, and a reader that follows them never ends.
 */
export function completed(pack: Buffer, bases: readonly GitObject[]): Buffer {
  const head = Buffer.from(pack.subarray(0, pack.length - SUM_BYTES));
  head.writeUInt32BE(head.readUInt32BE(8) + bases.length, 8);
  const body = Buffer.concat([
    head,
    ...bases.flatMap(({ type, object }) => [entry(type, object.length), deflateSync(object)]),
  ]);
  return Buffer.concat([body, createHash("sha1").update(body).digest()]);
}

/** Type and size: four bits of the size, and then seven a byte, the least first; the top bit says that more follow. */
function entry(type: string, size: number): Buffer {
  const number = TYPES.indexOf(type) + 1;
  if (number === 0) throw new AppError("malformed", `an object of type ${type} in a pack`);
  const bytes = [(number << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 128;
    bytes.push(rest & 127);
  }
  return Buffer.from(bytes);
}
