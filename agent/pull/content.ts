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

/** Versions as they lie on disk; each is verified again when it is first needed in this process. */
export class Contents {
  private readonly cache: Cache;
  private readonly held = new Map<string, Content>();

  constructor(cache: Cache) {
    this.cache = cache;
  }

  /** null where the version is not complete on disk. Throws a refusal where what lies there is not what was accepted. */
  get(digest: string, trust: Trust): Content | null {
    const held = this.held.get(digest);
    if (held !== undefined) return held;
    const version = this.cache.versions().find((entry) => entry.digest === digest && entry.complete);
    if (version === undefined || trust.root === null) return null;
    const content = contentFromDisk(this.cache, version, trust);
    this.held.set(digest, content);
    return content;
  }

  /** Frees the memory of all others. */
  keepOnly(digest: string): void {
    for (const other of this.held.keys()) if (other !== digest) this.held.delete(other);
  }
}

function contentFromDisk(cache: Cache, version: StoredVersion, trust: Trust): Content {
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
  // A record that does not hold any more stops nothing that runs.
  const record = trust.record ?? { id: "", labels: {}, values: {} };
  return { manifest: bundle.manifest, rendered: render(bundle, { record, hub: {} }) };
}
