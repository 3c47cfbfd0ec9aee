import { sorted } from "./canonical.ts";
import { isMap, type Json, type JsonObject, type KubeObject } from "./live.ts";

/** What a field manager owns of an object, as the server records it in `metadata.managedFields`. */

/** `fieldsV1` of the manager's own Apply entry; null where it owns nothing. */
export function fieldsOf(object: KubeObject, manager: string): JsonObject | null {
  const entries = object.metadata["managedFields"];
  if (!Array.isArray(entries)) return null;
  for (const entry of entries) {
    if (!isMap(entry) || entry["manager"] !== manager || entry["operation"] !== "Apply") continue;
    if (entry["subresource"] !== undefined) continue;
    const fields = entry["fieldsV1"];
    if (isMap(fields)) return fields;
  }
  return null;
}

/**
 * The part of a value that a FieldsV1 set names (Kubernetes' structured-merge-diff `fieldpath`: `f:` a member, `k:` a list item by its
 * keys, `v:` a set item by its value, `i:` an item by index, `.` the thing itself). A set without members owns the whole value.
 */
export function project(value: Json, fields: JsonObject): Json {
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

/** Whether this key of a FieldsV1 set (`k:`, `v:` or `i:`) is the one of that list item. */
export function namesItem(key: string, item: Json, index: number): boolean {
  if (key.startsWith("i:")) return Number(key.slice(2)) === index;
  if (key.startsWith("v:")) return sorted(JSON.parse(key.slice(2))) === sorted(item);
  if (!key.startsWith("k:") || !isMap(item)) return false;
  const keys: unknown = JSON.parse(key.slice(2));
  return (
    typeof keys === "object" && keys !== null && Object.entries(keys).every(([name, wanted]) => item[name] === wanted)
  );
}
