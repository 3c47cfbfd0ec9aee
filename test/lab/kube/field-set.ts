import type { Json, JsonObject } from "../../../shared/live.ts";
import { type ListType, resolve } from "./schema.ts";

/**
 * A set of field paths as a tree, after structured-merge-diff `fieldpath/set.go`. A path element is kept in the
 * words of FieldsV1: `f:name`, `k:{"containerPort":80,"protocol":"TCP"}` (keys sorted) or `v:"item"`.
 */
export interface FieldSet {
  members: Set<string>;
  children: Map<string, FieldSet>;
}

export type Path = readonly string[];

export function emptySet(): FieldSet {
  return { members: new Set(), children: new Map() };
}

export function insert(set: FieldSet, path: Path): void {
  const last = path[path.length - 1];
  if (last === undefined) return;
  let node = set;
  for (const element of path.slice(0, -1)) {
    let next = node.children.get(element);
    if (next === undefined) {
      next = emptySet();
      node.children.set(element, next);
    }
    node = next;
  }
  node.members.add(last);
}

export function isEmpty(set: FieldSet): boolean {
  return set.members.size === 0 && [...set.children.values()].every(isEmpty);
}

export function below(set: FieldSet, element: string): FieldSet {
  return set.children.get(element) ?? emptySet();
}

function combine(
  a: FieldSet,
  b: FieldSet,
  members: Set<string>,
  recurse: (a: FieldSet, b: FieldSet, element: string) => FieldSet,
): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const element of new Set([...a.children.keys(), ...b.children.keys()])) {
    const child = recurse(below(a, element), below(b, element), element);
    if (!isEmpty(child)) children.set(element, child);
  }
  return { members, children };
}

function only(members: Set<string>, keep: (element: string) => boolean): Set<string> {
  return new Set([...members].filter(keep));
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, new Set([...a.members, ...b.members]), union);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return combine(
    a,
    b,
    only(a.members, (element) => b.members.has(element)),
    intersection,
  );
}

/** Removing a parent leaves its children: they are members of their own. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return combine(
    a,
    b,
    only(a.members, (element) => !b.members.has(element)),
    difference,
  );
}

/** Removing a parent removes what is below it too. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return combine(
    a,
    b,
    only(a.members, (element) => !b.members.has(element)),
    (x, y, element) => (b.members.has(element) ? emptySet() : recursiveDifference(x, y)),
  );
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  return isEmpty(difference(a, b)) && isEmpty(difference(b, a));
}

export function* pathsOf(set: FieldSet, prefix: Path = []): Generator<Path> {
  for (const element of [...set.members].toSorted()) yield [...prefix, element];
  for (const element of [...set.children.keys()].toSorted()) {
    yield* pathsOf(below(set, element), [...prefix, element]);
  }
}

/** `.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"]`, as conflicts name fields. */
export function pathText(path: Path): string {
  const words = path.map((element) => {
    const rest = element.slice(2);
    if (element.startsWith("f:")) return `.${rest}`;
    if (element.startsWith("v:")) return `[=${rest}]`;
    const keys = Object.entries(JSON.parse(rest) as JsonObject);
    return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
  });
  return words.join("");
}

export function toFieldsV1(set: FieldSet): JsonObject {
  const out: JsonObject = {};
  for (const element of [...new Set([...set.members, ...set.children.keys()])].toSorted()) {
    const child = set.children.get(element);
    const inner = child === undefined ? {} : toFieldsV1(child);
    out[element] = child !== undefined && set.members.has(element) ? { ".": {}, ...inner } : inner;
  }
  return out;
}

export function fromFieldsV1(fields: JsonObject): FieldSet {
  const set = emptySet();
  for (const [element, value] of Object.entries(fields)) {
    if (element === ".") continue;
    const inner = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
    const keys = Object.keys(inner);
    if (keys.length === 0 || keys.includes(".")) set.members.add(element);
    const child = fromFieldsV1(inner);
    if (!isEmpty(child)) set.children.set(element, child);
  }
  return set;
}

/** The element that addresses an item of an associative list, or why there is none. */
export function itemElement(list: ListType, item: Json): { element: string } | { fault: string } {
  if (list.keys.length === 0) {
    if (item === null) return { fault: "associative list without keys has an element that's an explicit null" };
    if (typeof item === "object") return { fault: "associative list without keys has an element that's a map type" };
    return { element: `v:${JSON.stringify(item)}` };
  }
  if (item === null) return { fault: "associative list with keys may not have a null element" };
  if (typeof item !== "object" || Array.isArray(item)) {
    return { fault: "associative list with keys may not have non-map elements" };
  }
  const fields = resolve(list.element).map?.fields;
  const found: JsonObject = {};
  for (const key of [...list.keys].toSorted()) {
    const value = item[key] ?? fields?.get(key)?.default;
    if (value !== undefined) found[key] = value;
  }
  if (Object.keys(found).length > 0) return { element: `k:${JSON.stringify(found)}` };
  const words = list.keys.map((key) => JSON.stringify(key)).join(" ");
  const lacks = "(and doesn't have default values for any key fields)";
  return {
    fault: `associative list with keys has an element that omits all key fields [${words}] ${lacks}`,
  };
}
