import type { Outcome } from "../../shared/rollout.ts";
import { inWordsPause } from "./because.ts";
import { acknowledged, isAbout, itemOf } from "./evidence.ts";
import type { Fleet } from "./observe.ts";
import { assignmentOf, isMoving } from "./outcome.ts";
import type { Effect, Run } from "./run.ts";

/** What the fleet's assignments lack to be as the run wants them. Empty once they are. */
export function effectsOf(run: Run, fleet: Fleet): Effect[] {
  const moving = isMoving(run);
  const { bundle, digest } = run.target;
  return Object.entries(run.sites).flatMap(([site, progress]): Effect[] => {
    const member = fleet.get(site);
    if (member === undefined) return [];
    const assigned = assignmentOf(run, member);
    if (moving) {
      const wanted = progress.assignedAt !== null && assigned === undefined;
      return wanted ? [{ kind: "assign", run: run.id, site, bundle, back: run.back }] : [];
    }
    if (assigned === undefined || acknowledged(member.site, assigned)) return [];
    // What the site runs anyway is what a withdrawal would give back to it.
    const item = itemOf(member.site, bundle);
    const has = item !== undefined && isAbout(item, { digest, values: assigned.values });
    return has ? [] : [{ kind: "withdraw", run: run.id, site, bundle }];
  });
}

const FAILED: Partial<Record<Outcome, string>> = {
  failed: "failed",
  reverted: "failed and was reverted",
  timedOut: "timed out",
};

/** What people want to hear of, once each: phases, waves, and sites that failed. */
export function noticesOf(before: Run, after: Run): Effect[] {
  const words = phaseWords(before, after);
  const failures = Object.entries(after.sites).flatMap(([site, { outcome, code }]): Effect[] => {
    const what = FAILED[outcome];
    if (what === undefined || before.sites[site]?.outcome === outcome) return [];
    return [{ kind: "notice", words: `${after.id}: ${after.target.version} ${what}`, site, code }];
  });
  return words === null ? failures : [...failures, { kind: "notice", words, site: null, code: null }];
}

function phaseWords(before: Run, after: Run): string | null {
  const { phase } = after;
  switch (phase.kind) {
    case "planned":
      return null;
    case "rolling": {
      if (before.phase.kind === "rolling" && before.phase.wave === phase.wave) return null;
      if (before.phase.kind === "paused" && before.phase.resume.wave === phase.wave) return null;
      return `${after.id}: wave ${after.plan.waves[phase.wave]?.name} opened`;
    }
    case "paused":
      return before.phase === phase ? null : `${after.id} paused: ${inWordsPause(phase.because)}`;
    case "completed":
      return before.phase === phase ? null : `${after.id} completed`;
    case "aborted":
      return before.phase === phase ? null : `${after.id} aborted by ${phase.who}: ${phase.reason}`;
    case "superseded":
      return before.phase === phase ? null : `${after.id} superseded by ${phase.by}`;
  }
}
