import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { BUNDLE_MAX_BYTES, type Bundle, type BundleFile } from "../bundle.ts";
import { AppError } from "../errors.ts";
import { isMap } from "../live.ts";
import type { SignedBytes } from "../ports.ts";

/**
 * What leads from one version of a bundle to a newer one, for a site that has the older: two zstd frames (RFC 8878), each with
 * old bytes as its dictionary. Nothing about it is trusted: what comes out must have the signed digests, and any error
 * costs no more than fetching the version whole.
 *
 *     u32 length of the first frame, big-endian
 *     frame: u32 length of bundle.json | bundle.json | {"<key>":"<signature>"}      dictionary: the old bundle.json
 *     frame: the files that changed, in the order of the new bundle.json            dictionary: the old files at their paths
 *
 * Two, because the first has to be verified before the second may cost anything.
 */

/** Above this a delta is not worth making: the version is fetched whole. */
export const DELTA_MAX_BYTES = 1024 * 1024;
/** Of a dictionary, and of what comes out of the second frame: what a reader holds in memory at once. */
export const DELTA_FILES_MAX_BYTES = 16 * 1024 * 1024;
const SIGNATURES_MAX_BYTES = 512 * 1024;
const WINDOW_LOG = 24;

/** Old content at a path; null where the old version has no such file. */
export type OldFile = (path: string) => Uint8Array | null;

/** The files of `next` whose content the old version has nowhere. */
export function changedFiles(old: Bundle, next: Bundle): BundleFile[] {
  const held = new Set(old.files.map((file) => file.sha256));
  return next.files.filter((file) => !held.has(file.sha256));
}

/** null where it would be too large to be worth it. `changed` are the bytes of `changedFiles`, in order. */
export function packDelta(
  old: { body: Uint8Array; file: OldFile },
  next: { document: SignedBytes; changed: readonly { path: string; bytes: Uint8Array }[] },
): Uint8Array | null {
  const { document, changed } = next;
  const signatures = Buffer.from(JSON.stringify(Object.fromEntries(document.signatures)));
  const dictionary = dictionaryOf(changed, old.file);
  const files = Buffer.concat(changed.map(({ bytes }) => bytes));
  if (Math.max(dictionary.length, files.length) > DELTA_FILES_MAX_BYTES) return null;
  const first = compress(Buffer.concat([length(document.body), document.body, signatures]), old.body);
  const frame = Buffer.concat([length(first), first, compress(files, dictionary)]);
  return frame.length > DELTA_MAX_BYTES ? null : frame;
}

/** The new manifest with its signatures, unverified. Throws `malformed` or `too-large`. */
export function openDelta(frame: Uint8Array, oldBody: Uint8Array): SignedBytes {
  const { first } = framesOf(frame);
  const out = decompress(first, oldBody, BUNDLE_MAX_BYTES + SIGNATURES_MAX_BYTES);
  const size = out.length < 4 ? -1 : out.readUInt32BE(0);
  if (size < 0 || size > out.length - 4) throw damaged();
  const parsed = parse(out.subarray(4 + size));
  if (!isMap(parsed)) throw damaged();
  const signatures = Object.entries(parsed).map(([key, armored]): [string, string] => {
    if (typeof armored !== "string") throw damaged();
    return [key, armored];
  });
  return { body: out.subarray(4, 4 + size), signatures: new Map(signatures) };
}

/** The bytes of `changed`, in order, unverified. Throws `malformed` or `too-large`. */
export function deltaFiles(frame: Uint8Array, changed: readonly BundleFile[], old: OldFile): Uint8Array[] {
  const total = changed.reduce((sum, { size }) => sum + size, 0);
  const dictionary = total > DELTA_FILES_MAX_BYTES ? null : dictionaryOf(changed, old);
  if (dictionary === null || dictionary.length > DELTA_FILES_MAX_BYTES) throw tooLarge();
  const out = decompress(framesOf(frame).second, dictionary, total);
  if (out.length !== total) throw damaged();
  let at = 0;
  return changed.map(({ size }) => {
    at += size;
    return out.subarray(at - size, at);
  });
}

function dictionaryOf(changed: readonly { path: string }[], old: OldFile): Buffer {
  return Buffer.concat(changed.flatMap(({ path }) => old(path) ?? []));
}

function framesOf(frame: Uint8Array): { first: Buffer; second: Buffer } {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  const size = bytes.length < 4 ? -1 : bytes.readUInt32BE(0);
  if (size < 0 || size > bytes.length - 4) throw damaged();
  return { first: bytes.subarray(4, 4 + size), second: bytes.subarray(4 + size) };
}

function compress(bytes: Uint8Array, dictionary: Uint8Array): Buffer {
  return zstdCompressSync(bytes, {
    ...withDictionary(dictionary),
    params: { [constants.ZSTD_c_compressionLevel]: 19 },
  });
}

function decompress(bytes: Uint8Array, dictionary: Uint8Array, maxOutputLength: number): Buffer {
  const params = { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG };
  try {
    return zstdDecompressSync(bytes, { ...withDictionary(dictionary), maxOutputLength: maxOutputLength + 1, params });
  } catch (cause) {
    throw cause instanceof RangeError ? tooLarge(cause) : damaged(cause);
  }
}

/** An empty dictionary is none. */
function withDictionary(dictionary: Uint8Array): { dictionary?: Uint8Array } {
  return dictionary.length === 0 ? {} : { dictionary };
}

function length(bytes: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(bytes.length);
  return prefix;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw damaged(cause);
  }
}

function damaged(cause?: unknown): AppError {
  return new AppError("malformed", "the delta is damaged, or made for another version", { cause });
}

function tooLarge(cause?: unknown): AppError {
  return new AppError("too-large", "the delta unpacks to more than the manifest names", { cause });
}
