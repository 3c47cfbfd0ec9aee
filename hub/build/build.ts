import { type Bundle, bundle } from "../../shared/bundle.ts";
import { canonicalJson } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { rfc3339 } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { parseAs } from "../../shared/parse.ts";
import { type Delegation, delegationFor, type Root } from "../../shared/root.ts";
import { type BundleSource, readBundleSource } from "./bundle-source.ts";
import { checkRendered, placed } from "./check-rendered.ts";
import { readContent } from "./content.ts";
import { checkHealthRules } from "./health-rules.ts";
import type { History } from "./history.ts";
import { pinImages, readLock } from "./lock.ts";
import type { BuiltFile } from "./manifests.ts";
import { readOverlays } from "./overlays.ts";
import { checkPhases } from "./phases.ts";
import { placeOf } from "./place.ts";
import { checkPlainSecrets } from "./plain-secrets.ts";
import { type BundleFolder, filesAt, type Repository, readTexts, repositoryName, requireClean } from "./repository.ts";
import { checkRequires } from "./requires.ts";
import { clearOf, clearValues, readSealed } from "./sealed.ts";

export interface BuiltBundle {
  manifest: Bundle;
  /** The exact bytes of `bundle.json`. */
  body: Uint8Array;
  digest: string;
  files: { path: string; bytes: Uint8Array }[];
  /** What a person should look at; each begins with `file:line`. */
  warnings: string[];
}

/**
 * Builds what the repository's commit has in a folder, named from its top (`bundles/pos`). The same commit, root, history and versions of
 * tools give the same bytes. `historyOf` tells what was published under a name.
 */
export async function buildBundle(
  repository: Repository,
  path: string,
  root: Root,
  historyOf: (name: string) => Promise<History>,
): Promise<BuiltBundle> {
  await requireClean(repository, path);
  const folder = { folder: repository.folder, treeish: repository.commit, path };
  const { source, inputs, ...read } = await readBundle(folder);
  const delegation = requireDelegation(source, root);
  const { files: open, warnings } = pinImages(read.files, await readLock(folder));
  const sealed = await readSealed(folder, source);
  const files = [...open, ...sealed];
  const inTheOpen = [...open, ...clearOf(sealed)];
  const secrets = checkPlainSecrets(inTheOpen, source.plainSecrets, (index) => source.where(`/plainSecrets/${index}`));
  const overlays = read.overlays.length > 0 ? { overlays: read.overlays } : {};
  const paths = sealed.length > 0 ? { secrets: sealed.map(({ path }) => path) } : {};
  const policy = { name: source.name, ...source.policy, ...overlays, ...paths };
  checkHealthRules(policy.health, files, source.where);
  checkPhases(policy, files, source.where);
  await checkRequires(folder, source, historyOf);
  const manifest: Bundle = {
    fleet: root.fleet,
    version: source.version,
    ...placeOf(source, delegation, await historyOf(source.name)),
    createdAt: rfc3339(repository.committedAt * 1000),
    ...policy,
    images: checkRendered({ manifest: policy, delegation, files }, source.where),
    source: { repo: repositoryName(repository.origin), commit: repository.commit, path, inputs },
    files: files.map((file) => ({ path: file.path, sha256: sha256Hex(file.bytes), size: file.bytes.byteLength })),
  };
  const body = Buffer.from(canonicalJson(checked(manifest, source)));
  return {
    manifest,
    body,
    digest: sha256Hex(body),
    files: files.map(({ path, bytes }) => ({ path, bytes })),
    warnings: [...read.warnings, ...warnings, ...secrets, ...clearValues(sealed)],
  };
}

/** A last look at the whole, as its readers will take it. */
function checked(manifest: Bundle, source: BundleSource): Bundle {
  try {
    return parseAs(bundle, manifest, "bundle.json");
  } catch (cause) {
    throw cause instanceof AppError ? placed(cause, [], source.where) : cause;
  }
}

export interface ReadBundle {
  source: BundleSource;
  /** Objects, then the patches of overlays; images as they are written. */
  files: BuiltFile[];
  overlays: NonNullable<Bundle["overlays"]>;
  inputs: Record<string, string>;
  warnings: string[];
}

/** bundle.yaml and all that it leads to. */
export async function readBundle(folder: BundleFolder): Promise<ReadBundle> {
  const file = `${folder.path}/bundle.yaml`;
  const [found] = await readTexts(folder.folder, await filesAt(folder.folder, folder.treeish, file));
  if (found === undefined) throw new AppError("config", "the commit has no bundle.yaml there", { where: file });
  const source = readBundleSource(found.text, file);
  const content = await readContent(folder, source);
  const { overlays, files, warnings } = await readOverlays(folder, source);
  return {
    ...content,
    source,
    overlays,
    files: [...content.files, ...files],
    warnings: [...content.warnings, ...warnings],
  };
}

function requireDelegation(source: BundleSource, root: Root): Delegation {
  const delegation = delegationFor(root, source.name);
  if (delegation !== undefined) return delegation;
  throw new AppError("undelegated", `the root lets nobody sign a bundle named ${source.name}`, {
    where: source.where("/name"),
    fix: "add a delegation to the root, or use a name that one covers",
  });
}
