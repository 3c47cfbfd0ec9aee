import type { Json } from "../../../shared/live.ts";
import { mapAt } from "./defaults-pod.ts";
import { DEDUCED, type Field, isMap, type TypeRef } from "./schema.ts";

type Record = { [key: string]: Json };

/**
 * The type of a definition's version, from its OpenAPI schema: which fields there are, of which form, and how lists
 * merge. Not taken from it: defaults, required fields, ranges, patterns and CEL rules.
 */
export function typeOfVersion(version: Record): TypeRef {
  const root = mapAt(mapAt(version, "schema") ?? {}, "openAPIV3Schema") ?? {};
  const free = root["x-kubernetes-preserve-unknown-fields"] === true;
  const fields = fieldsOf(mapAt(root, "properties") ?? {});
  const own: [string, TypeRef][] = [
    ["apiVersion", { scalar: "string" }],
    ["kind", { scalar: "string" }],
    ["metadata", "meta.v1.ObjectMeta"],
  ];
  for (const [name, type] of own) fields.set(name, field(type));
  return { map: { fields, element: free ? DEDUCED : null, atomic: false } };
}

function field(type: TypeRef, fallback?: Json): Field {
  const isKey = typeof fallback === "string" || typeof fallback === "number";
  return { type, default: isKey ? fallback : undefined, vanishesWhenZero: false, vanishesWhenEmpty: false };
}

function fieldsOf(properties: Record): Map<string, Field> {
  const found = new Map<string, Field>();
  for (const [name, schema] of Object.entries(properties)) {
    if (isMap(schema)) found.set(name, field(typeOf(schema), schema["default"]));
  }
  return found;
}

function typeOf(schema: Record): TypeRef {
  if (schema["x-kubernetes-int-or-string"] === true) return { scalar: "untyped" };
  switch (schema["type"]) {
    case "string":
      return { scalar: "string" };
    case "boolean":
      return { scalar: "boolean" };
    case "integer":
    case "number":
      return { scalar: "numeric" };
    case "array":
      return listOf(schema);
    case "object":
      return mapOf(schema);
    default:
      return DEDUCED;
  }
}

function listOf(schema: Record): TypeRef {
  const how = schema["x-kubernetes-list-type"] ?? "atomic";
  const keys = schema["x-kubernetes-list-map-keys"];
  const element = typeOf(mapAt(schema, "items") ?? {});
  return { list: { element, atomic: how === "atomic", keys: Array.isArray(keys) ? keys.map(String) : [] } };
}

function mapOf(schema: Record): TypeRef {
  const isFree =
    schema["x-kubernetes-preserve-unknown-fields"] === true || schema["x-kubernetes-embedded-resource"] === true;
  const values = schema["additionalProperties"];
  const element = isMap(values) ? typeOf(values) : isFree || values === true ? DEDUCED : null;
  const fields = fieldsOf(mapAt(schema, "properties") ?? {});
  return { map: { fields, element, atomic: schema["x-kubernetes-map-type"] === "atomic" } };
}
