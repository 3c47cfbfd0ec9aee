import type { ErrorCode } from "../../shared/errors.ts";
import type { Verdict } from "../../shared/health.ts";
import type { Hold } from "../cache/cache.ts";
import { sameState } from "./hold.ts";
import { obstacle, type Site, type Start } from "./may-start.ts";
import { type Stay, stay } from "./stay.ts";
import type { Wanted } from "./wanted.ts";

/** What the site should do next about one bundle, and why. */
export type Decision =
  | Stay
  | Start
  /** All is applied; from now on health is watched. */
  | { do: "verify" }
  | { do: "commit" }
  | { do: "give-up"; code: ErrorCode; words: string };

export interface TargetInput extends Site {
  /** What the bundle should be here: assigned, or adopted where nobody assigns; null where nothing is said. */
  wanted: Wanted | null;
  attempt: Attempt;
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
  if (hold === null) return start ?? stay("nothing-assigned");
  const progress = advance(hold, input.attempt);
  if (progress.do !== "stay" || progress.because === "moving") return progress;
  return start ?? progress;
}

/** A move to what is wanted; null where nothing is, or it runs already. */
function next({ wanted, ...site }: TargetInput): Stay | Start | null {
  if (wanted === null) return null;
  const { hold } = site;
  if (hold !== null && sameState(hold.running, wanted) && hold.state !== "failed") return null;
  const before = hold?.failed.find((entry) => sameState(entry, wanted));
  if (before !== undefined && (!wanted.retry || before.retried === wanted.run)) return stay("failed-before");
  return obstacle(wanted, site) ?? start(wanted, before !== undefined);
}

function start(wanted: Wanted, retried: boolean): Stay | Start {
  const { onDisk, values, given, record, run } = wanted;
  if (onDisk === null) return stay("not-on-disk");
  const { digest, version, pair, floor } = onDisk;
  const state = { digest, version, pair, floor, values, given, record };
  return { do: "start", state, run, because: retried ? "retry" : wanted.by };
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
