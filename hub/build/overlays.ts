import type { Bundle } from "../../shared/bundle.ts";
import { AppError } from "../../shared/errors.ts";
import type { BundleSource } from "./bundle-source.ts";
import { type Manifests, readManifests, warningInWords } from "./manifests.ts";
import { type BundleFolder, filesAt, readTexts } from "./repository.ts";

export interface Overlays {
  overlays: NonNullable<Bundle["overlays"]>;
  /** The patches, each a file of the bundle. */
  files: Manifests["files"];
  warnings: string[];
}

/**
 * Every document of a patch file becomes a file `<patch file>/<document>.json`, and an overlay for the same sites. One with a list
 * `patch` is a JSON patch of the object it names, any other a strategic merge patch.
 */
export async function readOverlays(bundle: BundleFolder, source: BundleSource): Promise<Overlays> {
  const read = new Map<string, Manifests>();
  const overlays: Overlays["overlays"] = [];
  for (const [index, { sites, patch }] of source.overlays.entries()) {
    const patches = read.get(patch) ?? (await readPatches(bundle, patch, source.where(`/overlays/${index}/patch`)));
    read.set(patch, patches);
    for (const { path, object } of patches.files) {
      overlays.push({ sites, patch: path, type: Array.isArray(object["patch"]) ? "json" : "strategic" });
    }
  }
  const all = [...read.values()];
  return {
    overlays,
    files: all.flatMap(({ files }) => files),
    warnings: all.flatMap(({ warnings }) => warnings.map(warningInWords)),
  };
}

async function readPatches(bundle: BundleFolder, patch: string, where: string): Promise<Manifests> {
  const committed = await filesAt(bundle.folder, bundle.treeish, `${bundle.path}/${patch}`);
  const [file] = await readTexts(bundle.folder, committed);
  if (file === undefined || file.path !== `${bundle.path}/${patch}`) {
    throw new AppError("config", `the commit has no ${bundle.path}/${patch}`, { where });
  }
  try {
    const { files, warnings } = readManifests([file]);
    return { files: files.map((built) => ({ ...built, path: `${patch}/${built.path}` })), warnings };
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code !== "malformed" || !cause.message.includes("object")) throw cause;
    throw new AppError(cause.code, `${cause.message}; a patch names the object that it changes`, {
      ...(cause.where !== undefined && { where: cause.where }),
      fix: "write apiVersion, kind and metadata, then the fields that differ, or `patch:` with a list of JSON patch operations",
      cause,
    });
  }
}
