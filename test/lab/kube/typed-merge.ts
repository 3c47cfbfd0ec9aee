import type { Json } from "../../../shared/live.ts";
import { itemElement } from "./field-set.ts";
import { deduce, fieldType, isMap, type ListType, type MapType, resolve, type TypeRef } from "./schema.ts";

type Maybe = Json | undefined;

/**
 * The live value with the applied one laid over it; nothing is removed. After structured-merge-diff `typed/merge.go`:
 * an applied leaf wins, items of keyed lists are merged by key, in the applied order where both have them.
 * Both values are valid for the type; undefined is "absent".
 */
export function merge(ref: TypeRef, live: Maybe, applied: Maybe): Maybe {
  if (live === undefined && applied === undefined) return undefined;
  const atom = deduce(resolve(ref), applied ?? (applied === null ? null : live));
  const leaf = applied === undefined ? live : applied;
  if (atom.map !== undefined) {
    const a = isMap(live) ? live : null;
    const b = isMap(applied) ? applied : null;
    return atom.map.atomic || (isVoid(a) && isVoid(b)) ? leaf : mergeMaps(atom.map, a ?? {}, b ?? {});
  }
  if (atom.list !== undefined && atom.scalar === undefined) {
    const a = Array.isArray(live) ? live : [];
    const b = Array.isArray(applied) ? applied : [];
    return atom.list.atomic || a.length + b.length === 0 ? leaf : mergeLists(atom.list, a, b);
  }
  return leaf;
}

function isVoid(value: { [key: string]: Json } | null): boolean {
  return value === null || Object.keys(value).length === 0;
}

function mergeMaps(map: MapType, live: { [key: string]: Json }, applied: { [key: string]: Json }): Maybe {
  const out: { [key: string]: Json } = {};
  for (const key of new Set([...Object.keys(live), ...Object.keys(applied)])) {
    const type = fieldType(map, key);
    const value = type === null ? (applied[key] ?? live[key]) : merge(type, live[key], applied[key]);
    if (value !== undefined) out[key] = value;
  }
  return Object.keys(out).length === 0 ? undefined : out;
}

function elements(list: ListType, items: Json[]): { order: string[]; at: Map<string, Maybe> } {
  const at = new Map<string, Maybe>();
  const order = items.map((item) => {
    const named = itemElement(list, item);
    if ("fault" in named) throw new Error(named.fault);
    // A live duplicate is kept as it is, and merged with nothing.
    at.set(named.element, at.has(named.element) ? null : item);
    return named.element;
  });
  return { order, at };
}

function mergeLists(list: ListType, liveItems: Json[], appliedItems: Json[]): Maybe {
  const live = elements(list, liveItems);
  const applied = elements(list, appliedItems);
  const shared = applied.order.filter((element) => live.at.has(element));
  const merged = new Set<string>();
  const out: Json[] = [];
  const take = (a: Maybe, b: Maybe): void => {
    const value = merge(list.element, a, b);
    if (value !== undefined) out.push(value);
  };
  const takeApplied = (element: string): void => {
    merged.add(element);
    take(live.at.get(element), applied.at.get(element));
    if (shared[0] === element) shared.shift();
  };
  let l = 0;
  let r = 0;
  while (l < live.order.length || r < applied.order.length) {
    const left = live.order[l];
    const right = applied.order[r];
    if (left !== undefined && right !== undefined) {
      if (left === right) {
        takeApplied(right);
        l++;
        r++;
        continue;
      }
      // Shared, but not the one that comes next in the applied order.
      if (applied.at.has(left) && shared[0] !== undefined && shared[0] !== left) {
        l++;
        continue;
      }
    }
    if (left !== undefined) {
      if (!applied.at.has(left)) {
        take(liveItems[l], undefined);
        l++;
        continue;
      }
      if (merged.has(left)) l++;
    }
    if (right !== undefined) {
      takeApplied(right);
      r++;
    }
  }
  return out.length === 0 ? undefined : out;
}
