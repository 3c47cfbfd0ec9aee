import * as z from "zod/mini";
import { parseCanonical } from "../canonical.ts";
import { AppError } from "../errors.ts";
import { count, name, pair, sha256, shortDigest, siteId, version } from "../names.ts";
import { readSignedFrame, SIGNED_FRAME_MAX_BYTES, signedFrame } from "../node/signed-frame.ts";
import { unzstd, zstd } from "../node/zstd.ts";
import { parseAs } from "../parse.ts";
import type { SignedBytes } from "../ports.ts";
import { deltaName } from "./source.ts";

/**
 * How a mirror lies in a folder, which any web server may serve (docs/mirror.md). Programs read its `.zst` files; what lies
 * beside them as `.json` and `.sig` is the same for people. All of it is hints and untrusted bytes. A name or version from
 * anywhere becomes part of a path only through `at`, which knows what each may look like.
 */

const shortId = z.string().check(z.regex(/^[0-9a-f]{12}$/));

/** The poll: what changed, in half a kilobyte for 10 bundles and 16 groups of records. */
const index = z.strictObject({
  /** The newest version, the first half of its digest, and how many deltas lead to it. */
  bundles: z.record(name, z.tuple([version, shortDigest, count])),
  /** By the first hex digit of the SHA-256 of a site's id: changes with any record of the group. */
  sites: z.record(z.string().check(z.regex(/^[0-9a-f]$/)), shortId),
  /** Number of the newest root, and what changes with any document of trust. */
  trust: z.optional(z.tuple([count, shortId])),
});
export type MirrorIndex = z.infer<typeof index>;
export const INDEX_MAX_BYTES = 1024 * 1024;

/** Versions of a bundle, the newest first. */
const versionList = z.array(z.strictObject({ digest: sha256, pair, version }));
export type VersionList = z.infer<typeof versionList>;

/** Throws `malformed` where a part is no name of its kind. */
export const at = {
  index: "index.zst",
  root: (number: number) => `root/${part(count, number)}.zst`,
  head: "head.zst",
  record: (site: string) => `sites/${part(siteId, site)}.zst`,
  versions: (bundle: string) => `bundles/${part(name, bundle)}.zst`,
  folder: (bundle: string, wanted: string) => `bundles/${part(name, bundle)}/${part(version, wanted)}`,
  manifest: (bundle: string, wanted: string) => `${at.folder(bundle, wanted)}/bundle.zst`,
  all: (bundle: string, wanted: string) => `${at.folder(bundle, wanted)}/all.zst`,
  delta: (bundle: string, wanted: string, from: string) =>
    `${at.folder(bundle, wanted)}/${deltaName(part(sha256, from))}`,
  blob: (hash: string) => `blobs/${part(sha256, hash)}.zst`,
};

function part<T>(kind: z.ZodMiniType<T>, value: T): T {
  if (kind.safeParse(value).success) return value;
  throw new AppError("malformed", `${JSON.stringify(value)} cannot be a part of a path`);
}

/** The same for people, of a file for programs. */
export function readable(path: string): string {
  return path.replace(/\.zst$/, ".json");
}

/** Throws `malformed`: what a mirror says is either in form or of no use. */
export function readIndex(bytes: Uint8Array): MirrorIndex {
  return read(index, bytes, at.index);
}

export function readVersionList(bytes: Uint8Array, where: string): VersionList {
  return read(versionList, bytes, where);
}

function read<T>(kind: z.ZodMiniType<T>, bytes: Uint8Array, where: string): T {
  try {
    return parseAs(kind, parseCanonical(unzstd(bytes, INDEX_MAX_BYTES), where, INDEX_MAX_BYTES), where);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError("malformed", `no ${where} of a mirror: ${why}`, { where, cause });
  }
}

/** A document with its signatures, as one file: nobody ever reads an old signature beside a new document. */
export function packSigned(document: SignedBytes): Buffer {
  return zstd(signedFrame(document));
}

/** Throws `malformed` or `too-large`. */
export function unpackSigned(bytes: Uint8Array): SignedBytes {
  return readSignedFrame(unzstd(bytes, SIGNED_FRAME_MAX_BYTES));
}

/** More than this is no zstd frame of so many bytes: the most that incompressible ones grow by, and the frame around them. */
export function packedMaxBytes(size: number): number {
  return size + Math.ceil(size / 128) + 1024;
}
