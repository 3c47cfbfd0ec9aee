import type { Group } from "./groups.ts";

/** Of a run, so many diffs are of interest at a time: those of the most sites. */
export const MOST_DIFFS = 64;
/** And so many are kept: sites may prepare anew. */
const MOST_KEPT = 2 * MOST_DIFFS;
/** So many sites are asked at a time. */
const AT_ONCE = 8;
/** A site that has not answered by then is passed over. */
export const ANSWER_MS = 30_000;
/** Those that did not answer are asked again after this. */
export const FORGIVEN_AFTER_MS = 300_000;

/** One site was asked for one diff of a run. Times are monotonic, ms. */
export interface Asked {
  run: string;
  diff: string;
  site: string;
  at: number;
}

/** A run with the groups of what its sites prepare. */
export interface Wanting {
  run: string;
  groups: readonly Group[];
}

export interface AsksInput {
  wanting: readonly Wanting[];
  /** Whether this diff of the run is stored. */
  isKnown(run: string, diff: string): boolean;
  /** How many diffs of the run are stored. */
  kept(run: string): number;
  /** Whether a site can be expected to answer. */
  isThere(site: string): boolean;
  /** Asks without an answer so far, and those that went wrong. */
  asked: readonly Asked[];
  now: number;
}

/** Whom to ask for what: one site for each diff that is not known, and another where one does not answer. */
export function asks({
  wanting,
  isKnown,
  kept,
  isThere,
  asked,
  now,
}: AsksInput): Pick<Asked, "run" | "diff" | "site">[] {
  const counts = asked.filter(({ at }) => now - at < FORGIVEN_AFTER_MS);
  let free = AT_ONCE - counts.filter(({ at }) => now - at < ANSWER_MS).length;
  const found: Pick<Asked, "run" | "diff" | "site">[] = [];
  for (const { run, groups } of wanting) {
    const diffs = new Set<string>();
    if (kept(run) >= MOST_KEPT) continue;
    for (const { diff, sites } of groups) {
      if (free <= 0 || diffs.size >= MOST_DIFFS) break;
      if (diff === null || diffs.has(diff)) continue;
      diffs.add(diff);
      if (isKnown(run, diff)) continue;
      const before = counts.filter((each) => each.run === run && each.diff === diff);
      if (before.some(({ at }) => now - at < ANSWER_MS)) continue;
      const tried = new Set(before.map(({ site }) => site));
      const site = first(sites, (each) => !tried.has(each) && isThere(each));
      if (site === undefined) continue;
      found.push({ run, diff, site });
      free -= 1;
    }
  }
  return found;
}

function first<T>(items: Iterable<T>, holds: (item: T) => boolean): T | undefined {
  for (const item of items) if (holds(item)) return item;
  return undefined;
}
