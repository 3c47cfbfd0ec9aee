import { selects } from "../../shared/selector.ts";
import type { FleetMember } from "../registry/site.ts";
import { ineligibility } from "./eligible.ts";
import { isMoving, progressOf, type Standing } from "./outcome.ts";
import type { Phase, Run, SiteProgress } from "./run.ts";
import { notBegun } from "./start.ts";

export type Fleet = ReadonlyMap<string, FleetMember>;

/** What became of each site by now. One pass over the run's sites; the same run where nothing changed. */
export function observed(run: Run, fleet: Fleet, now: number): Run {
  const { phase } = run;
  if (phase.kind === "aborted" || phase.kind === "superseded") return letGo(run, now);
  const moving = isMoving(run);
  const changed: Record<string, SiteProgress> = {};
  let any = false;
  for (const [site, before] of Object.entries(run.sites)) {
    const view = { run, standing: standingOf(phase, before.wave), moving, now };
    const after = progressOf(before, fleet.get(site), view);
    if (after === before) continue;
    changed[site] = after;
    any = true;
  }
  return any ? { ...run, sites: { ...run.sites, ...changed } } : run;
}

/** A run that ends keeps what it knew; only what no site acknowledged is as if it had never been given. */
function letGo(run: Run, now: number): Run {
  const free = Object.entries(run.sites).filter(([, { outcome }]) => outcome === "notified" || outcome === "offline");
  if (free.length === 0) return run;
  const sites = Object.fromEntries(free.map(([site, { wave }]) => [site, notBegun(wave, now)]));
  return { ...run, sites: { ...run.sites, ...sites } };
}

function standingOf(phase: Exclude<Phase, { kind: "aborted" | "superseded" }>, wave: number): Standing {
  switch (phase.kind) {
    case "planned":
      return "closed";
    case "rolling":
      return standing(wave, phase.wave);
    case "paused":
      return standing(wave, phase.resume.wave);
    case "completed":
      return "passed";
  }
}

function standing(wave: number, current: number): Standing {
  if (wave > current) return "closed";
  return wave === current ? "gate" : "passed";
}

/**
 * Sites that came after the plan was made, or may have the bundle only since. They go to the last wave while it has not
 * opened; after that they wait until the run is completed, so that a site that joins never decides a gate it came late to.
 */
export function withJoiners(run: Run, fleet: Fleet, now: number): Run {
  const last = run.plan.waves.length - 1;
  if (!takesJoiners(run, last)) return run;
  const joiners = [...fleet.values()].filter(
    (member) =>
      !Object.hasOwn(run.sites, member.id) &&
      selects(run.spec.sites, member.labels) &&
      ineligibility(member, run.target) === null,
  );
  if (joiners.length === 0) return run;
  const joined = Object.fromEntries(joiners.map((member) => [member.id, notBegun(last, now)]));
  return { ...run, sites: { ...run.sites, ...joined } };
}

function takesJoiners({ phase }: Run, last: number): boolean {
  switch (phase.kind) {
    case "rolling":
      return phase.wave < last;
    case "paused":
      return phase.resume.wave < last;
    case "completed":
      return true;
    case "planned":
    case "aborted":
    case "superseded":
      return false;
  }
}
