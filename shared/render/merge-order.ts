import { isMap, type Json } from "../live.ts";

/**
 * The order of a merged list, as `normalizeElementOrder` of k8s.io/apimachinery has it: items of the patch as `asked` orders them, the others
 * as they stood before, woven together so that both orders hold. `key` is the merge key, "" for plain values.
 */
export function inOrder(merged: readonly Json[], asked: readonly Json[], before: readonly Json[], key: string): Json[] {
  const own = (item: Json) => (isMap(item) ? item[key] : item);
  const [rank, stood] = [asked, before].map((list) => {
    const places = new Map<Json | undefined, number>();
    list.forEach((item, index) => places.has(own(item)) || places.set(own(item), index));
    return (item: Json) => places.get(own(item)) ?? -1;
  }) as [Place, Place];
  const given = merged.filter((item) => rank(item) >= 0).toSorted((a, b) => rank(a) - rank(b));
  const others = merged.filter((item) => rank(item) < 0).toSorted((a, b) => stood(a) - stood(b));
  const woven: Json[] = [];
  let next = 0;
  for (const item of given) {
    const place = stood(item);
    // What stood before it, and only next to what was known then, stays before it.
    const after = others.findIndex((other, index) => index >= next && (stood(other) < 0 || stood(other) >= place));
    const end = after === -1 ? others.length : after;
    woven.push(...others.slice(next, place < 0 ? next : end), item);
    if (place >= 0) next = end;
  }
  return [...woven, ...others.slice(next)];
}

type Place = (item: Json) => number;
