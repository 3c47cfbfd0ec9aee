import { short } from "../../shared/names.ts";
import { isAbout, type ReportItem } from "../../shared/report.ts";
import type { Assigned } from "../registry/site.ts";
import { ineligibility } from "./eligible.ts";
import { acknowledged, itemOf } from "./evidence.ts";
import type { Fleet } from "./look.ts";
import { jobsAt } from "./ran.ts";
import type { Left, PauseReason, Run, SiteProgress } from "./run.ts";
import { notBegun } from "./start.ts";

/**
 * Every site of a wave (null: of all) that took the version is sent back to what it ran before, which is its own and may be
 * another at each. Who took nothing is taken off the version as by an abort; who may not return stays, by name.
 */
export function turnedBack(run: Run, fleet: Fleet, wave: number | null, because: PauseReason, now: number): Run {
  const { back, left, jobs } = wayBack(run, fleet, wave);
  const sites: [string, SiteProgress][] = [];
  const begun = (site: string) => notBegun(run.sites.get(site)?.wave ?? 0, now);
  for (const [site, returnTo] of back) sites.push([site, { ...begun(site), returnTo }]);
  for (const { site, code } of left) {
    sites.push([site, { ...begun(site), outcome: "ineligible", code, returnTo: null }]);
  }
  return { ...run, phase: { kind: "reverting", wave, because, left, jobs, since: now }, sites: run.sites.with(sites) };
}

/** Whom the run would send back, and to which of `known`; who took the version and may not go; what does not go back with them. */
export function wayBack(run: Run, fleet: Fleet, wave: number | null) {
  const back: [site: string, to: number][] = [];
  const left: Left[] = [];
  for (const [site, progress] of run.sites) {
    if ((wave !== null && progress.wave !== wave) || progress.outcome === "ahead") continue;
    const found = returnOf(run, site, fleet);
    if (typeof found === "number") back.push([site, found]);
    else if (found !== undefined) left.push(found);
  }
  const jobs = jobsAt(
    back.flatMap(([site]) => fleet.get(site) ?? []),
    run.target.bundle,
  );
  return { back, left, jobs };
}

/** An index into `known`, or why not; undefined where the site took nothing of this run. */
function returnOf(run: Run, site: string, fleet: Fleet): number | Left | undefined {
  const member = fleet.get(site);
  const { bundle } = run.target;
  const assigned = member?.assigned[bundle];
  if (member === undefined || assigned?.run !== run.id || !acknowledged(member.site, assigned)) return undefined;
  const item = itemOf(member.site, bundle);
  const wanted = item === undefined ? undefined : wantedOf(item, assigned);
  if (wanted === undefined) return { site, code: "not-found", why: `it ran no ${bundle} before` };
  const index = (run.known ?? []).findIndex(
    ({ digest, values }) => short(digest) === wanted.digest && values === wanted.values,
  );
  const target = run.known?.[index];
  if (target === undefined) {
    return {
      site,
      code: "not-found",
      why: `no run that is known here gave it what it ran before (${wanted.digest.slice(0, 8)})`,
    };
  }
  const refused = ineligibility(member, target);
  return refused === null ? index : { site, ...refused };
}

/** What it ran before it took this, or runs still: version and values. */
function wantedOf(item: ReportItem, assigned: Assigned): { digest: string; values: string } | undefined {
  if (!isAbout(item, assigned)) return item;
  return item.previous === undefined ? undefined : { digest: item.previous, values: item.previousValues ?? "" };
}
