import { AppError } from "../../shared/errors.ts";
import { comparePairs } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import type { BlobChunk, Source, VersionRef } from "../../shared/source/source.ts";
import { openManifest } from "../../shared/verify/bundle.ts";
import { expectFile, finish, type IncomingFile, parseObject, take } from "../../shared/verify/file.ts";
import type { TrustedRoot } from "../../shared/verify/root.ts";
import { refusal } from "./documents.ts";
import type { Version } from "./followed.ts";

export interface ReadVersions {
  /** By the version that the signed manifest names; of one refused, what the source calls it. */
  versions: ReadonlyMap<string, Version>;
  /** By the source's id. */
  refused: ReadonlyMap<string, AppError>;
}

/** Every version at a head of `bundles/<name>`. `known` are those read before of it under the same root, by the source's id; others are forgotten. */
export async function readVersions(
  source: Source,
  name: string,
  head: string,
  root: TrustedRoot,
  known: Map<string, Version & { version: string }>,
): Promise<ReadVersions> {
  const versions = new Map<string, Version>();
  const refused = new Map<string, AppError>();
  // Oldest first: of two that claim the same place, the newcomer is the one refused.
  const refs = (await source.versions(head)).toReversed();
  const shown = new Set(refs.map(({ id }) => id));
  for (const id of known.keys()) if (!shown.has(id)) known.delete(id);
  for (const ref of refs) {
    const found = known.get(ref.id) ?? (await readVersion(source, name, ref, root));
    known.set(ref.id, found);
    const error = found.kind === "refused" ? found.error : equivocation(name, found, versions);
    if (error === null) {
      versions.set(found.version, found);
      continue;
    }
    refused.set(ref.id, error);
    if (!versions.has(found.version)) versions.set(found.version, { kind: "refused", error });
  }
  return { versions, refused };
}

/**
 * Fetches all files of a version and holds them against the signed manifest. Returns why it is refused, null where it is
 * not; throws what the source throws.
 */
export async function checkFiles(
  source: Source,
  name: string,
  version: { ref: VersionRef; digest: string },
  root: TrustedRoot,
): Promise<AppError | null> {
  const { ref, digest } = version;
  const document = await source.manifest(ref);
  if (sha256Hex(document.body) !== digest) {
    return new AppError("digest", "the source changed what it has under one id", { where: `${ref.branch} ${ref.id}` });
  }
  const { files } = openManifest(document, name, root).manifest;
  const expected = new Map(files.map((file) => [file.path, expectFile(file)]));
  for await (const chunk of source.blobs(ref, files)) {
    const refused = takeChunk(expected, chunk);
    if (refused !== null) return refused;
  }
  const [missing] = expected.keys();
  if (missing === undefined) return null;
  return new AppError("digest", "this file is missing", { where: `bundles/${name} files/${missing}` });
}

function takeChunk(expected: Map<string, IncomingFile>, { path, bytes, last }: BlobChunk): AppError | null {
  const incoming = expected.get(path);
  if (incoming === undefined) return new AppError("malformed", "a file that nobody asked for", { where: path });
  try {
    take(incoming, bytes);
    if (!last) return null;
    parseObject(finish(incoming), path);
  } catch (error) {
    return refusal(error);
  }
  expected.delete(path);
  return null;
}

async function readVersion(
  source: Source,
  name: string,
  ref: VersionRef,
  root: TrustedRoot,
): Promise<Version & { version: string }> {
  const document = await manifestOf(source, ref);
  try {
    if (document instanceof AppError) throw document;
    const { manifest, digest } = openManifest(document, name, root);
    const { version, epoch, seq, floor, variables = {} } = manifest;
    return { kind: "accepted", version, ref, digest, pair: [epoch, seq], floor, variables, filesChecked: false };
  } catch (error) {
    return { kind: "refused", version: ref.version, error: refusal(error) };
  }
}

/** What an id stands for never changes, so that a manifest which is not there is refused for good. */
async function manifestOf(source: Source, ref: VersionRef): Promise<SignedBytes | AppError> {
  try {
    return await source.manifest(ref);
  } catch (error) {
    if (error instanceof AppError && error.code === "not-found") return error;
    throw error;
  }
}

/** Two contents under one version or one pair; null where there is no such thing. */
function equivocation(
  name: string,
  found: Extract<Version, { kind: "accepted" }> & { version: string },
  others: ReadonlyMap<string, Version>,
): AppError | null {
  for (const [version, other] of others) {
    if (other.kind === "refused" || other.digest === found.digest) continue;
    if (version !== found.version && comparePairs(other.pair, found.pair) !== 0) continue;
    const place = version === found.version ? `version ${version}` : `pair ${found.pair.join(".")}, as ${version}`;
    return new AppError("equivocation", `a second bundle with ${place}`, {
      where: `bundles/${name} ${found.version}`,
      fix: "find out who signed two contents for one place",
    });
  }
  return null;
}
