import { sorted } from "../canonical.ts";
import { AppError } from "../errors.ts";
import { isMap, type Json, type JsonObject } from "../live.ts";

/** Values that all copies of one patch may make together: copying a whole into itself doubles it each time. */
const MAX_COPIED = 100_000;

type Container = JsonObject | Json[];

/**
 * JSON patch (RFC 6902): all operations or none. Members that an operation does not define are ignored, as the RFC asks. Throws `patch` with the
 * pointer of the operation; `where` names the file, `base` the pointer of the list in it. Nothing that is given is changed.
 */
export function jsonPatch(target: Json, operations: readonly Json[], where: string, base = ""): Json {
  let copied = 0;
  return operations.reduce((document, operation, index) => {
    const at = `${where} ${base}/${index}`;
    if (!isMap(operation)) throw broken("an operation must be an object", at);
    const path = tokensOf(operation, "path", at);
    switch (operation["op"]) {
      case "add":
        return add(document, path, valueOf(operation, at), at);
      case "remove":
        return remove(document, path, at);
      case "replace": {
        const value = valueOf(operation, at);
        return path.length === 0 ? value : add(remove(document, path, at), path, value, at);
      }
      case "move": {
        const from = tokensOf(operation, "from", at);
        const into = from.length < path.length && from.every((token, place) => token === path[place]);
        if (into) throw broken("nothing can be moved into itself", at);
        const value = get(document, from, at);
        return from.length === path.length && from.every((token, place) => token === path[place])
          ? document
          : add(remove(document, from, at), path, value, at);
      }
      case "copy": {
        const value = get(document, tokensOf(operation, "from", at), at);
        copied += count(value, MAX_COPIED - copied);
        if (copied > MAX_COPIED) throw broken(`its copies make more than ${MAX_COPIED} values`, at);
        return add(document, path, value, at);
      }
      case "test":
        if (sorted(get(document, path, at)) === sorted(valueOf(operation, at))) return document;
        throw broken(`test: ${String(operation["path"])} has another value`, at);
      default:
        throw broken(`${JSON.stringify(operation["op"] ?? null)} is no operation of a JSON patch`, at);
    }
  }, target);
}

function add(document: Json, path: readonly string[], value: Json, at: string): Json {
  return edit(
    document,
    path,
    at,
    (container, token) => {
      if (isMap(container)) return withMember(container, token, value);
      const index = token === "-" ? container.length : indexOf(token, container.length, at);
      return container.toSpliced(index, 0, value);
    },
    value,
  );
}

function remove(document: Json, path: readonly string[], at: string): Json {
  if (path.length === 0) throw broken("the whole object cannot be removed", at);
  return edit(
    document,
    path,
    at,
    (container, token) => {
      if (Array.isArray(container)) return container.toSpliced(indexOf(token, container.length - 1, at), 1);
      if (!Object.hasOwn(container, token)) throw missing(token, at);
      return Object.fromEntries(Object.entries(container).filter(([key]) => key !== token));
    },
    null,
  );
}

/** The document with the last container on the path changed. `root` stands in for a document that has no container above it. */
function edit(
  document: Json,
  path: readonly string[],
  at: string,
  change: (container: Container, token: string) => Json,
  root: Json,
): Json {
  const [token, ...rest] = path;
  if (token === undefined) return root;
  if (!isMap(document) && !Array.isArray(document)) throw missing(token, at);
  if (rest.length === 0) return change(document, token);
  const inner = edit(child(document, token, at), rest, at, change, root);
  return isMap(document) ? withMember(document, token, inner) : document.with(Number(token), inner);
}

function get(document: Json, path: readonly string[], at: string): Json {
  return path.reduce((value, token) => child(value, token, at), document);
}

function child(container: Json, token: string, at: string): Json {
  const value = Array.isArray(container)
    ? container[indexOf(token, container.length - 1, at)]
    : isMap(container) && Object.hasOwn(container, token)
      ? container[token]
      : undefined;
  if (value === undefined) throw missing(token, at);
  return value;
}

/** Never by assignment: a key `__proto__` would then be no key. */
function withMember(map: JsonObject, key: string, value: Json): JsonObject {
  return Object.fromEntries([...Object.entries(map), [key, value]]);
}

function indexOf(token: string, last: number, at: string): number {
  if (!/^(?:0|[1-9]\d{0,8})$/.test(token)) throw broken(`"${token}" is no index of a list`, at);
  if (Number(token) > last) throw broken(`the list has no index ${token}`, at);
  return Number(token);
}

/** RFC 6901. */
function tokensOf(operation: JsonObject, member: "path" | "from", at: string): string[] {
  const text = Object.hasOwn(operation, member) ? operation[member] : undefined;
  if (typeof text !== "string") throw broken(`an operation ${String(operation["op"])} needs ${member}`, at);
  if (text === "") return [];
  if (!text.startsWith("/") || /~(?![01])/.test(text)) throw broken(`"${text}" is no JSON pointer`, at);
  return text
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function valueOf(operation: JsonObject, at: string): Json {
  const value = Object.hasOwn(operation, "value") ? operation["value"] : undefined;
  if (value === undefined) throw broken(`an operation ${String(operation["op"])} needs value`, at);
  return value;
}

/** Stops counting past `limit`. */
function count(value: Json, limit: number): number {
  let total = 1;
  if (typeof value !== "object" || value === null) return total;
  for (const item of Object.values(value)) {
    if (total > limit) break;
    total += count(item, limit - total);
  }
  return total;
}

function missing(token: string, at: string): AppError {
  return broken(`there is nothing at "${token}"`, at);
}

function broken(what: string, where: string): AppError {
  return new AppError("patch", what, { where });
}
