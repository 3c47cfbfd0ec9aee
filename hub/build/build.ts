import { type Bundle, bundle } from "../../shared/bundle.ts";
import { canonicalJson } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { comparePairs, type Pair, rfc3339 } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { parseAs } from "../../shared/parse.ts";
import { type Delegation, delegationFor, type Root } from "../../shared/root.ts";
import { type BundleSource, readBundleSource } from "./bundle-source.ts";
import type { History } from "./history.ts";
import { type BuiltFile, checkObjects, pinnedImages, readManifests } from "./manifests.ts";
import { filesAt, type Repository, readBlobs, requireClean } from "./repository.ts";

export interface BuiltBundle {
  manifest: Bundle;
  /** The exact bytes of `bundle.json`. */
  body: Uint8Array;
  digest: string;
  files: { path: string; bytes: Uint8Array }[];
}

/**
 * Builds what the repository's commit has in a folder, named from its top (`bundles/pos`). The same commit, root and history give the same
 * bytes. `historyOf` tells what was published under a name.
 */
export async function buildBundle(
  repository: Repository,
  path: string,
  root: Root,
  historyOf: (name: string) => Promise<History>,
): Promise<BuiltBundle> {
  await requireClean(repository, path);
  const committed = await filesAt(repository.folder, repository.commit, `${path}/`);
  const sourceFile = committed.find((file) => file.path === `${path}/bundle.yaml`);
  if (sourceFile === undefined) {
    throw new AppError("config", "the commit has no bundle.yaml there", { where: `${path}/bundle.yaml` });
  }
  const [text] = await readBlobs(repository.folder, [sourceFile.oid]);
  const source = readBundleSource(decode(text, sourceFile.path), sourceFile.path);
  const delegation = delegationFor(root, source.name);
  if (delegation === undefined) {
    throw new AppError("undelegated", `the root lets nobody sign a bundle named ${source.name}`, {
      where: source.where("/name"),
      fix: "add a delegation to the root, or use a name that one covers",
    });
  }
  const manifests = committed.filter((file) => file.path.startsWith(`${path}/${source.manifests}/`));
  const files = await readFiles(repository, manifests, source);
  checkObjects(files, delegation);
  const images = pinnedImages(files);
  const manifest: Bundle = {
    fleet: root.fleet,
    name: source.name,
    version: source.version,
    ...place(source, delegation, await historyOf(source.name)),
    createdAt: rfc3339(repository.committedAt * 1000),
    ...source.policy,
    images,
    source: { repo: repository.origin, commit: repository.commit, path, inputs: {} },
    files: files.map((file) => ({ path: file.path, sha256: sha256Hex(file.bytes), size: file.bytes.byteLength })),
  };
  const body = Buffer.from(canonicalJson(parseAs(bundle, manifest, "bundle.json")));
  return { manifest, body, digest: sha256Hex(body), files: files.map(({ path, bytes }) => ({ path, bytes })) };
}

async function readFiles(
  repository: Repository,
  committed: readonly { path: string; mode: string; oid: string }[],
  source: BundleSource,
): Promise<BuiltFile[]> {
  const odd = committed.find(({ path, mode }) => !/\.ya?ml$/.test(path) || !mode.startsWith("100"));
  if (odd !== undefined) {
    throw new AppError("unsupported", "only YAML files are read as manifests, no links and nothing else", {
      where: odd.path,
      fix: `move it out of ${source.manifests}/`,
    });
  }
  const blobs = await readBlobs(
    repository.folder,
    committed.map(({ oid }) => oid),
  );
  const files = readManifests(committed.map(({ path }, index) => ({ path, text: decode(blobs[index], path) })));
  if (files.length > 0) return files;
  throw new AppError("config", "there is no object in it", { where: source.where("/content/manifests") });
}

/** Where the version stands among those published. One that was published before keeps its place, so that it builds the same. */
function place(
  source: BundleSource,
  delegation: Delegation,
  { versions, earlier }: History,
): Pick<Bundle, "epoch" | "seq" | "floor" | "prev"> {
  const index = versions.findIndex(({ manifest }) => manifest.version === source.version);
  const published = versions[index];
  const before = published === undefined ? versions[0] : versions[index + 1];
  const epoch = source.epoch ?? delegation.epoch;
  if (epoch < delegation.epoch) {
    throw new AppError("floor", `epoch ${epoch} is below epoch ${delegation.epoch}, which the root asks for`, {
      where: source.where("/epoch"),
      fix: "leave the key out, or raise it",
    });
  }
  const seq = published?.manifest.seq ?? (before?.manifest.seq ?? 0) + 1;
  const own: Pair = [epoch, seq];
  const prev = published === undefined ? (before?.digest ?? null) : published.manifest.prev;
  const pairOf = (version: string, pointer: string): Pair => {
    if (version === source.version) return own;
    const found = versions.find(({ manifest }) => manifest.version === version)?.manifest;
    const pair = found === undefined ? earlier.find((each) => each.version === version)?.pair : pairIn(found);
    if (pair === undefined) {
      throw new AppError("not-found", `version ${version} of ${source.name} is not among those published`, {
        where: source.where(pointer),
        fix: "`git fetch`, or name a version that was published",
      });
    }
    return pair;
  };
  const previous = before === undefined ? (published?.manifest.floor ?? own) : pairIn(before.manifest);
  const floor = source.floor === "previous" ? previous : source.floor === "this" ? own : pairOf(source.floor, "/floor");
  if (comparePairs(floor, own) > 0) {
    throw new AppError("floor", `floor ${floor.join(".")} is above this version's ${own.join(".")}`, {
      where: source.where("/floor"),
    });
  }
  return { epoch, seq, floor, prev };
}

function pairIn(manifest: Bundle): Pair {
  return [manifest.epoch, manifest.seq];
}

function decode(bytes: Uint8Array | undefined, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError("malformed", "not UTF-8", { where, cause });
  }
}
