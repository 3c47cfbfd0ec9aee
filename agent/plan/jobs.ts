import { nameOf, unseenBecause } from "../../shared/live.ts";
import type { RenderedBundle } from "../../shared/render/render.ts";
import type { JobRecord } from "../cache/cache.ts";
import { applyStep } from "./apply-step.ts";
import type { Beside } from "./beside.ts";
import { stageOf } from "./order.ts";
import type { PlanInput, Step, Waiting } from "./plan.ts";

type Wanted = RenderedBundle["objects"][number];

/** The record of a Job of this version, in this move or the last one. */
function recordOf({ ref }: Pick<Wanted, "ref">, { desired, jobs }: PlanInput): JobRecord | undefined {
  const name = nameOf(ref);
  return jobs.records.find(({ object, digest }) => digest === desired.digest && nameOf(object) === name);
}

/** False where a move runs no Jobs, and none of this version ran before: what may be there under its name is another version's. */
export function hasPlace(wanted: Pick<Wanted, "ref">, input: PlanInput): boolean {
  return input.jobs.run || recordOf(wanted, input) !== undefined;
}

/**
 * A Job runs once in a move to a higher version, whatever happens to it or to us meanwhile: that it was begun is on disk before it is sent, how it
 * ended before it is deleted.
 */
export function jobStep(beside: Beside, input: PlanInput): Step | Waiting | null {
  const { wanted, name, row, seen, verdict } = beside;
  const { ref, object, hash } = wanted;
  const { desired, live, jobs, backoff, now } = input;
  const stage = stageOf(ref);
  const record = recordOf(wanted, input);
  const unseen = unseenBecause(live, ref);
  const isOver = record === undefined ? !jobs.run : record.result !== null;
  if (isOver && record?.result !== "complete") return null;
  if (isOver && row === undefined) return null;
  if (unseen !== undefined) return { on: "watch", object: name, words: unseen };
  if (seen?.deleting === true) return { on: "deletion", object: name, words: "is being deleted" };
  const wait = backoff.get(name);
  if (wait !== undefined && wait.until > now) return { on: "backoff", object: name, words: wait.words };
  const own = seen !== undefined && seen.bundle === desired.bundle ? seen : undefined;
  if (isOver) {
    if (own === undefined || own.uid !== row?.uid) return { do: "forget", stage, ref, gone: false };
    return { do: "delete", stage, ref, uid: own.uid, because: "finished" };
  }
  const start: Step = { do: "start", stage, ref, object, hash };
  if (record === undefined) {
    if (own !== undefined && row !== undefined)
      return { do: "delete", stage, ref, uid: own.uid, because: "predecessor" };
    // Without a row it is one that an older life of ours began and has no record of: it is taken on.
    return seen !== undefined && own === undefined ? applyStep(beside, input) : start;
  }
  if (record.uid === null) return start;
  if (seen?.uid !== record.uid) {
    return {
      on: "job",
      object: name,
      words: "was begun and is gone, and nobody saw it end: whether it did its work is not known",
    };
  }
  if (verdict.health === "healthy") return { do: "finish", stage, ref, result: "complete" };
  if (verdict.health === "failed") return { do: "finish", stage, ref, result: "failed" };
  return applyStep(beside, input);
}
