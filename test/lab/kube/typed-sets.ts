import type { Json } from "../../../shared/live.ts";
import { below, emptySet, type FieldSet, insert, isEmpty, itemElement, type Path } from "./field-set.ts";
import { deduce, fieldType, isMap, type ListType, type MapType, resolve, type TypeRef } from "./schema.ts";

/** The fields that a value has, as the owner of all of it would list them. After `typed/tofieldset.go`. */
export function fieldSetOf(ref: TypeRef, value: Json): FieldSet {
  const set = emptySet();
  collect(ref, value, [], set);
  return set;
}

function collect(ref: TypeRef, value: Json, path: Path, set: FieldSet): void {
  const atom = deduce(resolve(ref), value);
  if (atom.map !== undefined) {
    if (atom.map.atomic) insert(set, path);
    else if (isMap(value)) collectMap(atom.map, value, path, set);
  } else if (atom.scalar !== undefined) insert(set, path);
  else if (atom.list !== undefined) {
    if (atom.list.atomic) insert(set, path);
    else if (Array.isArray(value)) collectList(atom.list, value, path, set);
  }
}

function collectMap(map: MapType, value: { [key: string]: Json }, path: Path, set: FieldSet): void {
  for (const [key, item] of Object.entries(value)) {
    const type = fieldType(map, key);
    if (type === null) continue;
    const here = [...path, `f:${key}`];
    collect(type, item, here, set);
    const isVoid = item === null || (isMap(item) && Object.keys(item).length === 0);
    if (isVoid || !map.fields.has(key)) insert(set, here);
  }
}

function collectList(list: ListType, items: Json[], path: Path, set: FieldSet): void {
  const counts = new Map<string, number>();
  const named = items.map((item) => {
    const found = itemElement(list, item);
    if ("fault" in found) throw new Error(found.fault);
    counts.set(found.element, (counts.get(found.element) ?? 0) + 1);
    return { element: found.element, item };
  });
  for (const { element, item } of named) {
    const here = [...path, element];
    if (counts.get(element) === 1) collect(list.element, item, here, set);
    insert(set, here);
  }
}

/** The value without the fields of the set; an emptied map or list is undefined. After `typed/remove.go`. */
export function removeItems(ref: TypeRef, value: Json, gone: FieldSet): Json | undefined {
  const atom = deduce(resolve(ref), value);
  if (atom.map !== undefined) {
    return isMap(value) && !atom.map.atomic ? removeFromMap(atom.map, value, gone) : undefined;
  }
  if (atom.scalar !== undefined) return value;
  if (atom.list === undefined || atom.list.atomic || !Array.isArray(value)) return undefined;
  const kept = removeFromList(atom.list, value, gone);
  return kept.length === 0 ? undefined : kept;
}

function removeFromMap(map: MapType, value: { [key: string]: Json }, gone: FieldSet): Json | undefined {
  const out: { [key: string]: Json } = {};
  for (const [key, item] of Object.entries(value)) {
    const element = `f:${key}`;
    if (gone.members.has(element)) continue;
    const inner = below(gone, element);
    const type = fieldType(map, key);
    // structured-merge-diff stores null where nothing is left; Kubernetes then drops it.
    out[key] = isEmpty(inner) || type === null ? item : (removeItems(type, item, inner) ?? null);
  }
  return Object.keys(out).length === 0 ? undefined : out;
}

function removeFromList(list: ListType, items: Json[], gone: FieldSet): Json[] {
  const out: Json[] = [];
  for (const item of items) {
    const named = itemElement(list, item);
    if ("fault" in named) throw new Error(named.fault);
    if (gone.members.has(named.element)) continue;
    const inner = below(gone, named.element);
    out.push(isEmpty(inner) ? item : (removeItems(list.element, item, inner) ?? null));
  }
  return out;
}

/** Adds the structs on the way (`.spec` of `.spec.replicas`), which a set does not list. After `fieldpath/set.go`. */
export function withNamedFields(ref: TypeRef | null, set: FieldSet): FieldSet {
  const atom = ref === null ? {} : resolve(ref);
  const out: FieldSet = { members: new Set(set.members), children: new Map() };
  for (const [element, child] of set.children) {
    let type: TypeRef | null = null;
    if (element.startsWith("f:") && atom.map !== undefined) {
      const name = element.slice(2);
      type = fieldType(atom.map, name);
      if (atom.map.fields.has(name)) out.members.add(element);
    } else if (element.startsWith("k:") && atom.list !== undefined) type = atom.list.element;
    out.children.set(element, withNamedFields(type, child));
  }
  return out;
}
