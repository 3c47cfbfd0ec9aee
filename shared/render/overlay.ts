import type { Bundle } from "../bundle.ts";
import { sorted } from "../canonical.ts";
import { AppError } from "../errors.ts";
import { isMap, type Json, type JsonObject, type KubeObject, nameOf, refOf } from "../live.ts";
import { jsonPatch } from "./json-patch.ts";
import { strategicMerge } from "./strategic.ts";

export type Overlay = NonNullable<Bundle["overlays"]>[number];
export type Files = readonly { readonly path: string; readonly object: KubeObject }[];

/**
 * The objects of a bundle with these overlays applied, in their order. Patches come before values: which object and which item of a list is patched,
 * and how, is then fixed by what was signed, and no value can be a directive, a merge key or a pointer; `${NAME}`s that a
 * patch brings are replaced with all others. Throws `patch`, also for one without a target in the bundle.
 */
export function patched(files: Files, all: readonly Overlay[], apply: readonly Overlay[]): Files {
  if (all.length === 0) return files;
  const patches = new Set(all.map(({ patch }) => patch));
  const targets = new Map<string, number>();
  const objects = files.filter(({ path }) => !patches.has(path));
  objects.forEach(({ object }, index) => {
    targets.set(nameOf(refOf(object)), index);
  });
  const result = [...objects];
  for (const overlay of apply) {
    const file = files.find(({ path }) => path === overlay.patch);
    if (file === undefined) {
      throw new AppError("patch", "this patch is not among the bundle's files", {
        where: `bundle.json /overlays/${all.indexOf(overlay)}/patch`,
      });
    }
    const where = `files/${file.path}`;
    shallow(file.object, where);
    const name = nameOf(refOf(file.object));
    const index = targets.get(name);
    const target = index === undefined ? undefined : result[index];
    if (index === undefined || target === undefined) {
      throw new AppError("patch", `the bundle has no object ${name} to patch`, {
        where,
        fix: "write apiVersion, kind, metadata.name and metadata.namespace as its target has them",
      });
    }
    result[index] = { path: target.path, object: patchedObject(target.object, file.object, overlay.type, where) };
  }
  return result;
}

function patchedObject(target: KubeObject, patch: KubeObject, type: Overlay["type"], where: string): KubeObject {
  const after = type === "json" ? byOperations(target, patch, where) : strategicMerge(target, patch, where);
  if (isMap(after) && isMap(after["metadata"]) && isSame(after, after["metadata"], target)) return after as KubeObject;
  throw new AppError("patch", "a patch may not change apiVersion, kind, name or namespace, or take the object away", {
    where,
    fix: "write another object, and select it by another bundle's scope",
  });
}

/** What merges walks a patch to its end, before anything else has looked at it. */
function shallow(patch: KubeObject, where: string): void {
  try {
    sorted(patch);
  } catch (cause) {
    throw cause instanceof AppError ? new AppError(cause.code, cause.message, { where, cause }) : cause;
  }
}

function isSame(after: JsonObject, metadata: JsonObject, target: KubeObject): boolean {
  return (
    after["apiVersion"] === target.apiVersion &&
    after["kind"] === target.kind &&
    metadata["name"] === target.metadata.name &&
    metadata["namespace"] === target.metadata["namespace"]
  );
}

/** `{apiVersion, kind, metadata: {name, namespace?}, patch: [...]}`: the target as everywhere, and the operations of RFC 6902. */
function byOperations(target: KubeObject, file: KubeObject, where: string): Json {
  const { apiVersion: _version, kind: _kind, metadata, patch, ...rest } = file;
  const { name: _name, namespace: _namespace, ...more } = metadata;
  const [other] = [...Object.keys(rest), ...Object.keys(more).map((key) => `metadata.${key}`)];
  if (other === undefined && Array.isArray(patch)) return jsonPatch(target, patch, where, "/patch");
  throw new AppError("patch", other === undefined ? "the operations must be a list" : `${other} has no place here`, {
    where: `${where} /patch`,
    fix: "write {apiVersion, kind, metadata: {name, namespace}, patch: [operations]}, or use `type: strategic`",
  });
}
