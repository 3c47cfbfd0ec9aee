import type { Json, KubeObject } from "../../../shared/live.ts";
import { mapAt } from "./defaults-pod.ts";
import { type Kind, resourceOf } from "./kinds.ts";
import { deduce, fieldType, isMap, resolve, type TypeRef } from "./schema.ts";

const QUANTITY = /^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/;

/** Why Kubernetes could not read the object into its Go structs though its schema allows it, or null. */
export function conversionFault(kind: Kind, object: KubeObject): string | null {
  if (resourceOf(kind) === "secrets") {
    for (const value of Object.values(mapAt(object, "data") ?? {})) {
      if (typeof value === "string" && Buffer.from(value, "base64").toString("base64") !== value) {
        return "error decoding from json: illegal base64 data at input byte 0";
      }
    }
  }
  if (isReadable(kind.type, object)) return null;
  return `quantities must match the regular expression '${QUANTITY.source}'`;
}

function isReadable(type: TypeRef, value: Json): boolean {
  if (type === "api.resource.Quantity") return QUANTITY.test(String(value));
  const atom = deduce(resolve(type), value);
  const { map, list } = atom;
  if (map !== undefined && isMap(value)) {
    return Object.entries(value).every(([key, item]) => {
      const inner = fieldType(map, key);
      return inner === null || item === null || isReadable(inner, item);
    });
  }
  if (list !== undefined && Array.isArray(value)) return value.every((item) => isReadable(list.element, item));
  return true;
}
