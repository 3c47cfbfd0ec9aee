import { AppError, isRefusal, type RefusalCode } from "../../shared/errors.ts";
import type { Values } from "../../shared/names.ts";
import { type RenderedBundle, render } from "../../shared/render/render.ts";
import type { ItemFlag } from "../../shared/report.ts";
import { reopen, standing, type VerifiedBundle } from "../../shared/verify/bundle.ts";
import { type CheckedFile, checkFile } from "../../shared/verify/file.ts";
import type { VerifiedRecord } from "../../shared/verify/record.ts";
import type { Cache, State, StoredVersion } from "../cache/cache.ts";
import { recordFromDisk, type Trust, type Unseal } from "./trust.ts";

/** A version as it lies on disk, verified again, and rendered with the record and the values of one state. */
export type Content = { manifest: VerifiedBundle["manifest"]; flags: readonly ItemFlag[] } & (
  | { rendered: RenderedBundle }
  /** What was signed cannot be rendered with these; with others it may. */
  | { unfit: { code: RefusalCode; words: string } }
);

/** What runs, was committed, was before, and is wanted: what a hub makes up beside them, one set of values after the other, makes way. */
const HELD = 4;

type Asked = Pick<State, "digest" | "record" | "values" | "given">;

/** Versions as they lie on disk; each is verified and rendered when it is first needed in this process. */
export class Contents {
  private readonly cache: Cache;
  private readonly site: string;
  private readonly unseal: Unseal;
  private readonly held = new Map<string, Content>();
  private root: Trust["root"] = null;

  constructor(cache: Cache, site: string, unseal: Unseal) {
    this.cache = cache;
    this.site = site;
    this.unseal = unseal;
  }

  /** null where the version is not complete on disk, or its record is not. Throws a refusal where what lies there is not what was accepted. */
  get(state: Asked, trust: Trust): Content | null {
    // Another root may look otherwise at what was accepted under this one.
    if (trust.root !== this.root) this.held.clear();
    this.root = trust.root;
    const held = this.held.get(keyOf(state));
    if (held !== undefined) {
      this.held.delete(keyOf(state));
      this.held.set(keyOf(state), held);
      return held;
    }
    const version = this.cache.versions().find((entry) => entry.digest === state.digest && entry.complete);
    const stored = this.cache.recordAt(state.record);
    if (version === undefined || stored === null || trust.root === null) return null;
    const record = recordFromDisk(stored, this.site, trust);
    if (record === null) return null;
    const content = this.contentOf(version, trust, record, state.given);
    for (const key of [...this.held.keys()].slice(0, Math.max(0, this.held.size + 1 - HELD))) this.held.delete(key);
    this.held.set(keyOf(state), content);
    return content;
  }

  /** How many are held in memory. */
  get size(): number {
    return this.held.size;
  }

  /** Frees the memory of all others. */
  keepOnly(state: Asked): void {
    for (const other of this.held.keys()) if (other !== keyOf(state)) this.held.delete(other);
  }

  private contentOf(version: StoredVersion, trust: Trust, record: VerifiedRecord, hub: Values): Content {
    const { cache, unseal } = this;
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
    const { manifest } = bundle;
    const flags = standing(manifest, document, trust.root ?? root);
    try {
      return { manifest, flags, rendered: render(bundle, { record, hub, secrets: unseal(bundle, record) }) };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const words = error.where === undefined ? error.message : `${error.message} (${error.where})`;
      return { manifest, flags, unfit: { code: error.code, words } };
    }
  }
}

function keyOf({ digest, record, values }: Asked): string {
  return `${digest} ${record} ${values}`;
}
