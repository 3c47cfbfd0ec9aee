import { short } from "../../shared/names.ts";
import type { ReportItem } from "../../shared/report.ts";
import type { Assigned } from "../registry/site.ts";
import { ineligibility } from "./eligible.ts";
import { acknowledged, isAbout, itemOf } from "./evidence.ts";
import type { Fleet } from "./look.ts";
import type { Left, PauseReason, Run, SiteProgress } from "./run.ts";
import { notBegun } from "./start.ts";

/**
 * Every site of a wave (null: of all) that took the version is sent back to what it ran before, which is its own and may be
 * another at each. Who took nothing is taken off the version as by an abort; who may not return stays, by name.
 */
export function turnedBack(run: Run, fleet: Fleet, wave: number | null, because: PauseReason, now: number): Run {
  const sites: [string, SiteProgress][] = [];
  const left: Left[] = [];
  for (const [site, progress] of run.sites) {
    if ((wave !== null && progress.wave !== wave) || progress.outcome === "ahead") continue;
    const found = returnOf(run, site, fleet);
    if (found === undefined) continue;
    const begun = notBegun(progress.wave, now);
    if (typeof found === "number") sites.push([site, { ...begun, returnTo: found }]);
    else {
      sites.push([site, { ...begun, outcome: "ineligible", code: found.code, returnTo: null }]);
      left.push(found);
    }
  }
  return { ...run, phase: { kind: "reverting", wave, because, left, since: now }, sites: run.sites.with(sites) };
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
