import { nameOf } from "../../shared/live.ts";
import { comparePairs } from "../../shared/names.ts";
import type { Hold, JobChange, JobRecord, Marks, State } from "../cache/cache.ts";

/**
 * Whether a move runs Jobs: only one to a higher pair than what runs. What was never committed may be begun again; what the marks say was, by
 * a life of this site whose disk was lost, may not.
 */
export function goesUp(hold: Hold | null, marks: Marks | null, { pair }: Pick<State, "pair">): boolean {
  if (hold?.committed == null && marks !== null && comparePairs(pair, marks.pair) <= 0) return false;
  if (hold === null) return true;
  const above = comparePairs(pair, hold.running.pair);
  return hold.committed === null ? above >= 0 : above > 0;
}

/** The records that a move begins with: it runs its Jobs anew, or none. A version that did not come through goes on with what is done. */
export function jobsAtStart(
  hold: Hold | null,
  { digest }: Pick<State, "digest">,
  up: boolean,
): Required<Pick<Hold, "up" | "jobs">> {
  const before = hold?.jobs ?? [];
  if (hold?.running.digest === digest && hold.committed?.digest !== digest) {
    return { up: hold.up ?? up, jobs: before.filter((each) => each.digest === digest && each.result === "complete") };
  }
  return { up, jobs: up ? [] : before };
}

/** The hold with what was learnt of the Jobs of what runs. */
export function withJobs(hold: Hold, changes: readonly JobChange[]): Hold {
  const { digest, version } = hold.running;
  let jobs = hold.jobs ?? [];
  for (const { object, ...learnt } of changes) {
    const held = jobs.find((each) => each.digest === digest && nameOf(each.object) === nameOf(object));
    const blank: JobRecord = { object, digest, version, uid: null, result: null };
    const record = { ...(held ?? blank), ...learnt };
    jobs = held === undefined ? [...jobs, record] : jobs.map((each) => (each === held ? record : each));
  }
  return { ...hold, jobs };
}
