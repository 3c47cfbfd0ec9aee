import { comparePairs, matchesAny, type Pair } from "../../shared/names.ts";
import { freshness } from "../../shared/verify/head.ts";
import type { Refusal, StoredVersion } from "../cache/cache.ts";
import { cameWhole } from "./refuse.ts";
import type { Trust } from "./trust.ts";

/**
 * Since when news may be kept from this site, ms; null where nothing says so. Versions that were refused count as shown: they
 * were not kept from anybody. One of which a file did not come, or not as it was signed, was not shown. `time` as the site believes it.
 */
export function withheldSince(
  { root, record, head }: Trust,
  shown: { versions: readonly StoredVersion[]; refusals: readonly Refusal[] },
  time: { now: number; synced: boolean },
): number | null {
  if (root === null || record === null) return null;
  const followed = Object.keys(head?.newest ?? {}).filter((bundle) => matchesAny(record.bundles, bundle));
  const newest = new Map<string, Pair | null>(followed.map((bundle) => [bundle, null]));
  for (const { bundle, pair } of [...shown.versions, ...shown.refusals.filter(cameWhole)]) {
    const highest = newest.get(bundle);
    if (pair === null || highest === undefined) continue;
    if (highest === null || comparePairs(pair, highest) > 0) newest.set(bundle, pair);
  }
  const found = freshness(head, root, time.now, time.synced, { root: root.document.number, newest });
  return typeof found === "string" ? null : found.withheldSince;
}
