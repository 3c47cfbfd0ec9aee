import { isDeepStrictEqual } from "node:util";
import type { Json } from "../../../shared/live.ts";
import { emptySet, type FieldSet, insert, itemElement, type Path } from "./field-set.ts";
import { type Atom, deduce, fieldType, isMap, type ListType, type MapType, resolve, type TypeRef } from "./schema.ts";

type Maybe = Json | undefined;

/** No path is in more than one of the three. */
export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

/** Which fields differ between two values of one type. After structured-merge-diff `typed/compare.go`. */
export function compare(ref: TypeRef, before: Maybe, after: Maybe): Comparison {
  const out: Comparison = { added: emptySet(), modified: emptySet(), removed: emptySet() };
  walk(ref, before, after, [], out);
  return out;
}

function walk(ref: TypeRef, before: Maybe, after: Maybe, path: Path, out: Comparison): void {
  if (before === undefined && after === undefined) return;
  const atom = resolve(ref);
  const a = deduce(atom, before);
  const b = deduce(atom, after);
  let leaf: boolean;
  if (after === undefined) leaf = visit(a, before, after, path, out);
  else if (before === undefined || sameForm(a, b)) leaf = visit(b, before, after, path, out);
  else {
    visit(a, before, after, path, out);
    leaf = visit(b, before, after, path, out);
  }
  if (leaf) return;
  if (before === undefined) insert(out.added, path);
  else if (after === undefined) insert(out.removed, path);
}

function sameForm(a: Atom, b: Atom): boolean {
  return a.map === b.map && a.list === b.list && a.scalar === b.scalar;
}

function visit(atom: Atom, before: Maybe, after: Maybe, path: Path, out: Comparison): boolean {
  if (atom.map !== undefined) {
    const a = isMap(before) ? before : {};
    const b = isMap(after) ? after : {};
    if (!atom.map.atomic && Object.keys(a).length + Object.keys(b).length > 0) {
      visitMaps(atom.map, a, b, path, out);
      return false;
    }
  } else if (atom.scalar === undefined && atom.list !== undefined) {
    const a = Array.isArray(before) ? before : [];
    const b = Array.isArray(after) ? after : [];
    if (!atom.list.atomic && a.length + b.length > 0) {
      visitLists(atom.list, a, b, path, out);
      return false;
    }
  }
  if (before === undefined) insert(out.added, path);
  else if (after === undefined) insert(out.removed, path);
  else if (!isDeepStrictEqual(before, after)) insert(out.modified, path);
  return true;
}

function visitMaps(
  map: MapType,
  a: { [key: string]: Json },
  b: { [key: string]: Json },
  path: Path,
  out: Comparison,
): void {
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const type = fieldType(map, key);
    if (type !== null) walk(type, a[key], b[key], [...path, `f:${key}`], out);
  }
}

function group(list: ListType, items: Json[]): Map<string, Json[]> {
  const found = new Map<string, Json[]>();
  for (const item of items) {
    const named = itemElement(list, item);
    if ("element" in named) found.set(named.element, [...(found.get(named.element) ?? []), item]);
  }
  return found;
}

/** Items that share a key are compared together, as if they were atomic. */
function visitLists(list: ListType, a: Json[], b: Json[], path: Path, out: Comparison): void {
  const before = group(list, a);
  const after = group(list, b);
  for (const element of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(element) ?? [];
    const now = after.get(element) ?? [];
    const here = [...path, element];
    if (old.length <= 1 && now.length <= 1) walk(list.element, old[0], now[0], here, out);
    else if (old.length >= 2 && now.length >= 2) {
      if (!isDeepStrictEqual(old, now)) insert(out.modified, here);
    } else if (old.length >= 2) {
      walk(list.element, undefined, now[0], here, out);
      insert(out.removed, here);
    } else {
      walk(list.element, old[0], undefined, here, out);
      insert(out.added, here);
    }
  }
}
