import type { BundleFile } from "../bundle.ts";
import type { SignedBytes } from "../ports.ts";

/**
 * Port `source`: where documents and bundles are pulled from. Untrusted transport, always: everything that comes out is
 * bytes that still have to be verified. Held by `test/contract/source`.
 * Calls throw `AppError`: `unreachable` (try again), `not-found`, `malformed` (a lying or broken source), `too-large`.
 */
export interface Source {
  /** For people and logs, without credentials. */
  readonly address: string;
  /**
   * The cheap poll: an opaque id for each ref that exists, by name: `trust`, `sites-<h>`, `bundles/<name>`, `main`, and
   * `deltas/<name>` where the source has deltas. An id that did not change means nothing changed. One small exchange with the server,
   * nothing is fetched. Only refs that begin as one of `only` need come.
   */
  heads(only?: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Root documents with a number above `after`, rising, at a head of `trust`. */
  roots(head: string, after: number): Promise<SignedBytes[]>;
  /** The signed statement of what is newest (`head.json`) at a head of `trust`; null where there is none. */
  newest(head: string): Promise<SignedBytes | null>;
  /** The record of one site at a head of its `sites-<h>`; null where there is none. */
  record(head: string, site: string): Promise<SignedBytes | null>;
  /** Ids and (unverified) version names at a head of `bundles/<name>`, newest first. Ids never change their content. */
  versions(head: string): Promise<VersionRef[]>;
  manifest(ref: VersionRef): Promise<SignedBytes>;
  /**
   * The named files of a version, in the order asked, each in chunks; bounded by `size` (the caller stops at the first surplus byte).
   * A file that is not there: `not-found`.
   */
  blobs(ref: VersionRef, wanted: readonly BundleFile[]): AsyncIterable<BlobChunk>;
  /**
   * The frame (`shared/node/delta.ts`) that leads from the version with digest `from` to the newest one, at a head of
   * `deltas/<name>`; null where there is none. At most `DELTA_MAX_BYTES`.
   */
  delta(head: string, from: string): Promise<Uint8Array | null>;
  close(): Promise<void>;
}

export interface VersionRef {
  /** `bundles/<name>`. */
  branch: string;
  /** Opaque and immutable: a Git commit, or a digest. */
  id: string;
  /** As the source calls it; a hint for people. */
  version: string;
}

export interface BlobChunk {
  path: string;
  bytes: Uint8Array;
  /** The last chunk of this file (also sent, with no bytes, for an empty file). */
  last: boolean;
}

/** The branch that holds a site's record: 16 of them, by the first hex digit of the SHA-256 of the id. */
export function recordBranch(siteSha256: string): string {
  return `sites-${siteSha256.slice(0, 1)}`;
}

/** Name of the frame that leads from the version with this digest to the newest one. */
export function deltaName(from: string): string {
  return `from-${from.slice(0, 32)}.zst`;
}
