import { AppError } from "../shared/errors.ts";
import { isLegal } from "../shared/verbs.ts";
import type { Act, Start } from "./api/snapshot.ts";
import { startAgain } from "./changes.ts";
import type { News } from "./decide.ts";
import type { Memory } from "./memory.ts";
import { hasBegun, movingNow } from "./rollout/queue.ts";
import type { Run } from "./rollout/run.ts";
import { actOf, isDone, refusalOf } from "./rollout/verb.ts";

/** What a person asks for, as news for a decision; a run where it was done already. */
export type Asked = { news: News } | { done: Run };

/** Throws `not-found`, and `usage` with what changed where the run cannot take the verb (any more). */
export function askedOfRun({ run: id, ...asked }: Act, { runs }: Pick<Memory, "runs">): Asked {
  const run = runs.get(id);
  if (run === undefined) throw new AppError("not-found", `there is no run ${id}`);
  const act = actOf(asked);
  if (isDone(run, act)) return { done: run };
  const refusal = refusalOf(run, act) ?? whoElse(run, act.kind, runs);
  if (refusal !== null) throw new AppError("usage", refusal, { where: id });
  return { news: { changes: [], inputs: new Map([[id, [act]]]) } };
}

/** The version that the rollout's last run had, once more: for records that are newer since, or after somebody aborted it. */
export function askedOfRollout(asked: Start, { runs, rollouts, bundles }: Memory): Asked {
  const last = [...runs.values()].findLast((run) => run.rollout === asked.rollout);
  // Of somebody who did not hear the answer, also where that run is over by now.
  if (last !== undefined && isOf(last, asked) && (last.id !== asked.last || !isLegal("start", last.phase.kind)))
    return { done: last };
  const change = startAgain(asked, { last, seen: rollouts.get(asked.rollout), bundles });
  return { news: { changes: [change], inputs: new Map() } };
}

/** Why nothing began of what was asked for: what the plan of a new run was refused for. */
export function nothingBegan({ changes }: News, { rollouts }: Pick<Memory, "rollouts">): AppError {
  const [change] = changes;
  const refused = change === undefined ? null : rollouts.get(change.seen.name)?.refused;
  if (change === undefined || refused == null)
    return new AppError("internal", "the run that was asked for is not there");
  return new AppError("usage", `nothing starts: ${refused}`, { where: change.seen.name });
}

/** It is the run that this person asked for. */
export function isOf({ rollout, startedBy, reason }: Run, start: Start): boolean {
  return rollout === start.rollout && startedBy === start.who && reason === start.reason;
}

/** What gives nothing out, because it came to its end or has not begun, may only begin to while no other rollout moves its sites. */
function whoElse(run: Run, verb: string, runs: ReadonlyMap<string, Run>): string | null {
  if (hasBegun(run) || (verb !== "revert" && verb !== "retry")) return null;
  const other = movingNow(run, runs);
  if (other === null) return null;
  return `${other.run} of the rollout ${other.rollout} moves ${other.site} now: wait for it, or abort it first`;
}
