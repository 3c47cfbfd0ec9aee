import { sorted } from "../canonical.ts";
import { AppError } from "../errors.ts";
import { type Json, type KubeObject, nameOf, type ObjectRef, refOf } from "../live.ts";
import type { Values } from "../names.ts";
import { sha256Hex } from "../node/sha256.ts";
import { pointer } from "../parse.ts";
import type { SiteRecord } from "../site.ts";
import type { VerifiedBundle } from "../verify/bundle.ts";
import { checkImages } from "./images.ts";
import { checkPrivilege } from "./privilege.ts";

declare const rendered: unique symbol;

/** Marks an object as ours in the cluster: watches select by it, and it names the bundle. */
export const BUNDLE_LABEL = "skerry.dev/bundle";

/** The objects of a bundle as one site shall have them, inside what their owners may do. Made only here. */
export interface RenderedBundle {
  readonly bundle: string;
  readonly digest: string;
  readonly objects: readonly RenderedObject[];
  readonly [rendered]: true;
}

export interface RenderedObject {
  readonly ref: ObjectRef;
  readonly object: KubeObject;
  /** SHA-256 of the canonical object: what was asked for, whatever the server made of it. */
  readonly hash: string;
}

/** What a bundle is rendered for: the signed record of a site, and the values that the hub assigned for this bundle. */
export interface RenderInputs {
  record: Pick<SiteRecord, "id" | "labels" | "values">;
  hub: Values;
}

/**
 * Objects as they shall be applied. Throws `variable` for a `${NAME}` that nobody declared (`$${` escapes), `privilege`, `image`,
 * or `schema` where two files are the same object. Pure: the same bundle and inputs give the same bytes on a site and on a laptop.
 */
export function render(bundle: VerifiedBundle, _inputs: RenderInputs): RenderedBundle {
  const listed = new Set(bundle.manifest.images.map((image) => image.digest));
  const seen = new Map<string, string>();
  const objects = bundle.files.map(({ path, object }) => {
    const substituted = substitute(object, [], path) as KubeObject;
    const labelled = withLabel(substituted, bundle.manifest.name);
    checkPrivilege(labelled, bundle.delegation, path);
    checkImages(labelled, listed, path);
    const ref = refOf(labelled);
    const name = nameOf(ref);
    const twin = seen.get(name);
    if (twin !== undefined)
      throw new AppError("schema", `is the same object as files/${twin}`, { where: `files/${path} ${name}` });
    seen.set(name, path);
    return { ref, object: labelled, hash: sha256Hex(Buffer.from(sorted(labelled))) };
  });
  return { bundle: bundle.manifest.name, digest: bundle.digest, objects } as unknown as RenderedBundle;
}

function withLabel(object: KubeObject, bundle: string): KubeObject {
  const labels = object.metadata["labels"];
  const own = typeof labels === "object" && labels !== null && !Array.isArray(labels) ? labels : {};
  return { ...object, metadata: { ...object.metadata, labels: { ...own, [BUNDLE_LABEL]: bundle } } };
}

function substitute(value: Json, at: readonly (string | number)[], path: string): Json {
  if (typeof value === "string") return expand(value, at, path);
  if (Array.isArray(value)) return value.map((item, index) => substitute(item, [...at, index], path));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        if (!key.includes("${")) return [key, substitute(item, [...at, key], path)];
        throw new AppError("variable", "no variable may stand in a key", {
          where: `files/${path} ${pointer([...at, key])}`,
        });
      }),
    );
  }
  return value;
}

function expand(text: string, at: readonly (string | number)[], path: string): string {
  if (!text.includes("${")) return text;
  return text.replaceAll(/(\$?)\$\{([^}]*)\}/g, (_whole, escape: string, name: string) => {
    if (escape === "$") return `\${${name}}`;
    throw new AppError("variable", `\${${name}} is not declared`, {
      where: `files/${path} ${pointer(at)}`,
      fix: `declare it under variables, or write $\${${name}} for the text itself`,
    });
  });
}
