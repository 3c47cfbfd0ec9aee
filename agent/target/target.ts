import type { ErrorCode } from "../../shared/errors.ts";
import type { Verdict } from "../../shared/health.ts";
import type { Hold } from "../cache/cache.ts";
import { sameState } from "./hold.ts";
import { goesUp } from "./jobs.ts";
import { obstacle, type Site, type Start } from "./may-start.ts";
import { type Stay, stay } from "./stay.ts";
import type { Wanted } from "./wanted.ts";

/** What the site should do next about one bundle, and why. */
export type Decision =
  | Stay
  | Start
  /** All is applied; from now on health is watched. */
  | { do: "verify" }
  /** A phase without return is through, which is stored before anything after it is done. */
  | { do: "pass"; phase: string }
  | { do: "commit" }
  /** `asks`: only a person can tell what was done, so that the site stays as it is. */
  | { do: "give-up"; code: ErrorCode; words: string; asks: boolean };

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
  /** What is wrong for good in a phase that others wait for. */
  broken: string | null;
  /** What nobody can tell but a person. */
  asks: string | null;
  /** The last phase without return that is through. */
  passed: string | null;
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
  const before = hold?.failed.find((entry) => sameState(entry, wanted));
  // What is stuck in a return has not failed: it goes on by itself.
  const isOver = hold?.state === "failed" || (hold?.state === "stuck" && before !== undefined);
  if (hold !== null && sameState(hold.running, wanted) && !isOver) return null;
  if (before !== undefined && (!wanted.retry || before.retried === wanted.run)) return stay("failed-before");
  return obstacle(wanted, site) ?? start(wanted, site, before !== undefined);
}

function start(wanted: Wanted, { hold, marks }: Site, retried: boolean): Stay | Start {
  const { onDisk, values, given, record, run } = wanted;
  if (onDisk === null) return stay("not-on-disk");
  const { digest, version, pair, floor } = onDisk;
  const state = { digest, version, pair, floor, values, given, record };
  return { do: "start", state, run, up: goesUp(hold, marks, state), because: retried ? "retry" : wanted.by };
}

/** What the move that is under way makes of its time. */
function advance(hold: Hold, attempt: Attempt): Decision {
  const late = attempt.elapsedMs >= attempt.deadlineMs;
  switch (hold.state) {
    case "applying":
      if (isNewlyPassed(hold, attempt)) return { do: "pass", phase: attempt.passed };
      if (attempt.asks !== null) return { ...giveUp("not-found", attempt.asks), asks: true };
      if (attempt.refused !== null) return giveUp(attempt.refused.code, attempt.refused.words);
      if (attempt.broken !== null) return giveUp("unhealthy", attempt.broken);
      if (attempt.applied) return { do: "verify" };
      if (late) return giveUp("kube", "not applied by its deadline");
      return stay("moving");
    case "verifying":
      if (isNewlyPassed(hold, attempt)) return { do: "pass", phase: attempt.passed };
      if (isHeld(attempt)) return { do: "commit" };
      if (attempt.asks !== null) return { ...giveUp("not-found", attempt.asks), asks: true };
      if (attempt.refused !== null) return giveUp(attempt.refused.code, attempt.refused.words);
      if (attempt.verdict.health === "failed") return giveUp("unhealthy", attempt.verdict.because);
      return late ? giveUp("unhealthy", `not healthy by its deadline: ${wordsOf(attempt.verdict)}`) : stay("moving");
    case "reverting":
      if (isHeld(attempt)) return { do: "commit" };
      return late ? giveUp("unhealthy", `not healthy by its deadline: ${wordsOf(attempt.verdict)}`) : stay("moving");
    case "stuck":
    case "failed":
      // Level-triggered: what becomes healthy after all is taken as it is.
      return hold.state === "stuck" && isHeld(attempt) ? { do: "commit" } : stay("settled");
    case "committed":
    case "reverted":
      return stay("settled");
  }
}

function giveUp(code: ErrorCode, words: string): Decision & { do: "give-up" } {
  return { do: "give-up", code, words, asks: false };
}

/** Only a move up does what cannot be undone: it alone runs Jobs. */
function isNewlyPassed({ up, running, passed }: Hold, attempt: Attempt): attempt is Attempt & { passed: string } {
  if (up !== true || attempt.passed === null) return false;
  return passed?.version !== running.version || passed.phase !== attempt.passed;
}

function isHeld({ applied, verdict, healthyForMs, holdForMs }: Attempt): boolean {
  return applied && verdict.health === "healthy" && healthyForMs >= holdForMs;
}

function wordsOf(verdict: Verdict): string {
  return verdict.health === "healthy" ? "healthy, but not for long enough" : verdict.because;
}
