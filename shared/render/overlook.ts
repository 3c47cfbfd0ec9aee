import type { Bundle } from "../bundle.ts";
import type { Spot } from "../fields.ts";
import { isMap, type Json, type KubeObject, type ObjectRef } from "../live.ts";
import { picks } from "../picks.ts";

/** Parts of an object whose change is no drift. */
export interface Overlooked {
  /** By rule of the bundle: whoever takes one of these keeps it. */
  ignored: readonly Spot[];
  /** Maps and lists that are sent empty: what others put into them is theirs, and only their loss counts. */
  empty: readonly Spot[];
}

export const NOTHING: Overlooked = { ignored: [], empty: [] };

/** `NOTHING` itself for an object of which every part counts. */
export function overlookedIn(object: KubeObject, ref: ObjectRef, rules: Bundle["drift"]["ignore"]): Overlooked {
  const pointers = (rules ?? []).flatMap((rule) => (picks(rule, ref) ? rule.paths : []));
  const ignored = pointers.map((pointer) => spotOf(object, pointer));
  const empty = emptyParts(object);
  return ignored.length === 0 && empty.length === 0 ? NOTHING : { ignored, empty };
}

/** A JSON pointer into an object as it is rendered: an index stands for the item that is there, wherever the server keeps it. */
function spotOf(object: KubeObject, pointer: string): Spot {
  const spot: (string | { item: Json })[] = [];
  let value: Json | undefined = object;
  for (const token of pointer.split("/").slice(1)) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(value)) {
      value = value[Number(name)];
      spot.push({ item: value ?? null });
    } else {
      spot.push(name);
      value = isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined;
    }
  }
  return spot;
}

function emptyParts(value: Json): Spot[] {
  if (Array.isArray(value)) return value.flatMap((item) => emptyParts(item).map((spot) => [{ item }, ...spot]));
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([name, inner]): Spot[] => {
    if (isEmpty(inner)) return [[name]];
    return emptyParts(inner).map((spot) => [name, ...spot]);
  });
}

/** Sent, and not there: the server drops a null, and keeps an empty map or list or not. */
export function isEmpty(value: Json): boolean {
  if (value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isMap(value) && Object.keys(value).length === 0;
}
