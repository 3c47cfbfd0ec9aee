import type { FleetMember } from "../registry/site.ts";
import type { Because } from "./because.ts";
import { lacksApproval, whyNotYet } from "./begin.ts";
import { effectsOf, noticesOf } from "./effects.ts";
import { itemOf } from "./evidence.ts";
import { gate, NEVER_COUNTED, tooManyFailures, type Verdict, type WaveSite } from "./gate.ts";
import { takeInput } from "./input.ts";
import { type Fleet, observed, withJoiners } from "./observe.ts";
import { ON_ITS_WAY } from "./outcome.ts";
import { turnedBack } from "./return.ts";
import type { Effect, Input, PauseReason, Phase, Return, Run, SiteProgress } from "./run.ts";
import { tooSilent } from "./silent.ts";

export interface Step {
  /** The same object where nothing changed: nothing to store. */
  run: Run;
  effects: Effect[];
  because: Because;
}

/**
 * One decision about a run: total, pure, and settled (a second step at the same time, whether the effects are done by then or
 * not, changes nothing more). The caller stores the run and the sets that the effects lead to in one transaction, and
 * publishes after it.
 *
 * A run that is completed is still stepped: sites that were offline, and those that joined since, get its target until a
 * newer run of the bundle supersedes it. The step that aborts or supersedes a run takes back what no site took; after
 * that a step does nothing.
 */
export function step(run: Run, fleet: Fleet, inputs: readonly Input[], now: number): Step {
  if (run.phase.kind === "aborted" || run.phase.kind === "superseded") {
    return { run, effects: [], because: standstill(run, run.phase) };
  }
  const notices: Effect[] = [];
  let next = observed(run, fleet, now);
  for (const input of inputs) {
    const taken = takeInput(next, input, fleet, now);
    next = taken.run;
    notices.push(...taken.notices);
  }
  const settled = settle(next, fleet, now);
  notices.push(...noticesOf(run, settled.run));
  return { ...settled, effects: [...effectsOf(settled.run, fleet), ...notices] };
}

/** Passes as many gates as the evidence allows: each turn opens a wave, pauses or completes the run, or is the last. */
function settle(start: Run, fleet: Fleet, now: number): { run: Run; because: Because } {
  let run = start;
  for (;;) {
    run = observed(withJoiners(run, fleet, now), fleet, now);
    const { phase } = run;
    switch (phase.kind) {
      case "planned": {
        const because = whyNotYet(run, now);
        if (because !== null) return { run, because };
        run = opened(run, 0, now);
        break;
      }
      case "reverting":
        if (Object.values(run.sites).some(isComingBack)) return { run, because: returning(run, phase) };
        run = { ...run, phase: { ...toReturn(phase), kind: "reverted", at: now } };
        break;
      case "rolling": {
        const silent = tooSilent(run, fleet);
        const verdict = silent === null ? decide(run, phase.wave, fleet) : { kind: "pause" as const, because: silent };
        if (verdict.kind === "wait") {
          const step = STEP[verdict.because.kind];
          if (step !== phase.step) run = { ...run, phase: { ...phase, step, since: now } };
          return { run, because: verdict.because };
        }
        if (verdict.kind === "pause") {
          run = stopped(run, phase.wave, verdict.because, fleet, now);
          break;
        }
        const because = lacksApproval(run, phase.wave + 1);
        if (because !== null) {
          if (phase.step !== "gating") run = { ...run, phase: { ...phase, step: "gating", since: now } };
          return { run, because };
        }
        run = passed(run, phase.wave, now);
        break;
      }
      default:
        return { run, because: standstill(run, phase) };
    }
  }
}

const STEP = { moving: "opening", soaking: "soaking", quorum: "gating" } as const;

/** Waves that passed stay under watch: what goes wrong there later stops the run by the same rule of failures. */
function decide(run: Run, current: number, fleet: Fleet): Verdict {
  const sites = sitesByWave(run, fleet);
  for (const [index, wave] of run.plan.waves.slice(0, current).entries()) {
    const because = tooManyFailures(wave.name, sites.get(index) ?? [], run.spec);
    if (because !== null) return { kind: "pause", because };
  }
  const wave = run.plan.waves[current];
  if (wave === undefined) return { kind: "pass" };
  // A return has nothing to prove by time: these sites ran the version before. An emergency has no time.
  const isUrgent = run.back || run.spec.lane === "emergency";
  return gate(isUrgent ? { ...wave, soakSeconds: 0 } : wave, sites.get(current) ?? [], run.spec);
}

function sitesByWave(run: Run, fleet: Fleet): ReadonlyMap<number, WaveSite[]> {
  const waves = new Map<number, WaveSite[]>();
  for (const [site, progress] of Object.entries(run.sites)) {
    const member = fleet.get(site);
    const healthyFor = member === undefined ? 0 : healthySeconds(member, run.target.bundle);
    const wave = waves.get(progress.wave);
    if (wave === undefined) waves.set(progress.wave, [{ site, progress, healthyFor }]);
    else wave.push({ site, progress, healthyFor });
  }
  return waves;
}

function healthySeconds(member: FleetMember, bundle: string): number {
  return itemOf(member.site, bundle)?.healthyFor ?? 0;
}

function opened(run: Run, wave: number, now: number): Run {
  return { ...run, phase: { kind: "rolling", wave, step: "opening", since: now } };
}

function passed(run: Run, wave: number, now: number): Run {
  if (wave + 1 < run.plan.waves.length) return opened(run, wave + 1, now);
  return { ...run, phase: { kind: "completed", at: now } };
}

/** Failures are answered as the file says; whatever else stands in the way is for a person. A return is not taken back. */
function stopped(run: Run, wave: number, because: PauseReason, fleet: Fleet, now: number): Run {
  const { then } = run.spec.failure;
  if (because.kind !== "failures" || then === "pause" || run.back) {
    return { ...run, phase: { kind: "paused", because, resume: { wave }, since: now } };
  }
  const failed = run.plan.waves.findIndex(({ name }) => name === because.wave);
  return turnedBack(run, fleet, then === "revertWave" ? failed : null, because, now);
}

function standstill(run: Run, phase: Exclude<Phase, { kind: "planned" | "rolling" | "reverting" }>): Because {
  switch (phase.kind) {
    case "paused":
      return { kind: "paused", why: phase.because };
    case "aborted":
      return { kind: "aborted", who: phase.who, reason: phase.reason };
    case "superseded":
      return { kind: "superseded", by: phase.by };
    case "reverted":
      return returning(run, phase);
    case "completed":
      return completion(run);
  }
}

function isComingBack({ outcome, returnTo }: SiteProgress): boolean {
  return returnTo !== undefined && (outcome === "pending" || ON_ITS_WAY.has(outcome));
}

function toReturn({ wave, because, left }: Return): Return {
  return { wave, because, left };
}

function returning(run: Run, { kind, because, left }: Extract<Phase, { kind: "reverting" | "reverted" }>): Because {
  const sites = Object.entries(run.sites).filter(([, { returnTo }]) => returnTo !== undefined && returnTo !== null);
  const behind = sites
    .filter(([, { outcome }]) => outcome !== "reverted")
    .map(([site, { outcome }]) => ({ site, outcome }));
  const named = left.map(({ site }) => site);
  return {
    kind,
    why: because,
    back: sites.length - behind.length,
    of: sites.length + left.length,
    behind,
    left: named,
  };
}

function completion(run: Run): Because {
  const sites = Object.entries(run.sites).filter(([, { outcome }]) => !NEVER_COUNTED.has(outcome));
  const behind = sites
    .filter(([, { outcome }]) => outcome !== "succeeded")
    .map(([site, { outcome }]) => ({ site, outcome }));
  return { kind: "completed", healthy: sites.length - behind.length, of: sites.length, behind };
}
