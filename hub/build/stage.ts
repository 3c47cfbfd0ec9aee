/** Built versions wait in `.skerry/<name>/<version>/`, which Git ignores, until they are signed and published. */
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { BUNDLE_MAX_BYTES, type Bundle, bundle } from "../../shared/bundle.ts";
import { parseCanonical } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { parseAs } from "../../shared/parse.ts";
import type { Journal, SignedBytes } from "../../shared/ports.ts";
import type { BuiltBundle } from "./build.ts";
import { readSigned, readWhole, writeWhole } from "./signed-files.ts";

const STAGE = ".skerry";

export interface StagedBundle {
  /** Absolute path of `bundle.json`. */
  file: string;
  manifest: Bundle;
  document: SignedBytes;
  /** In the order of the manifest. */
  files: { path: string; bytes: Uint8Array }[];
}

export function stagedFile(repository: string, name: string, version: string): string {
  return join(repository, STAGE, name, version, "bundle.json");
}

/** Puts a built version there, whole. The same bytes again leave it, and its signatures, as they are. */
export async function stage(repository: string, built: BuiltBundle, journal: Journal): Promise<string> {
  const { name, version } = built.manifest;
  const file = stagedFile(repository, name, version);
  const present = await readSigned(file);
  if (present !== null && Buffer.compare(present.body, built.body) === 0) return file;
  const final = join(file, "..");
  const unfinished = join(repository, STAGE, name, `.${version}.unfinished`);
  journal("build.write", "before");
  await writeWhole(join(repository, STAGE, ".gitignore"), "*\n");
  await rm(unfinished, { recursive: true, force: true });
  for (const { path, bytes } of built.files) await writeWhole(join(unfinished, "files", path), bytes);
  await writeWhole(join(unfinished, "bundle.json"), built.body);
  journal("build.write", "between");
  await rm(final, { recursive: true, force: true });
  await rename(unfinished, final);
  journal("build.write", "after");
  return file;
}

/** Throws `not-found` where the version was not built here. */
export async function readStaged(repository: string, name: string, version: string): Promise<StagedBundle> {
  const file = stagedFile(repository, name, version);
  const document = await readSigned(file);
  if (document === null) {
    throw new AppError("not-found", `${name}@${version} is not built here`, {
      where: file,
      fix: `run \`skerry bundle build bundles/${name}\``,
    });
  }
  const manifest = parseAs(bundle, parseCanonical(document.body, file, BUNDLE_MAX_BYTES), file);
  const files = await Promise.all(
    manifest.files.map(async ({ path }) => ({ path, bytes: await readWhole(join(file, "..", "files", path)) })),
  );
  return { file, manifest, document, files };
}
