import type { ErrorCode } from "../../shared/errors.ts";
import type { Hold, State } from "../cache/cache.ts";

/** So many failed states are remembered, the last ones: a hub can invent values without end. */
const MAX_FAILED = 64;

/** How one bundle's place at the site changes. Pure: the caller stores the result before anything else happens. */

export function sameState(a: Pick<State, "digest" | "values" | "record">, b: typeof a): boolean {
  return a.digest === b.digest && a.values === b.values && a.record === b.record;
}

/** A move begins, for a run. What was committed stays what the site returns to; a state that failed before is marked as retried. */
export function begin(hold: Hold | null, bundle: string, move: { state: State; run: string }, since: string): Hold {
  const { state, run } = move;
  const failed = (hold?.failed ?? []).map((entry) => (sameState(state, entry) ? { ...entry, retried: run } : entry));
  const { committed = null, previous = null } = hold ?? {};
  return { bundle, running: state, state: "applying", since, committed, previous, failed };
}

export function verifying(hold: Hold, since: string): Hold {
  return { ...hold, state: hold.state === "reverting" ? "reverting" : "verifying", since };
}

/** Health held for its time. The site's marks rise with this, and with nothing else. */
export function commit(hold: Hold, since: string): Hold {
  const { running, committed } = hold;
  if (hold.state === "reverting") return { ...hold, state: "reverted", since };
  const failed = hold.failed.filter((entry) => !sameState(running, entry));
  const previous = committed !== null && !sameState(committed, running) ? committed : hold.previous;
  return { ...hold, state: "committed", since, failed, committed: running, previous };
}

/** The running state is given up and remembered as failed; with something committed the site returns to it, else it stays. */
export function giveUp(hold: Hold, code: ErrorCode, since: string): Hold {
  const { digest, values, record } = hold.running;
  // A return that fails, too, has nowhere to go: it goes on trying, and says so. It never loops. The same holds for what was
  // committed before and is moved to again: it is never remembered as failed.
  const isReturn = hold.committed !== null && sameState(hold.committed, hold.running);
  if (isReturn || hold.state === "reverting" || hold.state === "reverted") return { ...hold, state: "stuck", since };
  const before = hold.failed.find((entry) => sameState(hold.running, entry));
  const retried = before?.retried === undefined ? {} : { retried: before.retried };
  const others = hold.failed.filter((entry) => entry !== before);
  const failed = [...others, { digest, values, record, code, ...retried }].slice(-MAX_FAILED);
  if (hold.committed === null) return { ...hold, state: "failed", since, failed };
  return { ...hold, running: hold.committed, state: "reverting", since, failed };
}
