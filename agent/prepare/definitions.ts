import { sorted } from "../../shared/canonical.ts";
import { isMap, type Json, type JsonObject, type KubeObject, member, members } from "../../shared/live.ts";

/** Structural schemas by `apiVersion kind`; null where a definition has that version and no schema for it. */
export type Definitions = ReadonlyMap<string, JsonObject | null>;

/** Of the CustomResourceDefinitions among these objects, the versions that they serve. */
export function definitionsOf(objects: readonly KubeObject[]): Definitions {
  const found = new Map<string, JsonObject | null>();
  for (const object of objects.filter(({ kind }) => kind === "CustomResourceDefinition")) {
    const spec = member(object, "spec");
    const kind = String(member(spec, "names")["kind"]);
    for (const version of members(spec, "versions")) {
      if (version["served"] !== true) continue;
      const schema = member(version, "schema")["openAPIV3Schema"];
      found.set(`${String(spec["group"])}/${String(version["name"])} ${kind}`, isMap(schema) ? schema : null);
    }
  }
  return found;
}

/**
 * Why an API server would not take this custom resource, as far as the schema's shape tells: types, required fields, enums, fields that it does
 * not have. Bounds, patterns, `oneOf` and rules in CEL are the server's to judge. null where nothing speaks against it. Names no value.
 */
export function schemaProblem(object: KubeObject, schema: JsonObject | null): string | null {
  if (schema === null) return null;
  // What every object has is not the definition's to say.
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...own } = object;
  const properties = without(member(schema, "properties"), ["apiVersion", "kind", "metadata"]);
  const { required } = schema;
  const asked = Array.isArray(required) ? required.filter((key) => !ALL_HAVE.has(String(key))) : [];
  return problem(own, { ...schema, properties, required: asked }, "");
}

const ALL_HAVE = new Set(["apiVersion", "kind", "metadata"]);

function problem(value: Json, schema: JsonObject, path: string): string | null {
  const at = path === "" ? "/" : path;
  if (value === null) return schema["nullable"] === true || "default" in schema ? null : `${at} may not be null`;
  const type = schema["type"];
  if (schema["x-kubernetes-int-or-string"] === true) {
    return typeof value === "string" || Number.isInteger(value) ? null : `${at} must be an integer or a string`;
  }
  if (typeof type === "string" && !isOf(type, value)) return `${at} must be of type ${type}`;
  const allowed = schema["enum"];
  if (Array.isArray(allowed) && !allowed.some((each) => sorted(each) === sorted(value))) {
    return `${at} must be one of ${sorted(allowed).slice(0, 100)}`;
  }
  if (Array.isArray(value)) return inList(value, schema, path);
  return isMap(value) ? inMap(value, schema, path) : null;
}

function inList(list: Json[], schema: JsonObject, path: string): string | null {
  const items = schema["items"];
  if (!isMap(items)) return null;
  for (const [index, item] of list.entries()) {
    const found = problem(item, items, `${path}/${index}`);
    if (found !== null) return found;
  }
  return null;
}

function inMap(map: JsonObject, schema: JsonObject, path: string): string | null {
  const properties = member(schema, "properties");
  const { required, additionalProperties } = schema;
  for (const key of Array.isArray(required) ? required.map(String) : []) {
    // A default is filled in before anything is asked for.
    if (!Object.hasOwn(map, key) && !("default" in member(properties, key))) return `${path}/${key} is required`;
  }
  const keepsAll = schema["x-kubernetes-preserve-unknown-fields"] === true || additionalProperties === true;
  for (const [key, value] of Object.entries(map)) {
    const known = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    if (isMap(known)) {
      const found = problem(value, known, `${path}/${key}`);
      if (found !== null) return found;
    } else if (!keepsAll && !(schema["x-kubernetes-embedded-resource"] === true && ALL_HAVE.has(key))) {
      return `${path}/${key} is not in the schema`;
    }
  }
  return null;
}

function isOf(type: string, value: Json): boolean {
  switch (type) {
    case "object":
      return isMap(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function without(map: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));
}
