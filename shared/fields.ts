import { sorted } from "./canonical.ts";
import { FIELD_MANAGER, isMap, type Json, type JsonObject, type KubeObject } from "./live.ts";

/**
 * Who owns which fields of an object, as the server records it in `metadata.managedFields`. A set of fields is what it calls FieldsV1
 * (structured-merge-diff `fieldpath`): `f:` a member, `k:` a list item by its keys, `v:` a set item by its value, `i:` an item by
 * index, `.` the thing itself. A set without members owns the whole value.
 */
export type Fields = JsonObject;

/** Keys of nested sets, from the top: `["f:spec", "f:ports", 'k:{"port":80}']`. */
export type FieldPath = readonly string[];

/** One entry of `managedFields`. */
export interface Entry {
  manager: string;
  operation: string;
  subresource: string;
  /** RFC 3339; the last time that it gained or lost fields. */
  time: string;
  fields: Fields;
  /** As the server has it. */
  raw: JsonObject;
}

/** What a manager owns by its applies; null where that is nothing. */
export function fieldsOf(object: KubeObject, manager: string): Fields | null {
  const entry = entriesOf(object).find((each) => each.manager === manager && isApply(each));
  return entry === undefined || !isMap(entry.raw["fieldsV1"]) ? null : entry.fields;
}

export function entriesOf(object: KubeObject): Entry[] {
  const entries = object.metadata["managedFields"];
  return (Array.isArray(entries) ? entries.filter(isMap) : []).map((raw) => ({
    manager: text(raw["manager"]),
    operation: text(raw["operation"]),
    subresource: text(raw["subresource"]),
    time: text(raw["time"]),
    fields: isMap(raw["fieldsV1"]) ? raw["fieldsV1"] : {},
    raw,
  }));
}

/** The entry of our applies. */
export function isOurs(entry: Entry): boolean {
  return entry.manager === FIELD_MANAGER && isApply(entry);
}

function isApply({ operation, subresource }: Entry): boolean {
  return operation === "Apply" && subresource === "";
}

/** A step of a path into an object: the name of a member, or the list item that it goes through, as it was sent. */
export type Spot = readonly (string | { item: Json })[];

/** The key of `fields` that a step goes to; undefined where nothing there is owned. */
export function keyOf(fields: Fields, step: Spot[number]): string | undefined {
  if (typeof step === "string") return Object.hasOwn(fields, `f:${step}`) ? `f:${step}` : undefined;
  return Object.keys(fields).find((key) => isNamedBy(key, step.item));
}

/**
 * Does this key of a set name the item as it was sent? Keys that were not sent were filled in by the server: the protocol of a port.
 */
function isNamedBy(key: string, item: Json): boolean {
  if (key.startsWith("v:")) return sorted(JSON.parse(key.slice(2)) as Json) === sorted(item);
  if (!key.startsWith("k:") || !isMap(item)) return false;
  const keys = Object.entries(JSON.parse(key.slice(2)) as JsonObject);
  return keys.some(([name]) => name in item) && keys.every(([name, value]) => (item[name] ?? value) === value);
}

/** A set that owns a value as a whole, or nothing but the thing itself. */
export function isLeaf(fields: Fields): boolean {
  return Object.keys(fields).every((key) => key === ".");
}

/** What is owned at a path; undefined where nothing is. */
export function below(fields: Fields, path: FieldPath): Fields | undefined {
  let found: Fields | undefined = fields;
  for (const key of path) {
    const next: Json | undefined = found !== undefined && Object.hasOwn(found, key) ? found[key] : undefined;
    found = isMap(next) ? next : undefined;
  }
  return found;
}

export function union(a: Fields, b: Fields): Fields {
  const [emptyA, emptyB] = [Object.keys(a).length === 0, Object.keys(b).length === 0];
  // What one owns whole and the other in part is owned itself, and in part.
  if (emptyA !== emptyB) return { ".": {}, ...(emptyA ? b : a) };
  const merged: Fields = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const held = Object.hasOwn(a, key) ? a[key] : undefined;
    merged[key] = isMap(held) && isMap(value) ? union(held, value) : value;
  }
  return merged;
}

/** The set that owns `fields` at `path`, and nothing else. */
export function under(path: FieldPath, fields: Fields): Fields {
  return path.reduceRight<Fields>((inner, key) => ({ [key]: inner }), fields);
}

/** Without a path and all below it, and without what owned nothing else. */
export function minus(fields: Fields, [key, ...rest]: FieldPath): Fields {
  if (key === undefined) return {};
  const held = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (!isMap(held)) return fields;
  const { [key]: _, ...others } = fields;
  const left = rest.length === 0 ? {} : minus(held, rest);
  return Object.keys(left).length === 0 && (rest.length === 0 || Object.keys(held).length > 0)
    ? others
    : { ...others, [key]: left };
}

/** Without these spots. Of a value that is owned only whole, such as a list without keys, the whole goes. */
export function without(fields: Fields, spots: readonly Spot[]): Fields {
  return spots.reduce((left, spot) => {
    const path = pathTo(left, spot);
    return path === null ? left : minus(left, path);
  }, fields);
}

/** The path of a spot in a set, ending at what is owned only whole; null where nothing of it is owned. */
export function pathTo(fields: Fields, spot: Spot): FieldPath | null {
  const path: string[] = [];
  let at = fields;
  for (const step of spot) {
    if (path.length > 0 && isLeaf(at)) return path;
    const key = keyOf(at, step);
    if (key === undefined) return null;
    path.push(key);
    at = isMap(at[key]) ? at[key] : {};
  }
  return path;
}

/** Every path that ends in a leaf of the set. */
export function leavesOf(fields: Fields): FieldPath[] {
  return Object.entries(fields).flatMap(([key, inner]) => {
    if (key === ".") return [];
    if (!isMap(inner) || isLeaf(inner)) return [[key]];
    return leavesOf(inner).map((path) => [key, ...path]);
  });
}

/** As Kubernetes writes them: `.spec.containers[name="till"].image`. Names and keys only, never a value: an item of a set is `[]`. */
export function fieldWords(path: FieldPath): string {
  return path
    .map((key) => {
      if (!key.startsWith("k:")) return key.startsWith("f:") ? `.${key.slice(2)}` : "[]";
      const keys = Object.entries(JSON.parse(key.slice(2)) as JsonObject);
      return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}]`;
    })
    .join("");
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The part of a value that a set of fields names. */
export function project(value: Json, fields: Fields): Json {
  const entries = Object.entries(fields).filter(([key]) => key !== ".");
  if (entries.length === 0) return value;
  if (Array.isArray(value)) {
    // In the order of the live list: order can carry meaning, and the server keeps it.
    return value.flatMap((item, index) => {
      const owner = entries.find(([key]) => namesItem(key, item, index));
      return owner === undefined ? [] : [isMap(owner[1]) ? project(item, owner[1]) : item];
    });
  }
  if (!isMap(value)) return value;
  // By own members only: a key may be called `constructor` or `__proto__`.
  return Object.fromEntries(
    entries.flatMap(([key, below]): [string, Json][] => {
      const name = key.slice(2);
      const member = key.startsWith("f:") && Object.hasOwn(value, name) ? value[name] : undefined;
      return member === undefined || !isMap(below) ? [] : [[name, project(member, below)]];
    }),
  );
}

/** Whether this key of a set (`k:`, `v:` or `i:`) is the one of that list item, as the server has it. */
export function namesItem(key: string, item: Json, index: number): boolean {
  if (key.startsWith("i:")) return Number(key.slice(2)) === index;
  if (key.startsWith("v:")) return sorted(JSON.parse(key.slice(2))) === sorted(item);
  if (!key.startsWith("k:") || !isMap(item)) return false;
  const keys: unknown = JSON.parse(key.slice(2));
  return (
    typeof keys === "object" && keys !== null && Object.entries(keys).every(([name, wanted]) => item[name] === wanted)
  );
}
