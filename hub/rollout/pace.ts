import { ON_ITS_WAY } from "./outcome.ts";
import type { Run } from "./run.ts";
import type { Tally } from "./tally.ts";

const MINUTE_MS = 60_000;

/**
 * How many more sites may be given the version now. A site is on its way from its assignment until it ended or is known to be
 * offline, so a wave of dark shops does not use up the pace; so is one that gets ready. A site that was offline and returns is let in whatever the pace.
 */
export function freeToGive(run: Run, tally: Tally, now: number): number {
  const { pace } = run.spec;
  if (pace === undefined) return Number.POSITIVE_INFINITY;
  const onTheirWay = tally.count(null, [...ON_ITS_WAY, "preparing"]);
  const there = tally.count(null, [isReturn(run) ? "reverted" : "succeeded"]);
  const { concurrent = Number.POSITIVE_INFINITY, perMinute = Number.POSITIVE_INFINITY, ramp } = pace;
  // Getting ready changes nothing, and needs no example.
  const ramped =
    ramp === undefined || run.phase.kind === "preparing"
      ? Number.POSITIVE_INFINITY
      : Math.max(1, Math.ceil(ramp * there));
  return Math.max(0, Math.min(Math.min(concurrent, ramped) - onTheirWay, perMinute - recent(run, now).length));
}

/** The run, having given so many now. */
export function gave(run: Run, count: number, now: number): Run {
  if (run.spec.pace?.perMinute === undefined || count === 0) return run;
  return { ...run, given: [...recent(run, now), ...Array.from({ length: count }, () => now)] };
}

/** When somebody who was given it has been so for a minute, and makes room for another. */
export function nextToGive(run: Run, now: number): number {
  return Math.min(Number.POSITIVE_INFINITY, ...recent(run, now).map((at) => at + MINUTE_MS));
}

function recent({ given = [] }: Run, now: number): number[] {
  return given.filter((at) => at > now - MINUTE_MS);
}

function isReturn({ phase }: Run): boolean {
  return phase.kind === "reverting" || phase.kind === "reverted";
}
