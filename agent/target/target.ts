import type { Assignment } from "../../shared/assignment.ts";
import type { ErrorCode } from "../../shared/errors.ts";
import type { Verdict } from "../../shared/health.ts";
import { comparePairs, type Pair } from "../../shared/names.ts";
import type { Hold, State } from "../cache/cache.ts";
import { sameState } from "./hold.ts";

/** What the site should do next about one bundle, and why. `because` is a closed list, shown as it is. */
export type Decision =
  | { do: "stay"; because: StayReason }
  | { do: "start"; state: State; run: string; because: "assigned" | "retry" }
  /** All is applied; from now on health is watched. */
  | { do: "verify" }
  | { do: "commit" }
  | { do: "give-up"; code: ErrorCode; words: string };

export type StayReason =
  | "nothing-assigned"
  | "settled" // it runs what it should
  | "moving" // applying or verifying, with time left
  | "not-on-disk" // assigned, and not yet fetched and verified, or refused here
  | "expired" // the assignment may not start anything any more
  | "no-clock" // no synced clock, and the assignment does not name this boot
  | "rushed" // the bundle's signed pace has not passed
  | "failed-before" // it failed here, and nobody said retry, or it was tried again for this run already
  | "rollback" // older than what was committed, and nobody said back
  | "below-floor" // older than the owners allow
  | "record"; // assigned for a site record that is not held yet

export interface TargetInput {
  assignment: AssignedItem | null;
  hold: Hold | null;
  /** The version that is assigned, where it lies complete on disk. */
  onDisk: OnDisk | null;
  /** Number of the site record held. */
  record: number;
  attempt: Attempt;
  clock: { now: number; synced: boolean };
  /** This agent's boot nonce. */
  boot: string;
}

export interface AssignedItem {
  item: Assignment;
  values: string;
  expires: string;
  boot: string | undefined;
}

export interface OnDisk {
  digest: string;
  version: string;
  pair: Pair;
  floor: Pair;
  /** Signed pace: until when this site has to wait, ms; null where it may go now. */
  rushedUntil: number | null;
}

/** How the move that is under way (or what runs) stands, measured by the monotonic clock of this process. */
export interface Attempt {
  /** Every object is as it should be, none waits. */
  applied: boolean;
  /** An object was refused for good. */
  refused: { code: ErrorCode; words: string } | null;
  verdict: Verdict;
  healthyForMs: number;
  /** Since the move began in this process. */
  elapsedMs: number;
  holdForMs: number;
  deadlineMs: number;
}

export function target(input: TargetInput): Decision {
  const start = next(input);
  if (start !== null && start.do === "start") return start;
  const { hold } = input;
  if (hold === null) return start ?? { do: "stay", because: "nothing-assigned" };
  const progress = advance(hold, input.attempt);
  if (progress.do !== "stay" || progress.because === "moving") return progress;
  return start ?? progress;
}

/** A move to what is assigned; null where nothing is assigned or it runs already. */
function next({ assignment, hold, onDisk, record, clock, boot }: TargetInput): Decision | null {
  if (assignment === null) return null;
  const { item } = assignment;
  const wanted = { digest: item.digest, values: assignment.values, record: item.record };
  if (hold !== null && sameState(hold.running, wanted) && hold.state !== "failed") return null;
  const before = hold?.failed.find((entry) => sameState({ ...hold.running, ...entry }, wanted));
  if (before !== undefined && (item.retry !== true || before.retried === item.run)) return stay("failed-before");
  if (clock.synced ? Date.parse(assignment.expires) <= clock.now : false) return stay("expired");
  if (!clock.synced && assignment.boot !== boot) return stay("no-clock");
  if (item.record > record) return stay("record");
  if (onDisk === null) return stay("not-on-disk");
  if (onDisk.rushedUntil !== null) return stay("rushed");
  const own = [hold?.committed, hold?.previous].some((state) => state !== null && state?.digest === onDisk.digest);
  const marks = hold?.marks ?? null;
  if (marks !== null && comparePairs(onDisk.pair, marks.pair) < 0) {
    const forbidden = comparePairs(marks.floor, marks.pair) === 0;
    if (!own && comparePairs(onDisk.pair, marks.floor) < 0) return stay("below-floor");
    if (own && forbidden && hold?.committed?.digest !== onDisk.digest) return stay("below-floor");
    if (item.back !== true && hold?.committed?.digest !== onDisk.digest) return stay("rollback");
  }
  const { digest, version, pair, floor } = onDisk;
  const state: State = { digest, version, pair, floor, values: assignment.values, record: item.record };
  return { do: "start", state, run: item.run, because: before === undefined ? "assigned" : "retry" };
}

/** What the move that is under way makes of its time. */
function advance(hold: Hold, attempt: Attempt): Decision {
  const late = attempt.elapsedMs >= attempt.deadlineMs;
  switch (hold.state) {
    case "applying":
      if (attempt.refused !== null) return { do: "give-up", ...attempt.refused };
      if (attempt.applied) return { do: "verify" };
      if (late) return { do: "give-up", code: "kube", words: "not applied by its deadline" };
      return stay("moving");
    case "verifying":
    case "reverting":
      if (isHeld(attempt)) return { do: "commit" };
      if (hold.state === "verifying" && attempt.refused !== null) return { do: "give-up", ...attempt.refused };
      if (hold.state === "verifying" && attempt.verdict.health === "failed") {
        return { do: "give-up", code: "unhealthy", words: attempt.verdict.because };
      }
      if (!late) return stay("moving");
      return { do: "give-up", code: "unhealthy", words: `not healthy by its deadline: ${wordsOf(attempt.verdict)}` };
    case "stuck":
    case "failed":
      // Level-triggered: what becomes healthy after all is taken as it is.
      return hold.state === "stuck" && isHeld(attempt) ? { do: "commit" } : stay("settled");
    case "committed":
    case "reverted":
      return stay("settled");
  }
}

function isHeld({ applied, verdict, healthyForMs, holdForMs }: Attempt): boolean {
  return applied && verdict.health === "healthy" && healthyForMs >= holdForMs;
}

function wordsOf(verdict: Verdict): string {
  return verdict.health === "healthy" ? "healthy, but not for long enough" : verdict.because;
}

function stay(because: StayReason): Decision {
  return { do: "stay", because };
}
