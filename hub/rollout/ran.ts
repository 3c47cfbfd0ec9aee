import type { FleetMember } from "../registry/site.ts";
import { isAbove } from "./eligible.ts";
import { itemOf } from "./evidence.ts";
import type { Plan, RanJob, Target } from "./run.ts";

/** Jobs that these sites ran in their last move up, as they report them, and at how many: data does not go back when a version does. */
export function jobsAt(members: Iterable<FleetMember>, bundle: string): RanJob[] {
  const sites = new Map<string, number>();
  for (const { site } of members) {
    for (const job of itemOf(site, bundle)?.jobs ?? []) sites.set(job, (sites.get(job) ?? 0) + 1);
  }
  return [...sites].map(([job, count]) => ({ job, sites: count })).toSorted((a, b) => (a.job < b.job ? -1 : 1));
}

/** Of the sites of a plan that would go down to its target. */
export function jobsAbove({ waves }: Plan, fleet: readonly FleetMember[], target: Target): RanJob[] {
  const planned = new Set(waves.flatMap(({ sites }) => sites));
  const down = fleet.filter((member) => planned.has(member.id) && isAbove(member, target));
  return jobsAt(down, target.bundle);
}
