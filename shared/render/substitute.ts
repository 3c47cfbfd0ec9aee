import { FILE_MAX_BYTES } from "../bundle.ts";
import { AppError } from "../errors.ts";
import { isMap, type Json, type JsonObject, type KubeObject } from "../live.ts";
import { pointer } from "../parse.ts";
import type { Value } from "./variables.ts";

/** As deep as a canonical document may be. */
const MAX_DEPTH = 64;

/** What names an object, and so what was signed for: no value has a say in it. */
const NAMES: readonly (readonly string[])[] = [
  ["apiVersion"],
  ["kind"],
  ["metadata", "name"],
  ["metadata", "namespace"],
];

/**
 * The object with its `${NAME}`s replaced, in values only; itself where there are none. Text that is nothing but `${NAME}` becomes the value
 * with its type; `$${NAME}` is the text itself. A value is data: what it contains is not looked at again. Throws `variable`, with file and
 * pointer; `schema` where the label `ours` stands anywhere but on the object itself, which will get its own.
 */
export function substitute(
  object: KubeObject,
  values: ReadonlyMap<string, Value>,
  ours: string,
  path: string,
): KubeObject {
  const file = `files/${path}`;
  for (const at of NAMES) {
    const text = at.reduce<Json | undefined>((value, key) => (isMap(value) ? value[key] : undefined), object);
    if (typeof text === "string" && text.includes("${")) {
      throw new AppError("variable", "no variable may stand in what names an object", {
        where: `${file} ${pointer(at)}`,
      });
    }
  }
  const at: (string | number)[] = [];
  let room = FILE_MAX_BYTES;

  const inValue = (value: Json): Json => {
    if (at.length > MAX_DEPTH) {
      throw new AppError("malformed", `nested deeper than ${MAX_DEPTH} levels`, { where: file });
    }
    if (typeof value === "string") return value.includes("${") ? expand(value) : value;
    if (Array.isArray(value)) return inList(value);
    return isMap(value) ? inMap(value) : value;
  };
  const inList = (list: Json[]): Json[] => {
    let copy: Json[] | null = null;
    for (const [index, item] of list.entries()) {
      at.push(index);
      const after = inValue(item);
      if (after !== item) {
        copy ??= [...list];
        copy[index] = after;
      }
      at.pop();
    }
    return copy ?? list;
  };
  const inMap = (map: JsonObject): JsonObject => {
    let changed: Map<string, Json> | null = null;
    for (const key of Object.keys(map)) {
      at.push(key);
      if (key.includes("${")) throw refused("no variable may stand in a key");
      if (key === ours && at.at(-2) === "labels" && (at.length !== 3 || at[0] !== "metadata")) {
        // Else pods would say that they belong to another bundle, or that they are in ours.
        throw new AppError("schema", "only the agent gives this label", { where: `${file} ${pointer(at)}` });
      }
      const item = map[key] ?? null;
      const after = inValue(item);
      if (after !== item) {
        changed ??= new Map();
        changed.set(key, after);
      }
      at.pop();
    }
    if (changed === null) return map;
    const fresh = changed;
    return Object.fromEntries(Object.entries(map).map(([key, item]) => [key, fresh.get(key) ?? item]));
  };
  const expand = (text: string): Value => {
    const only = /^\$\{([^}]*)\}$/.exec(text)?.[1];
    if (only !== undefined) return valueOf(only);
    return text.replaceAll(/(\$?)\$\{([^}]*)\}/g, (_whole, escape: string, name: string) =>
      escape === "$" ? `\${${name}}` : String(valueOf(name)),
    );
  };
  const valueOf = (name: string): Value => {
    const value = values.get(name);
    if (value === undefined) {
      throw refused(
        `\${${name}} is not declared`,
        `declare it under variables, or write $\${${name}} for the text itself`,
      );
    }
    room -= String(value).length;
    if (room >= 0) return value;
    throw new AppError("too-large", `values make more than ${FILE_MAX_BYTES} characters of it`, {
      where: `${file} ${pointer(at)}`,
    });
  };
  const refused = (what: string, fix?: string) =>
    new AppError("variable", what, { where: `${file} ${pointer(at)}`, ...(fix !== undefined && { fix }) });

  return inMap(object) as KubeObject;
}
