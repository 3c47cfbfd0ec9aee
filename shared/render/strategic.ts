import { AppError } from "../errors.ts";
import { isMap, type Json, type JsonObject, type KubeObject } from "../live.ts";
import { pointer } from "../parse.ts";
import { BUILT_IN, FIELDS } from "./merge-keys.ts";
import { inOrder } from "./merge-order.ts";

/**
 * Strategic merge patch, as `kubectl patch --type strategic` does it (k8s.io/apimachinery `strategicpatch`, v0.36.3). Three things differ, all where
 * kubectl leaves rubbish or depends on chance: nulls and directives that find nothing to do leave no trace in what a patch adds; a
 * directive where it means nothing is refused; what one patch both deletes from a list of plain values and adds to it is there.
 */

type Path = readonly PropertyKey[];

interface Rule {
  strategy: string;
  key: string;
  type: string;
}

const DIRECTIVE = "$patch";
const RETAIN = "$retainKeys";
const ORDER = "$setElementOrder/";
const DELETE = "$deleteFromPrimitiveList/";

/** Throws `patch`, with the pointer into the patch; `where` names its file. Neither argument is changed. */
export function strategicMerge(object: KubeObject, patch: JsonObject, where: string): JsonObject {
  const kinds = Object.hasOwn(BUILT_IN, object.apiVersion) ? BUILT_IN[object.apiVersion] : undefined;
  if (kinds?.split(" ").includes(object.kind) !== true) {
    const what = `strategic merge patch is not supported for ${object.apiVersion} ${object.kind}: only Kubernetes knows its own kinds' merge keys`;
    throw new AppError("patch", what, { where, fix: "write this overlay as a JSON patch (`type: json`)" });
  }
  return mergeMap(object, patch, object.kind, [], where);
}

function ruleOf(type: string, field: string): Rule {
  if (field === "metadata") return { strategy: "", key: "", type: "ObjectMeta" };
  const fields = Object.hasOwn(FIELDS, type) ? FIELDS[type] : undefined;
  const rule = fields !== undefined && Object.hasOwn(fields, field) ? fields[field] : undefined;
  const [strategy = "", key = "", child = ""] = rule?.split(":") ?? [];
  return { strategy, key, type: child };
}

function mergeMap(original: JsonObject, patch: JsonObject, type: string, at: Path, where: string): JsonObject {
  if (Object.hasOwn(patch, DIRECTIVE)) return replaced(patch, at, where);
  const retained = retainedKeys(patch, at, where);
  const result = new Map(Object.entries(original).filter(([key]) => retained === null || retained.has(key)));
  const left = new Map(Object.entries(patch).filter(([key]) => key !== RETAIN));
  for (const [key, order] of [...left].filter(([name]) => name.startsWith("$setElementOrder"))) {
    left.delete(key);
    const field = fieldOf(key, ORDER, at, where);
    const rule = ruleOf(type, field);
    const path = [...at, field];
    const [held, given] = [result.get(field), left.get(field)];
    left.delete(field);
    if (held === undefined && given === undefined) continue;
    const before = listAt(held ?? [], path, where);
    const change = listAt(given ?? [], path, where);
    const asked = keyed(listAt(order, [...at, key], where), rule.key, [...at, key], where);
    inAskedOrder(change, asked, rule.key, path, where);
    const merged =
      held === undefined ? listAt(added(change), path, where) : mergeField(before, change, rule, path, where);
    result.set(field, inOrder(keyed(listAt(merged, path, where), rule.key, path, where), asked, before, rule.key));
  }
  // In this order, whatever the order in the file: what a patch both deletes and adds is there.
  for (const [key, gone] of [...left].filter(([name]) => name.startsWith("$deleteFromPrimitiveList"))) {
    left.delete(key);
    const held = result.get(fieldOf(key, DELETE, at, where));
    const items = new Set(listAt(gone, [...at, key], where));
    if (Array.isArray(held)) {
      result.set(
        key.slice(DELETE.length),
        held.filter((item) => !items.has(item)),
      );
    }
  }
  for (const [key, value] of left) {
    if (value === null) {
      result.delete(key);
      continue;
    }
    const held = result.get(key);
    const bothMaps = isMap(held) && isMap(value);
    if (bothMaps || (Array.isArray(held) && Array.isArray(value))) {
      result.set(key, mergeField(held, value, ruleOf(type, key), [...at, key], where));
      continue;
    }
    const fresh = added(value);
    if (fresh === undefined) result.delete(key);
    else result.set(key, fresh);
  }
  return Object.fromEntries(result);
}

/** Two maps or two lists. */
function mergeField(held: Json, value: Json, rule: Rule, at: Path, where: string): Json {
  if (isMap(held) && isMap(value)) {
    return rule.strategy === "replace" ? whole(value, at, where) : mergeMap(held, value, rule.type, at, where);
  }
  const [before, change] = [listAt(held, at, where), listAt(value, at, where)];
  return rule.strategy === "merge" ? mergeList(before, change, rule, at, where) : whole(change, at, where);
}

function mergeList(before: Json[], change: Json[], rule: Rule, at: Path, where: string): Json[] {
  const all = [...before, ...change];
  if (all.length === 0) return [];
  if (all.some((item) => isMap(item) !== isMap(all[0]) || Array.isArray(item))) {
    throw broken("the items of the list are of different types", at, where);
  }
  if (!isMap(all[0])) return inOrder([...new Set(all)], change, before, "");
  if (rule.key === "") throw broken("a list without a merge key cannot be merged", at, where);
  let kept = before;
  let replace = false;
  const plain: JsonObject[] = [];
  change.forEach((item, index) => {
    if (!isMap(item)) return;
    const directive = item[DIRECTIVE];
    if (directive === undefined) plain.push(item);
    else if (directive === "replace") replace = true;
    else if (directive === "delete") {
      const gone = keyIn(item, rule.key, [...at, index], where);
      kept = kept.filter((each) => !isMap(each) || each[rule.key] !== gone);
    } else throw broken(`$patch: ${JSON.stringify(directive)} means nothing in a list`, [...at, index], where);
  });
  if (replace) return plain.map((item, index) => whole(item, [...at, index], where));
  const merged = [...kept];
  for (const item of plain) {
    const key = keyIn(item, rule.key, at, where);
    const index = merged.findIndex((each) => isMap(each) && each[rule.key] === key);
    const held = merged[index];
    if (isMap(held)) merged[index] = mergeMap(held, item, rule.type, [...at, index], where);
    else merged.push(added(item) ?? {});
  }
  return inOrder(keyed(merged, rule.key, at, where), plain, kept, rule.key);
}

/** `$patch` in a map that is merged: `replace` by what stands beside it, `delete` all that it holds. */
function replaced(patch: JsonObject, at: Path, where: string): JsonObject {
  const { [DIRECTIVE]: directive, ...rest } = patch;
  if (directive === "replace") return whole(rest, at, where);
  if (directive === "delete") return {};
  throw broken(`$patch: ${JSON.stringify(directive)} is no directive for an object`, at, where);
}

/** null where the patch does not say. */
function retainedKeys(patch: JsonObject, at: Path, where: string): ReadonlySet<Json> | null {
  if (!Object.hasOwn(patch, RETAIN)) return null;
  const keys = new Set(listAt(patch[RETAIN] ?? null, [...at, RETAIN], where));
  const other = Object.entries(patch).find(([key, value]) => value !== null && !key.startsWith("$") && !keys.has(key));
  if (other === undefined) return keys;
  throw broken(`$retainKeys does not name ${other[0]}, which the patch sets`, at, where);
}

/** What a patch adds where there was nothing. undefined: a directive that finds nothing to do. */
function added<T extends Json>(value: T): T | undefined;
function added(value: Json): Json | undefined {
  if (Array.isArray(value)) return value.map(added).filter((item) => item !== undefined);
  if (!isMap(value)) return value;
  if (Object.hasOwn(value, DIRECTIVE)) return undefined;
  const entries = Object.entries(value).flatMap(([key, item]): [string, Json][] => {
    const kept = item === null || isDirective(key) ? undefined : added(item);
    return kept === undefined ? [] : [[key, kept]];
  });
  return Object.fromEntries(entries);
}

/** What a patch puts in the place of something whole. Throws `patch` for a directive in it, which nothing would carry out. */
function whole<T extends Json>(value: T, at: Path, where: string): T;
function whole(value: Json, at: Path, where: string): Json {
  if (Array.isArray(value)) return value.map((item, index) => whole(item, [...at, index], where));
  if (!isMap(value)) return value;
  const entries = Object.entries(value).flatMap(([key, item]): [string, Json][] => {
    if (isDirective(key)) throw broken(`${key} means nothing in what is replaced whole`, at, where);
    return item === null ? [] : [[key, whole(item, [...at, key], where)]];
  });
  return Object.fromEntries(entries);
}

function isDirective(key: string): boolean {
  return key === DIRECTIVE || key === RETAIN || key.startsWith(ORDER) || key.startsWith(DELETE);
}

function fieldOf(key: string, prefix: string, at: Path, where: string): string {
  if (key.startsWith(prefix)) return key.slice(prefix.length);
  throw broken(`${key} does not name its list as ${prefix}<field>`, at, where);
}

function listAt(value: Json | undefined, at: Path, where: string): Json[] {
  if (Array.isArray(value)) return value;
  throw broken("must be a list", at, where);
}

/** The same list, of which every item that is a map has the merge key. */
function keyed(list: Json[], key: string, at: Path, where: string): Json[] {
  list.forEach((item, index) => {
    if (isMap(item)) keyIn(item, key, [...at, index], where);
    else if (key !== "" || Array.isArray(item)) throw broken("must be an object", [...at, index], where);
  });
  return list;
}

function keyIn(item: JsonObject, key: string, at: Path, where: string): Json {
  const value = key !== "" && Object.hasOwn(item, key) ? item[key] : undefined;
  if (value !== undefined && typeof value !== "object") return value;
  throw broken(
    key === "" ? "a list of objects without a merge key" : `has no ${key}, which is its merge key`,
    at,
    where,
  );
}

/** The items that a patch gives must come in the order that it asks for. */
function inAskedOrder(change: Json[], asked: Json[], key: string, at: Path, where: string): void {
  const own = (item: Json) => (isMap(item) ? item[key] : item);
  let next = 0;
  for (const item of change) {
    if (isMap(item) && Object.hasOwn(item, DIRECTIVE)) continue;
    const found = asked.findIndex((each, index) => index >= next && own(each) === own(item));
    if (found === -1) throw broken("is not in the order that $setElementOrder asks for", at, where);
    next = found + 1;
  }
}

function broken(what: string, at: Path, where: string): AppError {
  return new AppError("patch", what, { where: `${where} ${pointer(at)}` });
}
