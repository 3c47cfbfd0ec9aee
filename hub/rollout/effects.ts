import { isAbout, isSettled } from "../../shared/report.ts";
import type { Outcome } from "../../shared/rollout.ts";
import type { FleetMember } from "../registry/site.ts";
import { inWordsJobs, inWordsPause } from "./because.ts";
import { acknowledged, itemOf } from "./evidence.ts";
import type { Fleet } from "./look.ts";
import { assignmentOf, isElsewhere, isMoving, targetOf } from "./outcome.ts";
import { asksFirst, hasPrepared, isPreparing } from "./ready.ts";
import type { Effect, Phase, Run, SiteProgress } from "./run.ts";
import { openWave } from "./verb.ts";

/** What the site's assignments lack to be as the run wants them; nothing once they are so. */
export function effectsAt(run: Run, place: number, fleet: Fleet): Effect[] {
  const site = run.sites.idAt(place);
  const progress = run.sites.at(place);
  const member = fleet.get(site);
  if (member === undefined) return [];
  const { bundle } = run.target;
  const moving = isMoving(run, progress);
  const isAgain = progress.retriedAt !== undefined || progress.askedAgain !== undefined;
  const retry: { retry?: true } = isAgain ? { retry: true } : {};
  if (moving && progress.assignedAt !== null) {
    if (assignmentOf(run, member, progress) !== undefined || isElsewhere(run, member, progress)) return [];
    const target = targetOf(run, progress);
    const back = run.back || target !== run.target;
    return [{ kind: "assign", run: run.id, site, bundle, target, back, ...retry }];
  }
  const wants = wantsReady(run, progress);
  const effects: Effect[] = [];
  const told = member.prepares?.[bundle];
  const prepares = told?.run === run.id;
  if (wants && (!prepares || told.record !== member.record || told.retry !== retry.retry)) {
    effects.push({ kind: "prepare", run: run.id, site, bundle, target: run.target, ...retry });
  }
  // What it was told to prepare goes with the run, or where a person or its record took it out.
  const isOut = progress.notReady !== true && OUT.has(progress.outcome);
  if (prepares && !wants && (!hasPrepared(run.phase) || isOut)) {
    effects.push({ kind: "unprepare", run: run.id, site, bundle });
  }
  const isTakenOff = !moving || wants || TAKEN_OFF.has(progress.outcome);
  if (isTakenOff && isUntaken(run, member)) effects.push({ kind: "withdraw", run: run.id, site, bundle });
  else if (!moving && STOPPED.has(run.phase.kind) && mayYetBegin(run, member)) {
    effects.push({ kind: "end", run: run.id, site, bundle });
  }
  return effects;
}

const STOPPED: ReadonlySet<Phase["kind"]> = new Set<Phase["kind"]>(["aborted", "superseded", "reverting", "reverted"]);

/** It took it, and did not settle on it: one that failed, or lost its disk, would find it in its set as something to begin. */
function mayYetBegin({ id, target }: Run, { site, assigned }: FleetMember): boolean {
  const given = assigned[target.bundle];
  if (given?.run !== id || given.ended !== undefined) return false;
  const item = itemOf(site, target.bundle);
  return item === undefined || !isSettled(item) || !isAbout(item, given);
}

/** It holds this run's assignment and did not take it. What it runs anyway is what a withdrawal would give back to it. */
function isUntaken({ id, target }: Run, { site, assigned }: FleetMember): boolean {
  const given = assigned[target.bundle];
  if (given?.run !== id || acknowledged(site, given)) return false;
  const item = itemOf(site, target.bundle);
  return item === undefined || !isAbout(item, given);
}

/** Told to get ready, and told so until it is given the version to run. */
function wantsReady(run: Run, { outcome, assignedAt, notReady }: SiteProgress): boolean {
  if (!asksFirst(run) || !isPreparing(run.phase) || assignedAt !== null) return false;
  return notReady === true || outcome === "preparing" || outcome === "ready" || outcome === "offline";
}

const OUT: ReadonlySet<Outcome> = new Set<Outcome>(["ahead", "skipped", "ineligible"]);

/** What a site that had not taken it must not take while it is so, though the run moves. */
const TAKEN_OFF: ReadonlySet<Outcome> = new Set<Outcome>(["held", "deferred", "skipped"]);

const FAILED: Partial<Record<Outcome, string>> = {
  failed: "failed",
  reverted: "failed and was reverted",
  timedOut: "timed out",
};

/** What people want to hear of, once each: phases, waves, and sites that failed. */
export function noticesOf(before: Run, after: Run): Effect[] {
  const words = phaseWords(before, after);
  const loud = after.spec.lane === "emergency" ? "EMERGENCY " : "";
  const failures = after.sites.changedSince(before.sites).flatMap((place): Effect[] => {
    const { outcome, code, returnTo, notReady } = after.sites.at(place);
    const what = notReady === true ? "is not ready" : FAILED[outcome];
    // Back where the run sent it is no news of a failure.
    const isBack = returnTo !== undefined && outcome === "reverted";
    if (what === undefined || isBack || wasAt(before, place) === outcome) return [];
    const site = after.sites.idAt(place);
    return [{ kind: "notice", words: `${after.id}: ${after.target.version} ${what}`, site, code }];
  });
  return words === null ? failures : [...failures, { kind: "notice", words: loud + words, site: null, code: null }];
}

function wasAt({ sites }: Run, place: number): Outcome | undefined {
  return place < sites.size ? sites.at(place).outcome : undefined;
}

function phaseWords(before: Run, after: Run): string | null {
  const { phase } = after;
  switch (phase.kind) {
    case "planned":
      return null;
    case "preparing":
      return before.phase.kind === "planned" ? `${after.id}: sites get ready for ${after.target.version}` : null;
    case "rolling": {
      if (before.phase.kind === "rolling" && before.phase.wave === phase.wave) return null;
      if (before.phase.kind === "paused" && openWave(before) === phase.wave) return null;
      return `${after.id}: wave ${after.plan.waves[phase.wave]?.name} opened`;
    }
    case "paused":
      return before.phase === phase ? null : `${after.id} paused: ${inWordsPause(phase.because)}`;
    case "reverting": {
      if (before.phase.kind === "reverting") return null;
      const { wave, because, left, jobs } = phase;
      const who = wave === null ? "every site that took it" : `wave ${after.plan.waves[wave]?.name}`;
      const not =
        left.length === 0 ? "" : `; may not return: ${left.map(({ site, why }) => `${site} (${why})`).join(", ")}`;
      return `${after.id} sends ${who} back: ${inWordsPause(because)}${not}${inWordsJobs(jobs)}`;
    }
    case "reverted":
      return before.phase === phase || before.phase.kind === "reverted" ? null : `${after.id} reverted`;
    case "completed":
      return before.phase === phase ? null : `${after.id} completed`;
    case "aborted":
      return before.phase === phase ? null : `${after.id} aborted by ${phase.who}: ${phase.reason}`;
    case "superseded":
      return before.phase === phase ? null : `${after.id} superseded by ${phase.by}`;
  }
}
