import type { ErrorCode } from "../../shared/errors.ts";

/** How one source fared. Pure: time and chance are arguments. */
export interface Standing {
  state: "well" | "unreachable" | "set-aside";
  /** In a row. */
  failures: number;
  /** Not asked before this moment, monotonic ms. */
  restsUntil: number;
}

export const NEW_SOURCE: Standing = { state: "well", failures: 0, restsUntil: 0 };

const FIRST_MS = 1_000;
/** A lying source rests at least this long: what it says wrong now it will say wrong in a second, too. */
const SET_ASIDE_FIRST_MS = 10_000;
/** The longest rest, in polls. */
const LONGEST_POLLS = 16;

/** What a source may be blamed for: other bytes than were signed, or bytes that are no answer. Everything else may be the line. */
export function isLie(code: ErrorCode): boolean {
  return code === "digest" || code === "malformed" || code === "too-large";
}

/** After a failure. Rests double from seconds to 16 polls, half of each at random so that a fleet does not come in step. */
export function failed(
  before: Standing,
  { code, now, random, pollMs }: { code: ErrorCode; now: number; random: number; pollMs: number },
): Standing {
  const failures = before.failures + 1;
  const first = isLie(code) ? SET_ASIDE_FIRST_MS : FIRST_MS;
  const longest = Math.max(first, LONGEST_POLLS * pollMs);
  const rest = Math.min(longest, first * 2 ** Math.min(failures - 1, 20)) * (0.5 + 0.5 * random);
  return { state: isLie(code) ? "set-aside" : "unreachable", failures, restsUntil: now + rest };
}

/** The link came back, or somebody asked: what could not be reached is tried at once; what lied goes on resting. */
export function hopeful(before: Standing): Standing {
  return before.state === "unreachable" ? { ...before, restsUntil: 0, failures: 0 } : before;
}
