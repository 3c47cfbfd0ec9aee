import type { ErrorCode } from "../../shared/errors.ts";
import type { Hold, State } from "../cache/cache.ts";
import { jobsAtStart } from "./jobs.ts";

/** So many failed states are remembered, the last ones: a hub can invent values without end. */
const MAX_FAILED = 64;

/** How one bundle's place at the site changes. Pure: the caller stores the result before anything else happens. */

export function sameState(a: Pick<State, "digest" | "values" | "record">, b: typeof a): boolean {
  return a.digest === b.digest && a.values === b.values && a.record === b.record;
}

/**
 * A move begins, for a run. What was committed stays what the site returns to; a state that failed before is marked as retried. `up`: it goes to
 * a higher version than what runs.
 */
export function begin(
  hold: Hold | null,
  bundle: string,
  { state, run, up }: { state: State; run: string; up: boolean },
  since: string,
): Hold {
  const failed = (hold?.failed ?? []).map((entry) => (sameState(state, entry) ? { ...entry, retried: run } : entry));
  const { committed = null, previous = null, passed } = hold ?? {};
  const jobs = jobsAtStart(hold, state, up);
  const way = passed === undefined ? {} : { passed };
  return { bundle, running: state, state: "applying", since, committed, previous, failed, ...jobs, ...way };
}

export function verifying(hold: Hold, since: string): Hold {
  return { ...hold, state: hold.state === "reverting" ? "reverting" : "verifying", since };
}

/** From here the site does not return by itself, whatever follows, until something is committed. */
export function pass(hold: Hold, phase: string): Hold {
  const { version, pair } = hold.running;
  return { ...hold, passed: { version, pair, phase } };
}

/** Health held for its time. The site's marks rise with this, and with nothing else. */
export function commit(hold: Hold, since: string): Hold {
  const { passed: _, ...rest } = hold;
  const { running, committed } = hold;
  if (hold.state === "reverting") return { ...rest, state: "reverted", since };
  const failed = hold.failed.filter((entry) => !sameState(running, entry));
  const previous = committed !== null && !sameState(committed, running) ? committed : hold.previous;
  return { ...rest, state: "committed", since, failed, committed: running, previous };
}

/**
 * The running state is given up and remembered as failed; with something committed the site returns to it, else it stays. It also stays, and
 * waits for a person, behind a phase without return, and where `asks`: only a person can tell what was done.
 */
export function giveUp(hold: Hold, code: ErrorCode, since: string, asks = false): Hold {
  const { digest, values, record } = hold.running;
  // A return that fails, too, has nowhere to go: it goes on trying, and says so. It never loops. The same holds for what was
  // committed before and is moved to again: it is never remembered as failed.
  const isReturn = hold.committed !== null && sameState(hold.committed, hold.running);
  if (isReturn || hold.state === "reverting" || hold.state === "reverted") return { ...hold, state: "stuck", since };
  const before = hold.failed.find((entry) => sameState(hold.running, entry));
  const retried = before?.retried === undefined ? {} : { retried: before.retried };
  const others = hold.failed.filter((entry) => entry !== before);
  const failed = [...others, { digest, values, record, code, ...retried }].slice(-MAX_FAILED);
  if (asks || hold.passed !== undefined) return { ...hold, state: "stuck", since, failed };
  if (hold.committed === null) return { ...hold, state: "failed", since, failed };
  return { ...hold, running: hold.committed, state: "reverting", since, failed, up: false };
}
