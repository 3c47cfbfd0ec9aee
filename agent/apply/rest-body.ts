import { AppError } from "../../shared/errors.ts";
import { isMap, type Json, type JsonObject, type KubeObject, nameOf, refOf } from "../../shared/live.ts";

/**
 * The server reads an apply body as YAML even when it is JSON, and refuses or changes these: raw U+0085, U+2028 and
 * U+2029 silently become one space together with the blanks around them. Escaped they arrive as they are. Astral
 * characters stay raw: YAML reads their escaped halves as two characters.
 */
const YAML_UNSAFE = /[\u007f-\u009f\u2028\u2029\ufffe\uffff]/g;

/** The body of a server-side apply. Throws `AppError` `malformed` for a string that has no UTF-8 form. */
export function applyBody(object: KubeObject): string {
  const path = loneSurrogate(object);
  if (path !== undefined) {
    throw new AppError("malformed", "a string holds half of a surrogate pair, which has no UTF-8 form", {
      where: `${nameOf(refOf(object))} ${path}`,
      fix: "replace the broken character",
    });
  }
  return JSON.stringify(object).replace(
    YAML_UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** JSON pointer of the first string or key that is not well-formed UTF-16. */
function loneSurrogate(value: Json): string | undefined {
  if (typeof value === "string") return value.isWellFormed() ? undefined : "";
  if (value === null || typeof value !== "object") return undefined;
  for (const [key, child] of Object.entries(value)) {
    if (!key.isWellFormed()) return `/${key.toWellFormed()}`;
    const below = loneSurrogate(child);
    if (below !== undefined) return `/${key}${below}`;
  }
  return undefined;
}

/** The JSON object in `text`; undefined for anything else. */
export function readObject(text: string): JsonObject | undefined {
  try {
    return asRecord(JSON.parse(text) as Json);
  } catch {
    return undefined;
  }
}

export function asRecord(value: Json | undefined): JsonObject | undefined {
  return isMap(value) ? value : undefined;
}

/** `value` as an object of the API. Items of a list carry no type of their own: they take the one of `list`. */
export function asKubeObject(
  value: Json | undefined,
  list?: { apiVersion: string; kind: string },
): KubeObject | undefined {
  const record = asRecord(value);
  const metadata = asRecord(record?.["metadata"]);
  const apiVersion = record?.["apiVersion"] ?? list?.apiVersion;
  const kind = record?.["kind"] ?? list?.kind;
  const name = metadata?.["name"];
  if (typeof apiVersion !== "string" || typeof kind !== "string" || typeof name !== "string") return undefined;
  return { ...record, apiVersion, kind, metadata: { ...metadata, name } };
}
