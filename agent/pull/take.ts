import { AppError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { render } from "../../shared/render/render.ts";
import { close, type OpenedBundle, openForSite } from "../../shared/verify/bundle.ts";
import { type CheckedFile, checkFile } from "../../shared/verify/file.ts";
import type { VerifiedRecord } from "../../shared/verify/record.ts";
import type { TrustedRoot } from "../../shared/verify/root.ts";
import type { Cache, StoredVersion } from "../cache/cache.ts";
import type { Unseal } from "./trust.ts";

/** What a version is held against. */
export interface Judge {
  cache: Cache;
  root: TrustedRoot;
  record: VerifiedRecord;
  clock: { now: number; synced: boolean };
  unseal: Unseal;
}

/** The checks of a manifest before any of its files is fetched. Throws a refusal. */
export function judge({ cache, root, record, clock }: Judge, bundle: string, document: SignedBytes): OpenedBundle {
  const marks = cache.marks().get(bundle) ?? null;
  const known = heldVersions(cache, bundle);
  return openForSite(document, bundle, root, { record, marks, known, ...clock });
}

/** A version whose files all lie on disk, after a trial render: from now on it can be run from disk. Throws a refusal. */
export function keep(
  { cache, record, unseal }: Judge,
  opened: OpenedBundle,
  document: SignedBytes,
  forget: () => void,
): void {
  const bundle = close(opened, filesOnDisk(cache, opened));
  render(bundle, { record, hub: {}, secrets: unseal(bundle, record) });
  cache.transaction("cache.accept", () => {
    cache.keepManifest(storedVersion(opened), document);
    cache.completeVersion(opened.digest);
    forget();
  });
}

function filesOnDisk(cache: Cache, { manifest }: OpenedBundle): Map<string, CheckedFile> {
  const files = new Map<string, CheckedFile>();
  for (const { path, sha256 } of manifest.files) {
    const bytes = cache.blob(sha256);
    if (bytes === null) throw new AppError("digest", "this file did not come", { where: `files/${path}` });
    files.set(sha256, checkFile(sha256, bytes));
  }
  return files;
}

function storedVersion({ manifest, digest, root }: OpenedBundle): StoredVersion {
  const { name, version, epoch, seq, floor } = manifest;
  return {
    bundle: name,
    version,
    digest,
    pair: [epoch, seq],
    floor,
    root,
    files: manifest.files.map((file) => file.sha256),
    complete: false,
  };
}

/** Versions of a bundle that can be run from disk, newest first. */
export function heldVersions(cache: Cache, bundle: string): StoredVersion[] {
  return cache
    .versions()
    .filter((version) => version.bundle === bundle && version.complete)
    .toReversed();
}

/** Of these digests, those that do not lie complete on disk. */
export function lacking(versions: readonly StoredVersion[], digests: readonly string[]): string[] {
  const complete = new Set(versions.flatMap((version) => (version.complete ? [version.digest] : [])));
  return digests.filter((digest) => !complete.has(digest));
}

export function digestOf(document: SignedBytes): string {
  return sha256Hex(document.body);
}
