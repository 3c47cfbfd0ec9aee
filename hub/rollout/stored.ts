import type { Run, SiteProgress } from "./run.ts";
import { sitesAtStart } from "./start.ts";

/** A run as it is stored: itself without its sites, and a row for each of them that is not any more as the plan began it. */
export interface StoredRun {
  run: Omit<Run, "sites">;
  sites: readonly (readonly [site: string, progress: SiteProgress])[];
}

/** What must be written of a run after a step, beside what was written of it before; `before` is left out for a new one. */
export function changesToStore({ sites, ...run }: Run, before: Run | undefined): StoredRun {
  const isNew = before === undefined;
  const planned = run.plan.waves.reduce((sum, wave) => sum + wave.sites.length, 0);
  const places = sites
    .changedSince(before?.sites)
    .filter((place) => !isNew || place >= planned || hasBegun(sites.at(place), run));
  return { run, sites: places.map((place) => [sites.idAt(place), sites.at(place)]) };
}

/** Rows of sites that the plan does not name are those that joined, in the order in which they did. */
export function runOf({ run, sites }: StoredRun): Run {
  return { ...run, sites: sitesAtStart(run.plan, run.startedAt).with(sites) };
}

function hasBegun({ outcome, since, returnTo, retriedAt }: SiteProgress, { startedAt }: StoredRun["run"]): boolean {
  return outcome !== "pending" || since !== startedAt || returnTo !== undefined || retriedAt !== undefined;
}
