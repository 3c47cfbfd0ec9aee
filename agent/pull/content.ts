import { AppError } from "../../shared/errors.ts";
import { type RenderedBundle, render } from "../../shared/render/render.ts";
import { reopen, type VerifiedBundle } from "../../shared/verify/bundle.ts";
import { type CheckedFile, checkFile } from "../../shared/verify/file.ts";
import type { Cache, StoredVersion } from "../cache/cache.ts";
import type { Trust } from "./trust.ts";

/** A version as it lies on disk, verified again and rendered. */
export interface Content {
  manifest: VerifiedBundle["manifest"];
  rendered: RenderedBundle;
}

/** Throws a refusal where what lies on disk is not what was accepted; then it has to be fetched again. */
export function contentFromDisk(cache: Cache, version: StoredVersion, trust: Trust): Content {
  const document = cache.manifest(version.digest);
  const root = trust.roots.get(version.root);
  if (document === null || root === undefined) {
    throw new AppError("digest", "its manifest or its root is not on disk", {
      where: `${version.bundle} ${version.version}`,
    });
  }
  const files = new Map<string, CheckedFile>();
  for (const sha256 of version.files) {
    const bytes = cache.blob(sha256);
    if (bytes !== null) files.set(sha256, checkFile(sha256, bytes));
  }
  const bundle = reopen(document, version.bundle, root, files);
  return { manifest: bundle.manifest, rendered: render(bundle) };
}
