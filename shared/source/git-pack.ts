/** Is a pack (gitformat-pack(5)) whole, and how much comes out of it? Asked before anything takes it apart without a bound. */
import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import { AppError } from "../errors.ts";

export interface PackLimits {
  /** Of one object, deltas applied. */
  objectBytes: number;
  /** Of all objects, deltas applied. */
  totalBytes: number;
  objects: number;
}

const SUM_BYTES = 20;
const HEADER_BYTES = 12;
const [OFFSET_DELTA, REFERENCE_DELTA] = [6, 7];

/**
 * Throws `malformed` or `too-large`. Takes no more memory than `objectBytes`: an object is unpacked to the size that it
 * announces and not a byte further, one by one; a delta announces the size of what it makes. Returns the ids of objects that deltas
 * build on, which a thin pack need not have.
 */
export function checkPack(pack: Buffer, limits: PackLimits): Set<string> {
  const end = pack.length - SUM_BYTES;
  if (end < HEADER_BYTES || pack.toString("latin1", 0, 4) !== "PACK") throw damaged("it is no pack");
  const sum = createHash("sha1").update(pack.subarray(0, end)).digest();
  if (!sum.equals(pack.subarray(end))) throw damaged("its checksum does not hold");
  const objects = pack.readUInt32BE(8);
  if (objects > limits.objects) throw tooLarge(`${objects} objects, at most ${limits.objects} are taken`);
  const bases = new Set<string>();
  let total = 0;
  let at = HEADER_BYTES;
  for (let index = 0; index < objects; index += 1) {
    const { type, size, start } = headerAt(pack, at);
    if (type === REFERENCE_DELTA) bases.add(pack.toString("hex", start - SUM_BYTES, start));
    if (size > limits.objectBytes)
      throw tooLarge(`an object of ${size} bytes, at most ${limits.objectBytes} are taken`);
    const { bytes, read } = inflate(pack.subarray(start, end), size);
    const made = type === OFFSET_DELTA || type === REFERENCE_DELTA ? sizeMadeBy(bytes) : size;
    if (made > limits.objectBytes)
      throw tooLarge(`an object of ${made} bytes, at most ${limits.objectBytes} are taken`);
    total += made;
    if (total > limits.totalBytes) throw tooLarge(`more than ${limits.totalBytes} bytes in all`);
    at = start + read;
  }
  if (at !== end) throw damaged("something follows its objects");
  return bases;
}

function headerAt(pack: Buffer, at: number): { type: number; size: number; start: number } {
  const first = pack[at] ?? 0;
  const type = (first >> 4) & 7;
  let { value: size, next } = first < 128 ? { value: 0, next: at + 1 } : varint(pack, at + 1);
  size = size * 16 + (first & 15);
  if (type === REFERENCE_DELTA) next += SUM_BYTES;
  else if (type === OFFSET_DELTA) next = varint(pack, next).next;
  else if (type === 0 || type === 5) throw damaged(`it has an object of type ${type}`);
  return { type, size, start: next };
}

/** A delta begins with the sizes of its base and of what it makes. */
function sizeMadeBy(delta: Buffer): number {
  return varint(delta, varint(delta, 0).next).value;
}

/** Seven bits a byte, the least first; the top bit says that more follow. */
function varint(bytes: Buffer, at: number): { value: number; next: number } {
  let value = 0;
  for (let index = 0; index < 7; index += 1) {
    const byte = bytes[at + index];
    if (byte === undefined) break;
    value += (byte & 127) * 2 ** (7 * index);
    if (byte < 128) return { value, next: at + index + 1 };
  }
  throw damaged("it has a number without an end");
}

function inflate(packed: Buffer, size: number): { bytes: Buffer; read: number } {
  try {
    const options = { maxOutputLength: Math.max(size, 1), info: true };
    // With `info`, Node tells how far it read; its types do not know.
    const { buffer, engine } = inflateSync(packed, options) as unknown as Inflated;
    if (buffer.length === size) return { bytes: buffer, read: engine.bytesWritten };
  } catch (cause) {
    throw damaged("an object cannot be unpacked to the size that it has", cause);
  }
  throw damaged("an object is smaller than it says");
}

interface Inflated {
  buffer: Buffer;
  engine: { bytesWritten: number };
}

function damaged(why: string, cause?: unknown): AppError {
  return new AppError("malformed", `the server sent a pack that is not whole: ${why}`, { cause });
}

function tooLarge(what: string): AppError {
  return new AppError("too-large", `what the server sent does not fit into the memory allowed: ${what}`, {
    fix: "look at what is in that repository; if it is as it should be, allow Git more memory",
  });
}
