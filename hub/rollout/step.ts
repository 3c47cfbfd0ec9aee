import { OUTCOMES } from "../../shared/rollout.ts";
import type { Because } from "./because.ts";
import { lacksApproval, whyNotYet } from "./begin.ts";
import { effectsAt, noticesOf } from "./effects.ts";
import { gate, NEVER_COUNTED, tooManyFailures, type Verdict } from "./gate.ts";
import { takeInput } from "./input.ts";
import { type Fleet, Look, type Since } from "./look.ts";
import { ON_ITS_WAY } from "./outcome.ts";
import { readyGate } from "./prepare.ts";
import { asksFirst } from "./ready.ts";
import { turnedBack } from "./return.ts";
import type { Effect, Input, PauseReason, Phase, Resume, Return, Run } from "./run.ts";
import { tooSilent } from "./silent.ts";
import { soakOf } from "./soak.ts";
import type { Tally } from "./tally.ts";

export interface Step {
  /** The same object where nothing changed: nothing to store. */
  run: Run;
  effects: Effect[];
  because: Because;
  /** For the next step; null where there is none to come. */
  tally: Tally | null;
}

/**
 * One decision about a run: total, pure, and settled (a second step at the same time, whether the effects are done by then or
 * not, changes nothing more). The caller stores the run and the sets that the effects lead to in one transaction, and
 * publishes after it. `since` makes it cost what changed and not what there is; without it everything is looked at, and
 * the same is decided.
 *
 * A run that is completed is still stepped: sites that were offline, and those that joined since, get its target until a
 * newer run of the bundle supersedes it. The step that aborts or supersedes a run takes back what no site took; after
 * that a step does nothing.
 */
export function step(run: Run, fleet: Fleet, inputs: readonly Input[], now: number, since?: Since): Step {
  if (run.phase.kind === "aborted" || run.phase.kind === "superseded") {
    return { run, effects: [], because: ended(run.phase), tally: null };
  }
  const look = new Look(run, fleet, now, since);
  const notices: Effect[] = [];
  for (const input of inputs) {
    const taken = takeInput(look.run, input, fleet, now);
    look.see(taken.run);
    notices.push(...taken.notices);
  }
  const because = settle(look);
  notices.push(...noticesOf(run, look.run));
  return { run: look.run, effects: [...effectsOf(look), ...notices], because, tally: look.tally };
}

/** Passes as many gates as the evidence allows: each turn opens a wave, pauses or completes the run, or is the last. */
function settle(look: Look): Because {
  for (;;) {
    look.join();
    const { run, tally, now } = look;
    const { phase } = run;
    switch (phase.kind) {
      case "planned": {
        const because = whyNotYet(run, now);
        if (because !== null) return because;
        const begun = { ...run, begunAt: now };
        look.see(asksFirst(run) ? { ...begun, phase: { kind: "preparing", since: now } } : opened(begun, 0, now));
        break;
      }
      case "preparing": {
        const because = tooSilent(run, tally);
        const verdict = because === null ? readyGate(run, tally) : { kind: "pause" as const, because };
        if (verdict.kind === "wait") return verdict.because;
        if (verdict.kind === "pass") look.see(opened(run, 0, now));
        else look.see(pausedBy(run, verdict.because, { wave: 0, before: "preparing" }, now));
        break;
      }
      case "reverting":
        if (tally.count(null, ["pending", ...ON_ITS_WAY], ["back"]) > 0) return returning(phase, tally);
        look.see({ ...run, phase: { ...toReturn(phase), kind: "reverted", at: now } });
        break;
      case "rolling": {
        const silent = tooSilent(run, tally);
        const verdict = silent === null ? decide(run, phase.wave, tally) : { kind: "pause" as const, because: silent };
        if (verdict.kind === "pause") {
          look.see(stopped(run, phase.wave, verdict.because, look.fleet, now));
          break;
        }
        const because = verdict.kind === "wait" ? verdict.because : lacksApproval(run, phase.wave + 1);
        if (because !== null) {
          const step = STEP[because.kind];
          if (step !== phase.step) look.see({ ...run, phase: { ...phase, step, since: now } });
          return because;
        }
        look.see(passed(run, phase.wave, now));
        break;
      }
      case "paused":
        return { kind: "paused", why: phase.because };
      case "reverted":
        return returning(phase, tally);
      case "completed":
        return completion(tally);
      case "aborted":
      case "superseded":
        return ended(phase);
    }
  }
}

const STEP = { moving: "opening", soaking: "soaking", quorum: "gating", approval: "gating" } as const;

/** Waves that passed stay under watch: what goes wrong there later stops the run by the same rule of failures. */
function decide(run: Run, current: number, tally: Tally): Verdict {
  for (const [index, { name }] of run.plan.waves.slice(0, current).entries()) {
    const because = tooManyFailures({ index, name }, tally, run.spec);
    if (because !== null) return { kind: "pause", because };
  }
  const wave = run.plan.waves[current];
  if (wave === undefined) return { kind: "pass" };
  return gate({ ...wave, index: current, soakSeconds: soakOf(run, wave) }, tally, run.spec);
}

/** What the fleet's assignments lack to be as the run wants them: of those looked at, and of those that lacked something before. */
function effectsOf({ run, tally, fleet, places }: Look): Effect[] {
  const all = places === null ? Array.from({ length: run.sites.size }, (_, place) => place) : null;
  const wanted = new Set<number>();
  const effects: Effect[] = [];
  for (const place of all ?? [...new Set([...(places ?? []), ...tally.wanted])].toSorted((a, b) => a - b)) {
    const found = effectsAt(run, place, fleet);
    if (found.length === 0) continue;
    wanted.add(place);
    effects.push(...found);
  }
  tally.wanted = wanted;
  return effects;
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
    return pausedBy(run, because, { wave }, now);
  }
  const failed = run.plan.waves.findIndex(({ name }) => name === because.wave);
  return turnedBack(run, fleet, then === "revertWave" ? failed : null, because, now);
}

function pausedBy(run: Run, because: PauseReason, resume: Resume, now: number): Run {
  return { ...run, phase: { kind: "paused", because, resume, since: now } };
}

function ended(phase: Extract<Phase, { kind: "aborted" | "superseded" }>): Because {
  return phase.kind === "superseded"
    ? { kind: "superseded", by: phase.by }
    : { kind: "aborted", who: phase.who, reason: phase.reason };
}

function toReturn({ wave, because, left, jobs }: Return): Return {
  return { wave, because, left, jobs };
}

function returning(
  { kind, because, left, jobs }: Extract<Phase, { kind: "reverting" | "reverted" }>,
  tally: Tally,
): Because {
  const back = tally.count(null, ["reverted"], ["back"]);
  const behind = tally.some(
    null,
    OUTCOMES.filter((outcome) => outcome !== "reverted"),
    ["back"],
  );
  const of = back + behind.count + left.length;
  return { kind, why: because, back, of, behind, left: left.map(({ site }) => site), jobs };
}

function completion(tally: Tally): Because {
  const healthy = tally.count(null, ["succeeded"]);
  const behind = tally.some(
    null,
    OUTCOMES.filter((outcome) => outcome !== "succeeded" && !NEVER_COUNTED.has(outcome)),
  );
  return { kind: "completed", healthy, of: healthy + behind.count, behind };
}
