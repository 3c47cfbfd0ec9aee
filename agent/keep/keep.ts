import { comparePairs } from "../../shared/names.ts";
import type { Marks } from "../cache/cache.ts";

/** What outlives the disk of a site, because it lies in the cluster. */
export interface Kept {
  /** The site's report key, as its file holds it; null where there is none that can be read. */
  reportKey: string | null;
  /** Its box key, likewise. */
  boxKey: string | null;
  marks: ReadonlyMap<string, Marks>;
}

export type Reading =
  | { found: "nothing" }
  | { found: "kept"; kept: Kept; version: string }
  /** Not as it was written. `kept` is what could be read of it. */
  | { found: "damaged"; kept: Kept; version: string; words: string }
  /** Another site's: never touched. */
  | { found: "foreign"; version: string; words: string };

/** Port: one place in the cluster, for one site. Throws `KubeError`; nothing here retries. */
export interface Vault {
  read(): Promise<Reading>;
  /** `version`: what was read; null where nothing was there. Returns the new one, or null where somebody else wrote meanwhile. */
  write(kept: Kept, version: string | null): Promise<string | null>;
  /** The version that is there now, by a watch; `gone`, or `unseen` where the watch does not tell. */
  seen(): string;
}

export const NOTHING: Kept = { reportKey: null, boxKey: null, marks: new Map() };

/** Whether there is anything in `disk` that `cluster` does not hold, or holds lower: the keys of the disk count. */
export function lacks(cluster: Kept, disk: Kept): boolean {
  if (cluster.reportKey !== disk.reportKey || cluster.boxKey !== disk.boxKey) return true;
  return [...disk.marks].some(([bundle, marks]) => {
    const held = cluster.marks.get(bundle);
    if (held === undefined) return true;
    return comparePairs(held.pair, marks.pair) < 0 || comparePairs(held.floor, marks.floor) < 0;
  });
}
