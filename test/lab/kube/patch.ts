import { isDeepStrictEqual } from "node:util";
import type { Json } from "../../../shared/live.ts";
import { itemElement } from "./field-set.ts";
import { deduce, fieldType, isMap, type ListType, resolve, type TypeRef } from "./schema.ts";
import { badRequest, failure, notImplemented } from "./status.ts";

/** RFC 7396. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isMap(patch)) return patch;
  const out: { [key: string]: Json } = isMap(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = mergePatch(out[key], value);
  }
  return out;
}

/** RFC 6902. A `test` that fails, and a path that is not there, are 422. */
export function jsonPatch(target: Json, operations: Json): Json {
  if (!Array.isArray(operations)) throw badRequest("a JSON patch is a list of operations");
  let document: Json = structuredClone(target);
  for (const operation of operations) {
    if (!isMap(operation)) throw badRequest("an operation of a JSON patch is an object");
    document = operate(document, operation);
  }
  return document;
}

function operate(document: Json, operation: { [key: string]: Json }): Json {
  const path = pointer(operation["path"]);
  const value = operation["value"] ?? null;
  switch (operation["op"]) {
    case "add":
      return edit(document, path, value, "add");
    case "replace":
      return edit(document, path, value, "replace");
    case "remove":
      return edit(document, path, null, "remove");
    case "test":
      if (isDeepStrictEqual(at(document, path), value)) return document;
      throw unprocessable(`testing path ${String(operation["path"])} failed`);
    case "copy":
      return edit(document, path, structuredClone(at(document, pointer(operation["from"]))), "add");
    case "move": {
      const from = pointer(operation["from"]);
      const moved = at(document, from);
      return edit(edit(document, from, null, "remove"), path, moved, "add");
    }
    default:
      throw badRequest(`unexpected kind: ${JSON.stringify(operation["op"] ?? null)}`);
  }
}

function unprocessable(message: string): Error {
  return failure(422, "Invalid", `the server rejected our request due to an error in our request: ${message}`, {});
}

function pointer(text: Json | undefined): string[] {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/"))) throw badRequest("a bad JSON pointer");
  const tokens = text.split("/").slice(1);
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function child(value: Json | undefined, token: string): Json | undefined {
  if (Array.isArray(value)) return /^\d+$/.test(token) ? value[Number(token)] : undefined;
  return isMap(value) && Object.hasOwn(value, token) ? value[token] : undefined;
}

function at(document: Json, path: string[]): Json {
  let value: Json | undefined = document;
  for (const token of path) value = child(value, token);
  if (value === undefined) throw unprocessable(`missing path /${path.join("/")}`);
  return value;
}

function edit(document: Json, path: string[], value: Json, how: "add" | "replace" | "remove"): Json {
  const last = path[path.length - 1];
  if (last === undefined) return value;
  const parent = at(document, path.slice(0, -1));
  const isThere = child(parent, last) !== undefined;
  if (how !== "add" && !isThere) throw unprocessable(`${how} operation does not apply: missing key ${last}`);
  if (Array.isArray(parent)) {
    const index = last === "-" ? parent.length : Number(last);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) throw unprocessable(`bad index ${last}`);
    if (how === "remove") parent.splice(index, 1);
    else parent.splice(index, how === "replace" ? 1 : 0, value);
  } else if (isMap(parent)) {
    if (how === "remove") delete parent[last];
    else parent[last] = value;
  } else throw unprocessable(`${path.join("/")} is inside of a scalar`);
  return document;
}

/**
 * Strategic merge, as `kubectl edit` and `kubectl apply` without `--server-side` send it: lists are merged by the first
 * key of the schema. Of the directives it knows `$patch: delete` and `replace`, `$setElementOrder/` (ignored: order
 * stays) and `$deleteFromPrimitiveList/`; any other is refused as not implemented.
 */
export function strategicMerge(type: TypeRef, target: Json | undefined, patch: Json): Json {
  if (!isMap(patch)) return patch;
  const { $patch: directive, ...rest } = patch;
  if (directive === "replace") return rest;
  if (directive !== undefined) throw notImplemented(`strategic merge directive $patch: ${JSON.stringify(directive)}`);
  const map = deduce(resolve(type), patch).map;
  const out: { [key: string]: Json } = isMap(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(rest)) {
    if (key.startsWith("$")) {
      specialKey(out, key, value);
      continue;
    }
    const inner = map === undefined ? null : fieldType(map, key);
    if (value === null) delete out[key];
    else out[key] = inner === null ? mergePatch(out[key], value) : strategicValue(inner, out[key], value);
  }
  return out;
}

function specialKey(out: { [key: string]: Json }, key: string, value: Json): void {
  if (key.startsWith("$setElementOrder/")) return;
  const [directive, field = ""] = key.split("/");
  const items = out[field];
  if (directive !== "$deleteFromPrimitiveList" || !Array.isArray(value)) {
    // kubectl sends $retainKeys along with the keys that go set to null, which does the same.
    if (key === "$retainKeys") return;
    throw notImplemented(`strategic merge directive ${key}`);
  }
  if (Array.isArray(items)) out[field] = items.filter((item) => !value.includes(item));
}

function strategicValue(type: TypeRef, target: Json | undefined, patch: Json): Json {
  const list = deduce(resolve(type), patch).list;
  if (!Array.isArray(patch)) return strategicMerge(type, target, patch);
  if (list === undefined || list.atomic) return patch;
  return strategicList(list, Array.isArray(target) ? target : [], patch);
}

function strategicList(list: ListType, target: Json[], patch: Json[]): Json[] {
  const key = list.keys[0];
  if (key === undefined) return [...new Set([...target, ...patch])];
  const keyed: ListType = { ...list, keys: [key] };
  const elementOf = (item: Json): string => {
    const named = itemElement(keyed, item);
    if ("fault" in named) throw badRequest(`map does not contain declared merge key: ${key}`);
    return named.element;
  };
  const out = [...target];
  for (const item of patch) {
    const index = out.findIndex((old) => elementOf(old) === elementOf(item));
    if (isMap(item) && item["$patch"] === "delete") {
      if (index >= 0) out.splice(index, 1);
    } else if (index >= 0) out[index] = strategicMerge(list.element, out[index], item);
    else out.push(strategicMerge(list.element, undefined, item));
  }
  return out;
}
