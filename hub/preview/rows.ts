import { MOST_DIFFS } from "./asks.ts";
import type { Group } from "./groups.ts";

const FIRST = 5;

/** One row of a preview: many sites, one diff. */
export interface Row extends Pick<Group, "code" | "diff"> {
  sites: number;
  /** The first of them by name. */
  first: readonly string[];
}

/** What the sites of a run said that it would change there. */
export interface Preview {
  /** The largest first; those that are not ready before those that are. */
  rows: readonly Row[];
  /** Rows beyond those. */
  more: number;
  /** Sites that said something. */
  sites: number;
}

/** null where no site of the run prepares it. `has`: whether a site is one of the run's. */
export function previewOf(groups: readonly Group[], has: (site: string) => boolean): Preview | null {
  const rows = groups.flatMap(({ code, diff, sites }): Row[] => {
    const own = [...sites].filter(has).toSorted();
    return own.length === 0 ? [] : [{ code, diff, sites: own.length, first: own.slice(0, FIRST) }];
  });
  if (rows.length === 0) return null;
  const ordered = rows.toSorted((a, b) => Number(a.code === null) - Number(b.code === null) || b.sites - a.sites);
  return {
    rows: ordered.slice(0, MOST_DIFFS),
    more: Math.max(0, ordered.length - MOST_DIFFS),
    sites: rows.reduce((sum, row) => sum + row.sites, 0),
  };
}
