import type { Json } from "../../shared/live.ts";

/** Whether every value of `wanted` is in `live`; lists item by item. */
export function includes(live: Json | undefined, wanted: Json): boolean {
  if (Array.isArray(wanted)) {
    return Array.isArray(live) && live.length === wanted.length && wanted.every((item, at) => includes(live[at], item));
  }
  if (typeof wanted === "object" && wanted !== null) {
    if (typeof live !== "object" || live === null || Array.isArray(live)) return false;
    return Object.entries(wanted).every(([key, value]) => includes(live[key], value));
  }
  return live === wanted;
}
