import type { Outcome } from "../../shared/rollout.ts";
import type { Away, Because } from "./because.ts";
import { FAILURES, ON_ITS_WAY } from "./outcome.ts";
import type { PauseReason, PlannedWave } from "./run.ts";
import { atLeast, isOver } from "./share.ts";
import type { Tally } from "./tally.ts";

/** The rollout's own part of a gate. */
export interface GateRules {
  quorum: string;
  failure: { over: string; minSample: number };
}

/** With its index, and for how long its sites must hold. */
export type GateWave = Pick<PlannedWave, "name" | "success" | "soakSeconds"> & { index: number };

export type Verdict =
  | { kind: "pass" }
  | { kind: "pause"; because: PauseReason }
  | { kind: "wait"; because: Extract<Because, { kind: "moving" | "soaking" | "quorum" }> };

/** These will not count however long one waits, so no quorum is asked of them. */
export const NEVER_COUNTED: ReadonlySet<Outcome> = new Set<Outcome>(["ineligible", "ahead", "skipped"]);
/** These do not count now, and may later: the quorum says how many of them a wave can do without. */
export const ASIDE: readonly Outcome[] = ["offline", "held", "deferred"];
const MAY_YET: readonly Outcome[] = ["pending", "preparing", "ready", ...ON_ITS_WAY];

/**
 * May the next wave open? Counted are all sites of the wave but those offline, held, deferred, ahead, skipped or ineligible.
 * Pass: at least `quorum` of the wave, and one site, is counted; at least `success` of the counted hold healthy for the soak;
 * and failures do not stand in the way. A gate that can no longer pass pauses at once, without waiting for those offline.
 */
export function gate({ index, name, success, soakSeconds }: GateWave, tally: Tally, rules: GateRules): Verdict {
  const healthy = tally.count(index, ["succeeded"]);
  const failures = tally.count(index, FAILURES);
  const counted = healthy + failures + tally.count(index, MAY_YET);
  const reachable = counted + tally.count(index, ASIDE);
  if (reachable === 0) return pause({ kind: "nobody", wave: name, sites: tally.count(index, NEVER_COUNTED) });
  const tooMany = tooManyFailures({ index, name }, tally, rules);
  if (tooMany !== null) return pause(tooMany);

  const needed = Math.max(1, atLeast(success, counted));
  if (counted > 0 && counted - failures < needed) {
    return pause({ kind: "cannotPass", wave: name, failed: tally.all(index, FAILURES), counted, needed });
  }
  const away = awayOf(index, tally);
  const waitingFor = tally.some(index, MAY_YET);
  const waiting = { wave: name, healthy, of: counted, needed, waitingFor, ...away };
  if (counted > 0 && healthy < needed) return { kind: "wait", because: { kind: "moving", ...waiting } };
  // The share of sites that the gate asks for has held for as long as its last one.
  const shortestSeconds = tally.heldSeconds(index, needed);
  if (counted > 0 && shortestSeconds < soakSeconds) {
    return { kind: "wait", because: { kind: "soaking", shortestSeconds, soakSeconds, ...waiting } };
  }
  const quorum = Math.max(1, atLeast(rules.quorum, reachable));
  if (counted < quorum) {
    return { kind: "wait", because: { kind: "quorum", wave: name, counted, of: reachable, needed: quorum, ...away } };
  }
  return { kind: "pass" };
}

/** Of one wave, or of all. */
export function awayOf(wave: number | null, tally: Tally): Away {
  const some = (outcome: Outcome) => tally.some(wave, [outcome]);
  return { offline: some("offline"), held: some("held"), deferred: some("deferred") };
}

/**
 * The failure rule alone, which also watches the waves that passed: strictly more than `over` of the sites that ended, once
 * `minSample` of them have, or all that are counted where these are fewer.
 */
export function tooManyFailures(
  { index, name }: Pick<GateWave, "index" | "name">,
  tally: Tally,
  { failure }: GateRules,
): PauseReason | null {
  const failures = tally.count(index, FAILURES);
  const ended = failures + tally.count(index, ["succeeded"]);
  if (ended < Math.min(failure.minSample, ended + tally.count(index, MAY_YET))) return null;
  if (!isOver(failures, failure.over, ended)) return null;
  return { kind: "failures", wave: name, failed: tally.all(index, FAILURES), ended, over: failure.over };
}

function pause(because: PauseReason): Verdict {
  return { kind: "pause", because };
}
