import { nameOf, unseenBecause } from "../../shared/live.ts";
import { picks } from "../../shared/picks.ts";
import type { InventoryRow } from "../cache/cache.ts";
import { claimantOf, comingIn } from "./claims.ts";
import { isCustom, isJob, stageOf } from "./order.ts";
import type { PlanInput, Step, Waiting } from "./plan.ts";

/** Kinds whose deletion loses data or takes others along. */
const PROTECTED = new Set(["Namespace", "PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition"]);
const PRUNE_STAGE = 100;

type Leaving = Step | Waiting;

/** What leaves. `rows`: those of the inventory whose object has no place any more; nothing else is ever deleted. */
export function prune(
  input: PlanInput,
  rows: ReadonlyMap<string, InventoryRow>,
): { steps: Step[]; waitingOn: Waiting[] } {
  const { desired, inventory, pruneShare, removes } = input;
  const leaving = [...rows].map(([name, row]) => ({ row, found: leave(name, row, input) }));
  const deletes = leaving.filter(({ found }) => "do" in found && found.do === "delete").length;
  const isAllowed = (desired.objects.length > 0 || removes) && deletes <= pruneShare * inventory.length;
  const steps: Step[] = [];
  const waitingOn: Waiting[] = [];
  const last = lastStage(leaving);
  for (const { row, found } of leaving) {
    if (!("do" in found)) waitingOn.push(found);
    else if (found.do !== "delete") steps.push(found);
    else if (isAllowed && found.stage <= last) steps.push(found);
    else if (isAllowed) {
      const words = "leaves once the custom resources before it are gone";
      waitingOn.push({ on: "order", object: nameOf(row.object), words });
    }
  }
  if (isAllowed || deletes === 0) return { steps, waitingOn };
  const words = `${deletes} of ${inventory.length} objects would be deleted, the bundle allows ${Math.round(pruneShare * 100)} %`;
  return { steps, waitingOn: [...waitingOn, { on: "breaker", object: "", words }] };
}

function leave(name: string, row: InventoryRow, input: PlanInput): Leaving {
  const { live, desired, backoff, now, allow, others } = input;
  const ref = row.object;
  const unseen = unseenBecause(live, ref);
  const seen = live.objects.get(name);
  const wait = backoff.get(name);
  const stage = PRUNE_STAGE - stageOf(ref);
  if (unseen !== undefined) return { on: "watch", object: name, words: unseen };
  // Not ours any more: another UID than the one we applied, or another bundle's label.
  if (seen === undefined || (row.uid !== null && seen.uid !== row.uid) || seen.bundle !== desired.bundle) {
    return { do: "forget", stage, ref, gone: seen === undefined && row.uid !== null };
  }
  const claimant = claimantOf(name, others);
  if (claimant !== null) {
    return { on: "handover", object: name, words: `is left to bundle ${claimant}, which takes it over` };
  }
  const coming = isJob(ref) ? null : comingIn(others);
  if (coming !== null) {
    const words = `stays until the version of ${coming} that is to run here is here: it may take it over`;
    return { on: "handover", object: name, words };
  }
  if (seen.keep === true) return { on: "protected", object: name, words: "is kept: it says skerry.dev/prune: never" };
  if (PROTECTED.has(ref.kind) && !allow.some((each) => picks(each, ref))) {
    const words = `a ${ref.kind} is deleted only where the bundle says so (prune.allow)`;
    return { on: "protected", object: name, words };
  }
  if (seen.deleting) return { on: "deletion", object: name, words: "is being deleted" };
  if (wait !== undefined && wait.until > now) return { on: "backoff", object: name, words: wait.words };
  return { do: "delete", stage, ref, uid: seen.uid, because: "pruned" };
}

/** Whoever looks after custom resources has to see them off: until they are gone, nothing after them goes. */
function lastStage(leaving: readonly { row: InventoryRow; found: Leaving }[]): number {
  const waitsFor = leaving.find(
    ({ row, found }) => isCustom(row.object) && ("do" in found ? found.do === "delete" : found.on === "deletion"),
  );
  return waitsFor === undefined ? Number.POSITIVE_INFINITY : PRUNE_STAGE - stageOf(waitsFor.row.object);
}
