import { AppError, isRefusal } from "../../shared/errors.ts";
import { matchesPattern, rfc3339, short } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { render } from "../../shared/render/render.ts";
import { recordBranch, type Source, type VersionRef } from "../../shared/source/source.ts";
import { close, type OpenedBundle, openForSite } from "../../shared/verify/bundle.ts";
import { type CheckedFile, checkFile, expectFile, finish, take } from "../../shared/verify/file.ts";
import { acceptRecord } from "../../shared/verify/record.ts";
import { nextRoot, pinRoot, type TrustedRoot } from "../../shared/verify/root.ts";
import type { Cache, StoredVersion } from "../cache/cache.ts";
import type { Identity, Trust } from "./trust.ts";

export interface PullInput {
  source: Source;
  cache: Cache;
  identity: Identity;
  trust: Trust;
  /** Heads at the end of the last pull that ended well, from the same source. */
  heads: ReadonlyMap<string, string>;
  /** Digests that are assigned or run, by bundle: these are looked for among older versions, too. */
  wanted: ReadonlyMap<string, readonly string[]>;
  clock: { now: number; synced: boolean };
}

export interface Pulled {
  trust: Trust;
  heads: ReadonlyMap<string, string>;
}

/** Where nothing of a bundle is held yet, so many of its newest versions are fetched. */
const FIRST_VERSIONS = 2;

/**
 * Fetches what is new and keeps what holds: roots one by one, this site's record, and every new version of the bundles that the record
 * names, files included, assigned or not. A refusal is kept and told, and the rest goes on; a fault of the network is thrown.
 */
export async function pull(input: PullInput): Promise<Pulled> {
  const heads = await input.source.heads();
  let { trust } = input;
  const changed = (branch: string) => heads.get(branch) !== undefined && heads.get(branch) !== input.heads.get(branch);
  if (trust.root === null || changed("trust")) trust = await pullRoots(input, trust, heads.get("trust"));
  const own = recordBranch(sha256Hex(Buffer.from(input.identity.site)));
  // A record that needs a newer root is refused until that root is here.
  const newRoot = trust.root !== input.trust.root;
  if (trust.record === null || newRoot || changed(own)) trust = await pullRecord(input, trust, heads.get(own));
  const { record, root } = trust;
  if (record === null || root === null) return { trust, heads: new Map() };
  const renewed =
    record.number !== input.trust.record?.number || root.document.number !== input.trust.root?.document.number;
  for (const [branch, head] of heads) {
    const name = branch.startsWith("bundles/") ? branch.slice("bundles/".length) : null;
    if (name === null || !record.bundles.some((pattern) => matchesPattern(pattern, name))) continue;
    const missing = missingDigests(input, name);
    if (renewed || changed(branch) || missing.size > 0) await pullBundle(input, trust, name, head, missing);
  }
  return { trust, heads };
}

async function pullRoots(input: PullInput, trust: Trust, head: string | undefined): Promise<Trust> {
  if (head === undefined) return trust;
  const roots = new Map(trust.roots);
  let root = trust.root;
  for (const document of await input.source.roots(head, root?.document.number ?? 0)) {
    // Roots before the pinned one are history.
    if (root === null && sha256Hex(document.body) !== input.identity.rootDigest) continue;
    const next = refusing(input, "", "root", () =>
      root === null ? pinRoot(document, input.identity.rootDigest) : nextRoot(root as TrustedRoot, document),
    );
    if (next === null) break;
    input.cache.keepRoot(next.document.number, document);
    roots.set(next.document.number, next);
    root = next;
  }
  if (root === null) {
    throw new AppError("not-found", "the source has no root with the pinned digest", {
      where: `${input.source.address} trust`,
      fix: "compare `root.digest` of the configuration with `skerry root show`",
    });
  }
  return { ...trust, roots, root };
}

async function pullRecord(input: PullInput, trust: Trust, head: string | undefined): Promise<Trust> {
  if (head === undefined || trust.root === null) return trust;
  const { root, record: held } = trust;
  const document = await input.source.record(head, input.identity.site);
  if (document === null) return trust;
  const record = refusing(input, "", `record ${sha256Hex(document.body)}`, () =>
    acceptRecord(document, { site: input.identity.site, reportKey: input.identity.reportKey, held }, root),
  );
  if (record === null || record.number === held?.number) return trust;
  input.cache.keepRecord(document);
  return { ...trust, record };
}

/** Wanted versions that do not lie complete on disk. */
function missingDigests({ cache, wanted }: PullInput, name: string): Set<string> {
  const complete = new Set(cache.versions().flatMap((version) => (version.complete ? [version.digest] : [])));
  return new Set((wanted.get(name) ?? []).filter((digest) => !complete.has(digest)));
}

async function pullBundle(
  input: PullInput,
  trust: Trust,
  name: string,
  head: string,
  missing: Set<string>,
): Promise<void> {
  const { cache, source } = input;
  const held = cache.versions().filter((version) => version.bundle === name && version.complete);
  let fresh = held.length === 0 ? FIRST_VERSIONS : Number.POSITIVE_INFINITY;
  for (const ref of await source.versions(head)) {
    const refusal = cache.refusals().find((entry) => entry.bundle === name && entry.id === ref.id);
    if (refusal !== undefined && isCurrent(refusal, trust)) continue;
    const document = await manifestOf(input, trust, name, ref);
    if (document === null) continue;
    const digest = sha256Hex(document.body);
    const known = held.some((version) => version.digest === digest);
    if (known) fresh = 0;
    if (known || (fresh <= 0 && !missing.has(digest))) {
      if (fresh <= 0 && missing.size === 0) return;
      continue;
    }
    if (await accept(input, trust, name, ref, document)) fresh -= 1;
    missing.delete(digest);
  }
}

/** null where the source has no manifest for a version it names: that version is refused, the others go on. */
async function manifestOf(input: PullInput, trust: Trust, name: string, ref: VersionRef): Promise<SignedBytes | null> {
  try {
    return await input.source.manifest(ref);
  } catch (error) {
    if (!isAboutVersion(error)) throw error;
    refuse(input, trust, name, ref.id, null, error);
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

function isCurrent(refusal: { root: number; record: number }, trust: Trust): boolean {
  return refusal.root === trust.root?.document.number && refusal.record === trust.record?.number;
}

/** One version: manifest, then files as they stream, then a trial render. True where it now lies complete on disk. */
async function accept(
  input: PullInput,
  trust: Trust,
  name: string,
  ref: VersionRef,
  document: SignedBytes,
): Promise<boolean> {
  const { cache } = input;
  const digest = sha256Hex(document.body);
  const { root, record } = trust;
  if (root === null || record === null) return false;
  let fetching = false;
  try {
    const marks = cache.holds().find((hold) => hold.bundle === name)?.marks ?? null;
    const known = cache.versions().filter((version) => version.bundle === name && version.complete);
    const opened = openForSite(document, name, root, { record, marks, known, ...input.clock });
    fetching = true;
    await fetchFiles(input, ref, opened);
    fetching = false;
    const bundle = close(opened, filesOnDisk(cache, opened));
    render(bundle, { record, hub: {} });
    const stored = storedVersion(name, opened);
    cache.transaction("cache.accept", () => {
      cache.keepManifest(stored, document);
      cache.completeVersion(digest);
      cache.dropRefusal(name, ref.id);
    });
    return true;
  } catch (error) {
    const isRefused = fetching ? isAboutVersion : isRefusal;
    if (!isRefused(error)) throw error;
    refuse(input, trust, name, ref.id, digest, error);
    return false;
  }
}

async function fetchFiles({ source, cache }: PullInput, ref: VersionRef, { manifest }: OpenedBundle): Promise<void> {
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

function filesOnDisk(cache: Cache, { manifest }: OpenedBundle): Map<string, CheckedFile> {
  const files = new Map<string, CheckedFile>();
  for (const { sha256 } of manifest.files) {
    const bytes = cache.blob(sha256);
    if (bytes !== null) files.set(sha256, checkFile(sha256, bytes));
  }
  return files;
}

function storedVersion(bundle: string, { manifest, digest, root }: OpenedBundle): StoredVersion {
  const { version, epoch, seq, floor } = manifest;
  return {
    bundle,
    version,
    digest,
    pair: [epoch, seq],
    floor,
    root,
    files: manifest.files.map((file) => file.sha256),
    complete: false,
  };
}

/** Runs a check of a document that is not a bundle; a refusal is told once and gives null. */
function refusing<T>(input: PullInput, bundle: string, id: string, check: () => T): T | null {
  try {
    return check();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    refuse(input, input.trust, bundle, id, null, error);
    return null;
  }
}

function refuse(
  input: PullInput,
  trust: Trust,
  bundle: string,
  id: string,
  digest: string | null,
  error: AppError,
): void {
  const { cache } = input;
  const root = trust.root?.document.number ?? 0;
  const record = trust.record?.number ?? 0;
  const words = error.where === undefined ? error.message : `${error.message} (${error.where})`;
  const before = cache.refusals().find((entry) => entry.bundle === bundle && entry.id === id);
  if (before !== undefined && before.code === error.code && before.root === root && before.record === record) return;
  cache.transaction("cache.refuse", () => {
    cache.keepRefusal({ bundle, id, digest, code: error.code, words, root, record });
    cache.addEvents([
      {
        at: rfc3339(input.clock.now),
        kind: "refused",
        code: error.code,
        words: words.slice(0, 300),
        ...(bundle === "" ? {} : { bundle }),
        ...(digest === null ? {} : { digest: short(digest) }),
      },
    ]);
  });
}
