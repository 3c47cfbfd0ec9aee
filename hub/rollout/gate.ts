import type { Outcome } from "../../shared/rollout.ts";
import type { Because, Waiting } from "./because.ts";
import { FAILURES } from "./outcome.ts";
import type { Failure, PauseReason, PlannedWave, SiteProgress } from "./run.ts";
import { atLeast, isOver } from "./share.ts";

/** A site of the wave; `healthyFor` is what its last report says, in seconds, and counts only once it succeeded. */
export interface WaveSite {
  site: string;
  progress: SiteProgress;
  healthyFor: number;
}

/** The rollout's own part of a gate. */
export interface GateRules {
  quorum: string;
  failure: { over: string; minSample: number };
}

export type Verdict =
  | { kind: "pass" }
  | { kind: "pause"; because: PauseReason }
  | { kind: "wait"; because: Extract<Because, { kind: "moving" | "soaking" | "quorum" }> };

/** These will not count however long one waits, so no quorum is asked of them. */
export const NEVER_COUNTED: ReadonlySet<Outcome> = new Set<Outcome>(["ineligible", "ahead", "skipped"]);
/** These do not count now, and may later: the quorum says how many of them a wave can do without. */
const ASIDE: ReadonlySet<Outcome> = new Set<Outcome>(["offline", "held", "deferred"]);

/**
 * May the next wave open? Counted are all sites of the wave but those offline, held, deferred, ahead, skipped or ineligible.
 * Pass: at least `quorum` of the wave, and one site, is counted; at least `success` of the counted hold healthy for the soak;
 * and failures do not stand in the way. A gate that can no longer pass pauses at once, without waiting for those offline.
 */
export function gate(wave: PlannedWave, sites: readonly WaveSite[], rules: GateRules): Verdict {
  const reachable = sites.filter(({ progress }) => !NEVER_COUNTED.has(progress.outcome));
  if (reachable.length === 0) return pause({ kind: "nobody", wave: wave.name, sites: sites.length });
  const tooMany = tooManyFailures(wave.name, sites, rules);
  if (tooMany !== null) return pause(tooMany);

  const counted = reachable.filter(({ progress }) => !ASIDE.has(progress.outcome));
  const failed = failuresAmong(counted);
  const needed = Math.max(1, atLeast(wave.success, counted.length));
  if (counted.length > 0 && counted.length - failed.length < needed) {
    return pause({ kind: "cannotPass", wave: wave.name, failed, counted: counted.length, needed });
  }

  const longest = counted
    .filter(({ progress }) => progress.outcome === "succeeded")
    .map(({ healthyFor }) => healthyFor)
    .toSorted((a, b) => b - a);
  const absent = reachable.filter(({ progress }) => ASIDE.has(progress.outcome)).map(withOutcome);
  const aside = absent.filter(({ outcome }) => outcome !== "offline");
  const away = {
    offline: absent.filter(({ outcome }) => outcome === "offline").map(({ site }) => site),
    ...(aside.length === 0 ? {} : { aside }),
  };
  const waiting: Waiting = {
    wave: wave.name,
    healthy: longest.length,
    of: counted.length,
    waitingFor: counted
      .filter(({ progress }) => progress.outcome !== "succeeded" && !FAILURES.has(progress.outcome))
      .map(withOutcome),
    ...away,
  };
  const quorum = Math.max(1, atLeast(rules.quorum, reachable.length));
  if (counted.length > 0 && longest.length < needed)
    return { kind: "wait", because: { kind: "moving", needed, ...waiting } };
  // The share of sites that the gate asks for has held for as long as its last one.
  const shortestSeconds = longest[needed - 1] ?? 0;
  if (counted.length > 0 && shortestSeconds < wave.soakSeconds) {
    const { soakSeconds } = wave;
    return { kind: "wait", because: { kind: "soaking", needed, shortestSeconds, soakSeconds, ...waiting } };
  }
  if (counted.length < quorum) {
    const numbers = { counted: counted.length, of: reachable.length, needed: quorum };
    return { kind: "wait", because: { kind: "quorum", wave: wave.name, ...numbers, ...away } };
  }
  return { kind: "pass" };
}

/**
 * The failure rule alone, which also watches the waves that passed: strictly more than `over` of the sites that ended, once
 * `minSample` of them have, or all that are counted where these are fewer.
 */
export function tooManyFailures(wave: string, sites: readonly WaveSite[], rules: GateRules): PauseReason | null {
  const counted = sites.filter(({ progress }) => !NEVER_COUNTED.has(progress.outcome) && !ASIDE.has(progress.outcome));
  const failed = failuresAmong(counted);
  const ended = failed.length + counted.filter(({ progress }) => progress.outcome === "succeeded").length;
  if (ended < Math.min(rules.failure.minSample, counted.length)) return null;
  if (!isOver(failed.length, rules.failure.over, ended)) return null;
  return { kind: "failures", wave, failed, ended, over: rules.failure.over };
}

function failuresAmong(sites: readonly WaveSite[]): Failure[] {
  return sites
    .filter(({ progress }) => FAILURES.has(progress.outcome))
    .map(({ site, progress }) => ({ site, outcome: progress.outcome, code: progress.code }));
}

function withOutcome({ site, progress }: WaveSite): { site: string; outcome: Outcome } {
  return { site, outcome: progress.outcome };
}

function pause(because: PauseReason): Verdict {
  return { kind: "pause", because };
}
