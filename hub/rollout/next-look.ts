import { milliseconds } from "../../shared/names.ts";
import { nextToGive } from "./pace.ts";
import type { Run } from "./run.ts";
import type { Tally } from "./tally.ts";
import { turnOnMinutes } from "./window.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/**
 * When a run must be looked at again though nothing happens to it: time alone decides nothing before then. Infinity: it never does. What
 * this forgets is found out late, so what a step asks of `now` is asked here too.
 */
export function nextLook(run: Run, tally: Tally, now: number): number {
  return Math.min(tally.due.next(), nextToGive(run, now), endOfSoaks(run, now), nextWindow(run, now));
}

/** When the rollouts that it comes after have held for long enough. */
function endOfSoaks({ phase, spec, promoted = {} }: Run, now: number): number {
  if (phase.kind !== "planned") return Number.POSITIVE_INFINITY;
  const ends = (spec.after ?? []).map(
    ({ rollout, soak = "0" }) => (promoted[rollout] ?? Number.POSITIVE_INFINITY) + milliseconds(soak),
  );
  return Math.min(Number.POSITIVE_INFINITY, ...ends.filter((end) => end > now));
}

function nextWindow({ spec }: Run, now: number): number {
  if (spec.windows === undefined) return Number.POSITIVE_INFINITY;
  const every = turnOnMinutes(spec.windows) ? MINUTE_MS : SECOND_MS;
  return (Math.floor(now / every) + 1) * every;
}
