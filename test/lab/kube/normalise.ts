import type { Json } from "../../../shared/live.ts";
import { deduce, fieldType, isMap, type MapType, resolve, type TypeRef } from "./schema.ts";

/**
 * What is left of a value after Kubernetes has read it into its Go structs and written it again: no unknown fields, no
 * nulls, no empty lists and maps (structs stay), no zero scalars where the field is no pointer, `1000m` as `1`.
 */
export function normalise(type: TypeRef, value: Json): Json {
  if (type === "api.resource.Quantity") return quantity(value);
  const atom = deduce(resolve(type), value);
  if (isMap(value) && atom.map !== undefined) return normaliseMap(atom.map, value);
  if (Array.isArray(value) && atom.list !== undefined) {
    const { element } = atom.list;
    return value.map((item) => normalise(element, item));
  }
  return value;
}

function normaliseMap(map: MapType, value: { [key: string]: Json }): Json {
  const out: { [key: string]: Json } = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === null) continue;
    const field = map.fields.get(key);
    const type = fieldType(map, key);
    if (type === null) continue;
    if (field?.vanishesWhenEmpty === true && isNothing(type, item)) continue;
    if (field?.vanishesWhenZero === true && (item === "" || item === 0 || item === false)) continue;
    out[key] = normalise(type, item);
  }
  return out;
}

function isNothing(type: TypeRef, value: Json): boolean {
  const { list, map, scalar } = resolve(type);
  if (scalar !== undefined) return false;
  if (Array.isArray(value)) return list !== undefined && value.length === 0;
  const isPlainMap = typeof type !== "string" && map !== undefined && map.fields.size === 0;
  return isPlainMap && isMap(value) && Object.keys(value).length === 0;
}

function quantity(value: Json): Json {
  const text = String(value);
  return /^\d+000m$/.test(text) ? text.slice(0, -4) : text;
}
