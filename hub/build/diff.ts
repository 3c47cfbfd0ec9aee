import type { Bundle } from "../../shared/bundle.ts";
import { isMap, type Json, type JsonObject, type KubeObject, nameOf, refOf } from "../../shared/live.ts";
import { pointer } from "../../shared/parse.ts";
import { sealedObject } from "../../shared/render/sealed.ts";

export interface DiffSide {
  manifest: Bundle;
  files: readonly { path: string; bytes: Uint8Array }[];
}

/** Keys of a manifest that differ between any two versions, or that the objects tell better. */
const OF_THE_VERSION: ReadonlySet<string> = new Set([
  "version",
  "epoch",
  "seq",
  "prev",
  "createdAt",
  "files",
  "images",
  "source",
]);
const SHOWN_LENGTH = 200;

/**
 * What differs, in lines: `+` an object that came, `-` one that went, `~` one that changed, with a line for each field below it. The rest of
 * the manifest is shown as `bundle.json`. Patches of overlays go by their file.
 */
export function diffBundles(one: DiffSide, two: DiffSide): string[] {
  const [before, after] = [partsOf(one), partsOf(two)];
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap((name) => {
    const [old, now] = [before.get(name), after.get(name)];
    if (old === undefined) return [`+ ${name}`];
    if (now === undefined) return [`- ${name}`];
    const fields = fieldsBetween(old, now, []);
    return fields.length === 0 ? [] : [`~ ${name}`, ...fields.map((line) => `    ${line}`)];
  });
}

function partsOf({ manifest, files }: DiffSide): Map<string, JsonObject> {
  const facts = Object.entries(manifest).filter(([key]) => !OF_THE_VERSION.has(key));
  const patches = new Set(manifest.overlays?.map(({ patch }) => patch));
  const objects = files.map(({ path, bytes }): [string, JsonObject] => {
    const read = JSON.parse(Buffer.from(bytes).toString()) as KubeObject;
    const object = manifest.secrets?.includes(path) === true ? sealedObject(read, path) : read;
    return [patches.has(path) ? `patch ${path}` : nameOf(refOf(object)), object];
  });
  return new Map([["bundle.json", Object.fromEntries(facts) as JsonObject], ...objects]);
}

function fieldsBetween(old: Json | undefined, now: Json | undefined, path: readonly PropertyKey[]): string[] {
  if (isMap(old) && isMap(now)) {
    const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])].toSorted();
    return keys.flatMap((key) => fieldsBetween(old[key], now[key], [...path, key]));
  }
  if (Array.isArray(old) && Array.isArray(now)) {
    const length = Math.max(old.length, now.length);
    return Array.from({ length }, (_, index) => fieldsBetween(old[index], now[index], [...path, index])).flat();
  }
  if (JSON.stringify(old) === JSON.stringify(now)) return [];
  return [`${pointer(path)}: ${shown(old)} -> ${shown(now)}`];
}

function shown(value: Json | undefined): string {
  if (value === undefined) return "(none)";
  const text = JSON.stringify(value);
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}...`;
}
