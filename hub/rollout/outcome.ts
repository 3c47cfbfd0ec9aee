import type { ErrorCode } from "../../shared/errors.ts";
import { milliseconds, short } from "../../shared/names.ts";
import type { Outcome } from "../../shared/rollout.ts";
import type { Assigned, FleetMember } from "../registry/site.ts";
import { isAbove, mayHave } from "./eligible.ts";
import { acknowledged, isAbout, isFresh, isHealthy, itemOf } from "./evidence.ts";
import type { Run, SiteProgress } from "./run.ts";

/**
 * Where a wave stands: not open yet; at its gate, where only fresh evidence counts; or passed, where a site at rest
 * reports on change alone and what it said last holds.
 */
export type Standing = "closed" | "gate" | "passed";

/** A run that moves gives assignments; one that is paused or over gives none and takes back those not taken. */
export interface View {
  run: Run;
  standing: Standing;
  moving: boolean;
  now: number;
}

interface Judged {
  outcome: Outcome;
  code: ErrorCode | null;
}

export const FAILURES: ReadonlySet<Outcome> = new Set<Outcome>(["failed", "reverted", "timedOut"]);
const UNASSIGNED: ReadonlySet<Outcome> = new Set<Outcome>(["pending", "ahead", "ineligible"]);
const ON_ITS_WAY: ReadonlySet<Outcome> = new Set<Outcome>(["notified", "applying", "verifying"]);

/** Whether it gives out assignments. */
export function isMoving(run: Run): boolean {
  return run.phase.kind === "rolling" || run.phase.kind === "completed";
}

/** What became of a site, by what it proved so far. Returns `before` itself where nothing changed. */
export function progressOf(before: SiteProgress, member: FleetMember | undefined, view: View): SiteProgress {
  const { now } = view;
  const judged = judge(before, member, view);
  const dueAt = ON_ITS_WAY.has(judged.outcome) ? dueOf(before, judged.outcome, member, view) : null;
  const { outcome, code } = dueAt !== null && now >= dueAt ? timedOut(member, view) : judged;
  const assignedAt = UNASSIGNED.has(outcome) ? null : (before.assignedAt ?? now);
  const same =
    outcome === before.outcome && code === before.code && dueAt === before.dueAt && assignedAt === before.assignedAt;
  if (same) return before;
  return { ...before, outcome, code, dueAt, assignedAt, since: outcome === before.outcome ? before.since : now };
}

/** This run's assignment of the site, as far as the hub has stored it. */
export function assignmentOf(run: Run, member: FleetMember): Assigned | undefined {
  const assigned = member.assigned[run.target.bundle];
  return assigned?.run === run.id ? assigned : undefined;
}

function judge(before: SiteProgress, member: FleetMember | undefined, view: View): Judged {
  const { run, standing, moving, now } = view;
  if (member === undefined || !mayHave(member, run.target.bundle)) return { outcome: "ineligible", code: "record" };
  if (standing === "closed") return { outcome: "pending", code: null };
  if (!run.back && isAbove(member, run.target)) return { outcome: "ahead", code: null };
  const assigned = assignmentOf(run, member);
  if (assigned !== undefined && acknowledged(member.site, assigned)) return byReport(member, assigned, view);
  if (!moving) return before.outcome === "timedOut" ? before : { outcome: "pending", code: null };
  const silentSince = Math.max(member.site.heardAt, before.assignedAt ?? now);
  const offline = now - silentSince >= milliseconds(run.spec.site.offlineAfter);
  return { outcome: offline ? "offline" : "notified", code: null };
}

/** A site that took the assignment is judged by the report it sent since, whatever it said before. */
function byReport(member: FleetMember, assigned: Assigned, view: View): Judged {
  const { bundle } = view.run.target;
  const digest = short(assigned.digest);
  const item = itemOf(member.site, bundle);
  const refused = member.site.report?.body.refused?.find((entry) => entry.bundle === bundle && entry.digest === digest);
  if (refused !== undefined) return { outcome: "failed", code: refused.code };
  const code = item?.failed?.digest === digest ? item.failed.code : null;
  if (item === undefined || !isAbout(item, assigned)) {
    if (code === null) return { outcome: "applying", code };
    const isBack = item?.state === "reverted" || item?.state === "committed";
    return { outcome: isBack ? "reverted" : "failed", code };
  }
  switch (item.state) {
    case "applying":
    case "verifying":
      return { outcome: item.state, code: null };
    // The site went back from something else to this very version: on its way, then there.
    case "reverting":
      return { outcome: "verifying", code: null };
    case "reverted":
    case "committed":
      return { outcome: holds(member, view) && isHealthy(item) ? "succeeded" : "verifying", code: null };
    case "failed":
    case "stuck":
      return { outcome: "failed", code };
  }
}

/**
 * The deadline runs anew from each of: the assignment, the return of a site that was offline, the report that acknowledged it,
 * and the last report of a site that was healthy and is not known to be any more.
 */
function dueOf(before: SiteProgress, outcome: Outcome, member: FleetMember | undefined, view: View): number {
  const sameLeg = before.outcome === "timedOut" || (before.outcome === "notified") === (outcome === "notified");
  if (before.dueAt !== null && sameLeg) return before.dueAt;
  const from = outcome === "notified" ? view.now : (member?.site.report?.at ?? view.now);
  return from + milliseconds(view.run.spec.site.deadline);
}

function timedOut(member: FleetMember | undefined, view: View): Judged {
  const speaks = member !== undefined && holds(member, view);
  return { outcome: "timedOut", code: speaks ? "unhealthy" : "unreachable" };
}

function holds(member: FleetMember, { run, standing, now }: View): boolean {
  return standing === "passed" || isFresh(member.site, milliseconds(run.spec.site.reportEvery), now);
}
