import { comparePairs, type Pair } from "../../shared/names.ts";
import type { Hold, Marks, StoredVersion } from "../cache/cache.ts";

/** What an act of adoption comes to, for one bundle. */
export type Choice =
  | { bundle: string; version: string; digest: string; take: true }
  /** Nothing on disk is newer than what was committed here. */
  | { bundle: string; version: string; take: false };

/** By bundle, the newest version that lies complete on disk, where it is above all that was committed here: adoption only goes forward. */
export function choose(
  versions: readonly StoredVersion[],
  holds: readonly Hold[],
  marks: ReadonlyMap<string, Marks>,
): Choice[] {
  const newest = new Map<string, StoredVersion>();
  for (const version of versions) {
    const before = newest.get(version.bundle);
    if (version.complete && (before === undefined || comparePairs(version.pair, before.pair) > 0)) {
      newest.set(version.bundle, version);
    }
  }
  return [...newest.values()].map(({ bundle, version, digest, pair }): Choice => {
    const running = holds.find((hold) => hold.bundle === bundle)?.running.digest;
    const committed: Pair | undefined = marks.get(bundle)?.pair;
    const isNews = running !== digest && (committed === undefined || comparePairs(pair, committed) > 0);
    return isNews ? { bundle, version, digest, take: true } : { bundle, version, take: false };
  });
}
