import { milliseconds } from "../../shared/names.ts";
import { selects } from "../../shared/selector.ts";
import type { FleetMember } from "../registry/site.ts";
import { ineligibility } from "./eligible.ts";
import { isMoving, progressOf, type Standing, type View } from "./outcome.ts";
import { freeToGive, gave } from "./pace.ts";
import type { Run, SiteProgress } from "./run.ts";
import { notBegun } from "./start.ts";
import { windowsAt } from "./window.ts";

export type Fleet = ReadonlyMap<string, FleetMember>;

/** What became of each site by now, and who begins, as the pace lets them. The same run where nothing changed. */
export function observed(run: Run, fleet: Fleet, now: number): Run {
  const { phase } = run;
  if (phase.kind === "aborted" || phase.kind === "superseded") return letGo(run, now);
  if (run.spec.pace === undefined) return looked(run, fleet, now, () => true);
  // Who ended, or is known to be offline by now, has made room for others.
  const before = looked(run, fleet, now, () => false);
  const free = freeToGive(before, now);
  let given = 0;
  const after = free === 0 ? before : looked(before, fleet, now, () => given < free && ++given > 0);
  return gave(after, given, now);
}

function looked(run: Run, fleet: Fleet, now: number, give: View["give"]): Run {
  const changed: Record<string, SiteProgress> = {};
  let any = false;
  // Neither an emergency nor a return waits for the night.
  const isUrgent = run.back || run.spec.lane === "emergency" || isReturning(run);
  const open = isUrgent ? () => true : windowsAt(run.spec.windows, now);
  const { deadline, offlineAfter, reportEvery } = run.spec.site;
  const times = {
    deadline: milliseconds(deadline),
    offlineAfter: milliseconds(offlineAfter),
    reportEvery: milliseconds(reportEvery),
  };
  for (const [site, before] of Object.entries(run.sites)) {
    const view = { run, times, standing: standingOf(run, before), moving: isMoving(run, before), now, open, give };
    const after = progressOf(before, fleet.get(site), view);
    if (after === before) continue;
    changed[site] = after;
    any = true;
  }
  return any ? { ...run, sites: { ...run.sites, ...changed } } : run;
}

function isReturning({ phase }: Run): boolean {
  return phase.kind === "reverting" || phase.kind === "reverted";
}

/** A run that ends keeps what it knew; only what no site acknowledged is as if it had never been given. */
function letGo(run: Run, now: number): Run {
  const free = Object.entries(run.sites).filter(([, { outcome }]) => outcome === "notified" || outcome === "offline");
  if (free.length === 0) return run;
  const sites = Object.fromEntries(free.map(([site, { wave }]) => [site, notBegun(wave, now)]));
  return { ...run, sites: { ...run.sites, ...sites } };
}

function standingOf({ phase }: Run, { wave, returnTo, outcome }: SiteProgress): Standing {
  switch (phase.kind) {
    case "planned":
      return "closed";
    case "rolling":
      return standing(wave, phase.wave);
    case "paused":
      return standing(wave, phase.resume.wave);
    case "reverting":
      // Who is back may be silent again while others are on their way.
      return returnTo === undefined || outcome === "reverted" ? "passed" : "gate";
    case "completed":
    case "reverted":
    case "aborted":
    case "superseded":
      return "passed";
  }
}

function standing(wave: number, current: number): Standing {
  if (wave > current) return "closed";
  return wave === current ? "gate" : "passed";
}

/**
 * Sites that came after the plan was made, or may have the bundle only since. `next`: they go to the next wave that has not
 * opened; `last`: to the last one, if it has not. Else they wait until the run is completed, so that a site that joins never
 * decides a gate it came late to. `ignore`: this run is none of theirs.
 */
export function withJoiners(run: Run, fleet: Fleet, now: number): Run {
  const wave = waveOfJoiners(run);
  if (wave === null) return run;
  const joiners = [...fleet.values()].filter(
    (member) =>
      !Object.hasOwn(run.sites, member.id) &&
      selects(run.spec.sites, member.labels) &&
      ineligibility(member, run.target) === null,
  );
  if (joiners.length === 0) return run;
  const joined = Object.fromEntries(joiners.map((member) => [member.id, notBegun(wave, now)]));
  return { ...run, sites: { ...run.sites, ...joined } };
}

function waveOfJoiners({ phase, plan, spec }: Run): number | null {
  if (spec.late === "ignore") return null;
  const last = plan.waves.length - 1;
  if (phase.kind === "completed") return last;
  const current = phase.kind === "rolling" ? phase.wave : phase.kind === "paused" ? phase.resume.wave : last;
  if (current >= last) return null;
  return spec.late === "last" ? last : current + 1;
}
