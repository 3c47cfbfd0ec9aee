import { member, type Observed, unseenBecause } from "../../shared/live.ts";
import type { InventoryRow } from "../cache/cache.ts";
import type { Beside } from "./beside.ts";
import { isHeldBy } from "./claims.ts";
import { stageOf } from "./order.ts";
import type { ApplyPlan, Left, PlanInput, Step, Waiting } from "./plan.ts";

/** What any object needs that should be there as it is wanted; null: nothing. */
export function applyStep(beside: Beside, input: PlanInput): Step | Waiting | null {
  const { backoff, now, desired, others } = input;
  const { wanted, name, row, seen } = beside;
  const because = reason(beside, input);
  if (because === null) return null;
  const { ref, object, opened, hash } = wanted;
  const drifts = isDrift(because, row);
  if (drifts && (desired.drift === "ignore" || leftAs(seen, input.left.get(name), now) !== null)) return null;
  if (seen?.deleting === true) return { on: "deletion", object: name, words: "its predecessor is still being deleted" };
  if (
    seen !== undefined &&
    seen.bundle !== "" &&
    seen.bundle !== desired.bundle &&
    isHeldBy(seen.bundle, name, others)
  ) {
    return { on: "taken", object: name, words: `bundle ${seen.bundle} has it` };
  }
  const wait = backoff.get(name);
  if (wait !== undefined && wait.until > now) return { on: "backoff", object: name, words: wait.words };
  const overlooked = desired.overlooked.get(name);
  const parts = { ...(opened !== undefined && { opened }), ...(overlooked !== undefined && { overlooked }) };
  const what = { stage: stageOf(ref), ref, object, hash, ...parts };
  if (drifts && desired.drift === "report") return { do: "look", ...what };
  const opensReplicas = seen?.replicas === "ours" && member(object, "spec")["replicas"] === undefined;
  const isIgnored = overlooked !== undefined && overlooked.ignored.length > 0;
  const isThere = row !== undefined || seen !== undefined;
  const look = drifts || seen?.replicas === "scaled" || opensReplicas || (isThere && isIgnored);
  return { do: "apply", ...what, because, ...(look && { look }), ...(wanted.recreate && { recreate: true }) };
}

/** null: nothing to do. An object that was never listed is judged by the inventory alone. */
function reason({ wanted: { ref, hash }, row, seen }: Beside, { live }: PlanInput): Because | null {
  if (row === undefined) return seen === undefined ? "absent" : "changed";
  if (row.desired !== hash) return "changed";
  if (row.state === "intended") return "unsettled";
  if (unseenBecause(live, ref) !== undefined || seen?.stale === true) return null;
  if (seen === undefined) return "absent";
  if (seen.uid !== row.uid) return "drift";
  return seen.fields === row.fields && seen.live === row.live ? null : "drift";
}

type Because = "absent" | "changed" | "drift" | "unsettled";

/** It was as it should be once. One whose healing was begun is unsettled, and has the hashes of then. */
function isDrift(because: Because, row: InventoryRow | undefined): boolean {
  return row !== undefined && row.fields !== null && because !== "changed";
}

/** Why it stays as it is now; null where it does not. */
function leftAs(seen: Observed | undefined, left: Left | undefined, now: number): string | null {
  if (left === undefined || left.until <= now) return null;
  return left.fields === (seen?.fields ?? "") && left.live === (seen?.live ?? "") ? left.words : null;
}

/** Whether it differs from what our last apply left, and why that is left so. */
export function driftedOf(beside: Beside, input: PlanInput): ApplyPlan["drifted"][number] | null {
  const { name, row, seen } = beside;
  const because = reason(beside, input);
  if (because === null || !isDrift(because, row) || input.desired.drift === "ignore") return null;
  const words = leftAs(seen, input.left.get(name), input.now);
  return { object: name, words: words ?? "" };
}
