import type { JobRecord } from "../cache/cache.ts";

/** So many are named, the last ones. */
const NAMED = 16;

/** Jobs that ran, or run: data does not go back when a version does. `shop/migrate of 1.4.2: complete`. */
export function jobsInWords(records: readonly JobRecord[]): string[] {
  const ran = records.filter(({ uid, result }) => uid !== null || result !== null);
  return ran
    .slice(-NAMED)
    .map(({ object, version, result }) => `${object.namespace}/${object.name} of ${version}: ${result ?? "begun"}`);
}
