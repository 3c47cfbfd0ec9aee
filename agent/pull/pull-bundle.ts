import { AppError, isRefusal } from "../../shared/errors.ts";
import type { Pair } from "../../shared/names.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import type { Source, VersionRef } from "../../shared/source/source.ts";
import { type OpenedBundle, openManifest } from "../../shared/verify/bundle.ts";
import { expectFile, finish, take } from "../../shared/verify/file.ts";
import type { TrustedRoot } from "../../shared/verify/root.ts";
import { type Refusing, refuse, wasRefused } from "./refuse.ts";
import { digestOf, heldVersions, type Judge, judge, keep } from "./take.ts";
import type { Trust } from "./trust.ts";

/** Where nothing of a bundle is held yet, so many of its newest versions are fetched. */
const FIRST_VERSIONS = 2;

export interface BundlePull {
  to: Refusing;
  by: Judge;
  source: Source;
  trust: Trust;
  bundle: string;
}

/**
 * Fetches every version that is new at a head of `bundles/<name>`, and those of `missing` however old they are. What is refused is
 * kept as refused, and the rest goes on. Returns what shows that the source has other bytes than were signed; null where nothing does.
 */
export async function pullVersions(work: BundlePull, head: string, missing: Set<string>): Promise<AppError | null> {
  const { to, source, trust, bundle } = work;
  const held = heldVersions(to.cache, bundle);
  let fresh = held.length === 0 ? FIRST_VERSIONS : Number.POSITIVE_INFINITY;
  let lie: AppError | null = null;
  for (const ref of await source.versions(head)) {
    if (wasRefused(to, { bundle, id: ref.id, trust })) continue;
    const document = await manifestOf(work, ref);
    if (document === null) continue;
    const digest = digestOf(document);
    const known = held.some((version) => version.digest === digest);
    if (known) fresh = 0;
    if (known || (fresh <= 0 && !missing.has(digest))) {
      if (fresh <= 0 && missing.size === 0) return lie;
      continue;
    }
    const refused = await accept(work, ref, document);
    if (refused === null) fresh -= 1;
    else if (refused.code === "digest") lie ??= refused;
    missing.delete(digest);
  }
  return lie;
}

/** null where the source has no manifest for a version it names: that version is refused, the others go on. */
async function manifestOf(work: BundlePull, ref: VersionRef): Promise<SignedBytes | null> {
  try {
    return await work.source.manifest(ref);
  } catch (error) {
    if (!isAboutVersion(error)) throw error;
    refuse(work.to, { ...work, id: ref.id, digest: null }, error);
    return null;
  }
}

/**
 * Of what a source throws, that which says something of the version: it is not there, or over its cap. A broken transfer (`malformed`)
 * says something of the source, and is tried again.
 */
function isAboutVersion(error: unknown): error is AppError {
  return (
    error instanceof AppError && (error.code === "not-found" || error.code === "too-large" || error.code === "digest")
  );
}

/** One version: manifest, then files as they stream, then a trial render. Returns why it was refused; null where it now lies complete on disk. */
async function accept(work: BundlePull, ref: VersionRef, document: SignedBytes): Promise<AppError | null> {
  const { to, by, bundle } = work;
  let fetching = false;
  try {
    const opened = judge(by, bundle, document);
    fetching = true;
    await fetchFiles(work, ref, opened);
    fetching = false;
    keep(by, opened, document, () => to.cache.dropRefusal(bundle, `${to.source} ${ref.id}`));
    return null;
  } catch (error) {
    const isRefused = fetching ? isAboutVersion : isRefusal;
    if (!isRefused(error)) throw error;
    const pair = signedPair(document, bundle, by.root);
    refuse(to, { ...work, id: ref.id, digest: digestOf(document), pair }, error);
    return error;
  }
}

/** null where it is not what an owner signed for this bundle. */
function signedPair(document: SignedBytes, bundle: string, root: TrustedRoot): Pair | null {
  try {
    const { epoch, seq } = openManifest(document, bundle, root).manifest;
    return [epoch, seq];
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
}

/** What lies on disk already, from another version or before a cut, is not fetched. */
async function fetchFiles({ to, source }: BundlePull, ref: VersionRef, { manifest }: OpenedBundle): Promise<void> {
  const { cache } = to;
  const wanted = manifest.files.filter((file) => !cache.hasBlob(file.sha256));
  if (wanted.length === 0) return;
  const byPath = new Map(wanted.map((file) => [file.path, expectFile(file)]));
  for await (const chunk of source.blobs(ref, wanted)) {
    const incoming = byPath.get(chunk.path);
    if (incoming === undefined)
      throw new AppError("malformed", "a file that nobody asked for", { where: `files/${chunk.path}` });
    take(incoming, chunk.bytes);
    if (!chunk.last) continue;
    const file = finish(incoming);
    cache.keepBlob(file.sha256, file.bytes);
    byPath.delete(chunk.path);
  }
  const [left] = byPath.keys();
  if (left !== undefined) throw new AppError("digest", "this file did not come", { where: `files/${left}` });
}
