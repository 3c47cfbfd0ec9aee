import type { SiteView } from "../api/contract.ts";

/** More groups than this are no overview. */
const MOST_GROUPS = 12;

export function labelKeys(sites: readonly SiteView[]): string[] {
  return [...new Set(sites.flatMap(({ labels }) => Object.keys(labels)))].toSorted();
}

/** The label that splits the fleet into the most groups that are still an overview; "" where none does. */
export function bestGroup(sites: readonly SiteView[]): string {
  let best = { key: "", groups: 1 };
  for (const key of labelKeys(sites)) {
    const groups = new Set(sites.map(({ labels }) => labels[key])).size;
    if (groups > best.groups && groups <= Math.min(MOST_GROUPS, sites.length / 2)) best = { key, groups };
  }
  return best.key;
}

/** By value, sorted; sites without the label come last under "". */
export function grouped(sites: readonly SiteView[], key: string): [value: string, sites: SiteView[]][] {
  const groups = new Map<string, SiteView[]>();
  for (const site of sites) {
    const value = site.labels[key] ?? "";
    const group = groups.get(value);
    if (group === undefined) groups.set(value, [site]);
    else group.push(site);
  }
  return [...groups].toSorted(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1));
}
