import type { ErrorCode } from "../../shared/errors.ts";
import { type Labels, short } from "../../shared/names.ts";
import { isAbout, isSettled } from "../../shared/report.ts";
import type { Outcome } from "../../shared/rollout.ts";
import type { Assigned, FleetMember } from "../registry/site.ts";
import { isAbove, mayHave } from "./eligible.ts";
import { acknowledged, failureOf, isFresh, isHealthy, itemOf } from "./evidence.ts";
import { asksFirst, hasPrepared, readiness } from "./ready.ts";
import type { Run, SiteProgress, Target } from "./run.ts";

/**
 * Where a wave stands: not open yet; at its gate, where only fresh evidence counts; or passed, where a site at rest
 * reports on change alone and what it said last holds.
 */
export type Standing = "closed" | "gate" | "passed";

/** A run that moves gives assignments; one that is paused or over gives none and takes back those not taken. */
export interface View {
  run: Run;
  times: Times;
  standing: Standing;
  moving: boolean;
  now: number;
  /** Whether the window of a site with these labels is open. */
  open(labels: Labels): boolean;
  /** Whether the pace lets another site begin; asked once for each that would. */
  give(): boolean;
}

/** `site` of the rollout, in milliseconds. */
export interface Times {
  deadline: number;
  offlineAfter: number;
  reportEvery: number;
}

export interface Judged {
  outcome: Outcome;
  code: ErrorCode | null;
  notReady?: true;
  /** Nothing to run was given to it. */
  ungiven?: true;
  /** Another rollout has it: only its time here may still run out, once. */
  elsewhere?: true;
}

export const FAILURES: ReadonlySet<Outcome> = new Set<Outcome>(["failed", "reverted", "timedOut"]);
const UNASSIGNED: ReadonlySet<Outcome> = new Set<Outcome>([
  "pending",
  "preparing",
  "ready",
  "held",
  "deferred",
  "ahead",
  "skipped",
  "ineligible",
]);
export const ON_ITS_WAY: ReadonlySet<Outcome> = new Set<Outcome>(["notified", "applying", "verifying"]);

/** Whether it gives out assignments: a run that goes back does, to those that it sends back. */
export function isMoving({ phase }: Run, { returnTo }: Pick<SiteProgress, "returnTo">): boolean {
  if (phase.kind === "reverting" || phase.kind === "reverted") return returnTo !== undefined && returnTo !== null;
  return phase.kind === "rolling" || phase.kind === "completed";
}

/** What the run wants of a site: its target, or what the site ran before. */
export function targetOf(run: Run, { returnTo }: Pick<SiteProgress, "returnTo">): Target {
  return (returnTo === undefined || returnTo === null ? undefined : run.known?.[returnTo]) ?? run.target;
}

/** What became of a site, by what it proved so far. Returns `before` itself where nothing changed. */
export function progressOf(before: SiteProgress, member: FleetMember | undefined, view: View): SiteProgress {
  const { now } = view;
  const judged = judge(before, member, view);
  const isOver = judged.elsewhere === true && before.outcome === "timedOut";
  const dueAt = ON_ITS_WAY.has(judged.outcome)
    ? dueOf(before, judged.outcome, member, view)
    : isOver
      ? before.dueAt
      : null;
  const { outcome, code, notReady }: Judged = dueAt !== null && now >= dueAt ? timedOut(member, view) : judged;
  // Also who is dark before it was given anything to run.
  const assignedAt = UNASSIGNED.has(outcome) || judged.ungiven === true ? null : (before.assignedAt ?? now);
  const sameAs = outcome === before.outcome && code === before.code && notReady === before.notReady;
  if (sameAs && dueAt === before.dueAt && assignedAt === before.assignedAt) return before;
  const { notReady: _, ...rest } = before;
  const since = outcome === before.outcome ? before.since : now;
  return { ...rest, outcome, code, dueAt, assignedAt, since, ...(notReady && { notReady }) };
}

/** Digest and values are those of the target. */
function isState(assigned: Assigned, { digest, values }: Target): boolean {
  return assigned.digest === digest && assigned.values === values;
}

/** This run's assignment of the site as it is wanted now, as far as the hub has stored it. */
export function assignmentOf(run: Run, member: FleetMember, progress: SiteProgress): Assigned | undefined {
  const assigned = member.assigned[run.target.bundle];
  if (assigned?.run !== run.id || !isState(assigned, targetOf(run, progress))) return undefined;
  return assigned.at >= (progress.retriedAt ?? assigned.at) ? assigned : undefined;
}

/** The run is done with the site, and another rollout has it since: what became of it here stays as it was. */
export function isElsewhere(run: Run, member: FleetMember, progress: SiteProgress): boolean {
  const { phase } = run;
  if (phase.kind !== "completed" && phase.kind !== "reverted") return false;
  return progress.assignedAt !== null && ofAnother(run, member) !== undefined;
}

/** Another rollout has given it something since this run began. */
export function wentElsewhere(run: Run, member: FleetMember): boolean {
  const given = ofAnother(run, member);
  return given !== undefined && given.at > (run.begunAt ?? run.startedAt);
}

/** What it has for the bundle from another rollout; undefined: nothing. */
function ofAnother({ rollout, target }: Run, { assigned }: FleetMember): Assigned | undefined {
  const given = assigned[target.bundle];
  // A run is named after its rollout, with a number.
  return given === undefined || given.run.replace(/-\d+$/, "") === rollout ? undefined : given;
}

function judge(before: SiteProgress, member: FleetMember | undefined, view: View): Judged {
  const { run, standing, moving, now } = view;
  // Also while it is away: a person took it out, and nobody put it in again.
  if (before.outcome === "skipped") return before;
  if (member === undefined || !mayHave(member, run.target.bundle)) return { outcome: "ineligible", code: "record" };
  if (before.returnTo === null) return before;
  const asks =
    asksFirst(run) && hasPrepared(run.phase) && before.returnTo === undefined && before.retriedAt === undefined;
  if (standing === "closed" && !asks) return { outcome: "pending", code: null };
  if (isElsewhere(run, member, before)) return { ...before, elsewhere: true };
  if (!run.back && before.returnTo === undefined && isAbove(member, run.target))
    return { outcome: "ahead", code: null };
  const assigned = assignmentOf(run, member, before);
  const isHeld = member.site.report?.body.held !== undefined;
  if (assigned !== undefined && acknowledged(member.site, assigned)) {
    const found = byReport(member, assigned, view);
    // It took the assignment and has not begun, because its own people say so.
    if (found.outcome === "applying" && isHeld && !begun(member, run.target.bundle, assigned))
      return { outcome: "held", code: null };
    return before.returnTo !== undefined && found.outcome === "succeeded" ? { ...found, outcome: "reverted" } : found;
  }
  // What it has not taken is taken off it again in all of these: it is then asked as one that was given nothing.
  const isGiven =
    before.assignedAt !== null && (moving ? !isHeld && view.open(member.labels) : before.outcome === "timedOut");
  if (asks && !isGiven) {
    const asked = before.assignedAt === null ? before : { ...before, outcome: "pending" as const };
    const found = readiness(asked, member, view);
    if (found.outcome !== "ready" || standing === "closed" || !moving) return { ...found, ungiven: true };
  }
  if (standing === "closed") return { outcome: "pending", code: null };
  const waits: Judged = { outcome: asks ? "ready" : "pending", code: null };
  if (!moving) return before.outcome === "timedOut" ? before : { outcome: "pending", code: null };
  if (isHeld) return { outcome: "held", code: null };
  if (!view.open(member.labels)) return { outcome: "deferred", code: null };
  if (before.assignedAt === null && !view.give()) return waits;
  const silentSince = Math.max(member.site.heardAt, before.assignedAt ?? now);
  const offline = now - silentSince >= view.times.offlineAfter;
  return { outcome: offline ? "offline" : "notified", code: null };
}

function begun(member: FleetMember, bundle: string, assigned: Assigned): boolean {
  const item = itemOf(member.site, bundle);
  return item !== undefined && isAbout(item, assigned);
}

/** A site that took the assignment is judged by the report it sent since, whatever it said before. */
function byReport(member: FleetMember, assigned: Assigned, view: View): Judged {
  const { bundle } = view.run.target;
  const digest = short(assigned.digest);
  const item = itemOf(member.site, bundle);
  const refused = member.site.report?.body.refused?.find((entry) => entry.bundle === bundle && entry.digest === digest);
  if (refused !== undefined) return { outcome: "failed", code: refused.code };
  const code = failureOf(item, assigned);
  if (item === undefined || !isAbout(item, assigned)) {
    if (code === null) return { outcome: "applying", code };
    return { outcome: item !== undefined && isSettled(item) ? "reverted" : "failed", code };
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
  return from + view.times.deadline;
}

function timedOut(member: FleetMember | undefined, view: View): Judged {
  const speaks = member !== undefined && holds(member, view);
  return { outcome: "timedOut", code: speaks ? "unhealthy" : "unreachable" };
}

function holds(member: FleetMember, { times, standing, now }: View): boolean {
  return standing === "passed" || isFresh(member.site, times.reportEvery, now);
}
