import { type Bundle, type BundleFile } from "../bundle.ts";
import { AppError } from "../errors.ts";
import type { SignedBytes } from "../ports.ts";
import { cutAt, readSignedFrame, SIGNED_FRAME_MAX_BYTES, signedFrame, uint32 } from "./signed-frame.ts";
import { unzstd, zstd } from "./zstd.ts";

/**
 * What leads from one version of a bundle to a newer one, for a site that has the older: two zstd frames (RFC 8878), each with
 * old bytes as its dictionary. Nothing about it is trusted: what comes out must have the signed digests, and any error
 * costs no more than fetching the version whole.
 *
 *     u32 length of the first frame, big-endian
 *     frame: bundle.json with its signatures (`signed-frame.ts`)                    dictionary: the old bundle.json
 *     frame: the files that changed, in the order of the new bundle.json            dictionary: the old files at their paths
 *
 * Two, because the first has to be verified before the second may cost anything.
 */

/** Above this a delta is not worth making: the version is fetched whole. */
export const DELTA_MAX_BYTES = 1024 * 1024;
/** Of a dictionary, and of what comes out of the second frame: what a reader holds in memory at once. */
export const DELTA_FILES_MAX_BYTES = 16 * 1024 * 1024;

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
): Buffer | null {
  const { document, changed } = next;
  const dictionary = dictionaryOf(changed, old.file);
  const files = Buffer.concat(changed.map(({ bytes }) => bytes));
  if (Math.max(dictionary.length, files.length) > DELTA_FILES_MAX_BYTES) return null;
  const first = zstd(signedFrame(document), old.body);
  const frame = Buffer.concat([uint32(first.length), first, zstd(files, dictionary)]);
  return frame.length > DELTA_MAX_BYTES ? null : frame;
}

/** The new manifest with its signatures, unverified. Throws `malformed` or `too-large`. */
export function openDelta(frame: Uint8Array, oldBody: Uint8Array): SignedBytes {
  const [first] = framesOf(frame);
  return readSignedFrame(unzstd(first, SIGNED_FRAME_MAX_BYTES, oldBody));
}

/** The bytes of `changed`, in order, unverified. Throws `malformed` or `too-large`. */
export function deltaFiles(frame: Uint8Array, changed: readonly BundleFile[], old: OldFile): Uint8Array[] {
  const total = changed.reduce((sum, { size }) => sum + size, 0);
  const dictionary = total > DELTA_FILES_MAX_BYTES ? null : dictionaryOf(changed, old);
  if (dictionary === null || dictionary.length > DELTA_FILES_MAX_BYTES) {
    throw new AppError("too-large", `a delta of more than ${DELTA_FILES_MAX_BYTES} bytes of files`);
  }
  const [, second] = framesOf(frame);
  const out = unzstd(second, total, dictionary);
  if (out.length !== total) throw new AppError("malformed", "the delta has fewer bytes than the manifest names");
  let at = 0;
  return changed.map(({ size }) => {
    at += size;
    return out.subarray(at - size, at);
  });
}

function dictionaryOf(changed: readonly { path: string }[], old: OldFile): Buffer {
  return Buffer.concat(changed.flatMap(({ path }) => old(path) ?? []));
}

function framesOf(frame: Uint8Array): [Buffer, Buffer] {
  return cutAt(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength));
}
