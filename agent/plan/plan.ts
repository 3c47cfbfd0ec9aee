import {
  type KubeObject,
  type LiveView,
  nameOf,
  type ObjectRef,
  type Observed,
  unseenBecause,
} from "../../shared/live.ts";
import type { RenderedBundle } from "../../shared/render/render.ts";
import type { Opened } from "../../shared/render/sealed.ts";
import type { InventoryRow } from "../cache/cache.ts";
import { stageOf } from "./order.ts";

/** What shall be done to a cluster, in order, as data: the executor has no choices left. */
export interface ApplyPlan {
  readonly bundle: string;
  readonly digest: string;
  /** Stage by stage; within one in any order. */
  readonly steps: readonly Step[];
  /** What is not done now, and why. Done steps and waiting ones together are the whole way to the desired state. */
  readonly waitingOn: readonly Waiting[];
}

export type Step =
  | {
      readonly do: "apply";
      readonly stage: number;
      readonly ref: ObjectRef;
      readonly object: KubeObject;
      /** To apply in place of `object`. */
      readonly opened?: Opened;
      readonly hash: string;
      readonly because: "absent" | "changed" | "drift" | "unsettled";
    }
  | { readonly do: "delete"; readonly stage: number; readonly ref: ObjectRef; readonly uid: string }
  /** Only the inventory has to learn it. `gone`: what was applied is there no more, as after a kill before the answer was stored. */
  | { readonly do: "forget"; readonly stage: number; readonly ref: ObjectRef; readonly gone: boolean };

export interface Waiting {
  readonly on: "watch" | "backoff" | "deletion" | "apply" | "breaker" | "protected" | "taken";
  readonly object: string;
  readonly words: string;
}

export interface PlanInput {
  desired: RenderedBundle;
  live: LiveView;
  inventory: readonly InventoryRow[];
  /** Objects whose last try failed, by name: not before this monotonic time (ms), with the words why. */
  backoff: ReadonlyMap<string, { until: number; words: string }>;
  /** Share of the inventory (0 to 1) that one plan may delete. 1 where the site returns to what it had. */
  pruneShare: number;
  /** The version takes its bundle away: only then may all of it be deleted because nothing is desired. */
  removes: boolean;
  /** Monotonic, ms. */
  now: number;
}

/** Kinds whose deletion loses data or takes others along. */
const PROTECTED = new Set(["Namespace", "PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition"]);
const PRUNE_STAGE = 100;

export function plan(input: PlanInput): ApplyPlan {
  const rows = new Map(input.inventory.map((row) => [nameOf(row.object), row]));
  const steps: Step[] = [];
  const waitingOn: Waiting[] = [];
  for (const wanted of input.desired.objects) {
    const found = applyStep(wanted, rows.get(nameOf(wanted.ref)), input);
    if (found === null) continue;
    if ("do" in found) steps.push(found);
    else waitingOn.push(found);
  }
  const applied = steps.length === 0 && waitingOn.length === 0;
  const leaving = prune(input, rows);
  if (applied) {
    steps.push(...leaving.steps);
    waitingOn.push(...leaving.waitingOn);
  } else if (leaving.steps.length > 0) {
    waitingOn.push({
      on: "apply",
      object: "",
      words: `${leaving.steps.length} objects leave once the others are applied`,
    });
  }
  const ordered = steps.toSorted((a, b) => a.stage - b.stage);
  return { bundle: input.desired.bundle, digest: input.desired.digest, steps: ordered, waitingOn };
}

function applyStep(
  wanted: RenderedBundle["objects"][number],
  row: InventoryRow | undefined,
  { live, backoff, now, desired }: PlanInput,
): Step | Waiting | null {
  const name = nameOf(wanted.ref);
  const seen = live.objects.get(name);
  const unseen = unseenBecause(live, wanted.ref) !== undefined;
  const because = reason(wanted.hash, row, seen, unseen);
  if (because === null) return null;
  if (seen?.deleting === true) return { on: "deletion", object: name, words: "its predecessor is still being deleted" };
  if (seen !== undefined && seen.bundle !== "" && seen.bundle !== desired.bundle) {
    return { on: "taken", object: name, words: `bundle ${seen.bundle} has it` };
  }
  const wait = backoff.get(name);
  if (wait !== undefined && wait.until > now) return { on: "backoff", object: name, words: wait.words };
  return {
    do: "apply",
    stage: stageOf(wanted.ref),
    ref: wanted.ref,
    object: wanted.object,
    ...(wanted.opened !== undefined && { opened: wanted.opened }),
    hash: wanted.hash,
    because,
  };
}

/** null: nothing to do. An object that was never listed is judged by the inventory alone. */
function reason(
  hash: string,
  row: InventoryRow | undefined,
  seen: Observed | undefined,
  unseen: boolean,
): "absent" | "changed" | "drift" | "unsettled" | null {
  if (row === undefined) return seen === undefined ? "absent" : "changed";
  if (row.desired !== hash) return "changed";
  if (row.state === "intended") return "unsettled";
  if (unseen) return null;
  if (seen === undefined) return "absent";
  if (seen.uid !== row.uid) return "drift";
  return seen.fields === row.fields && seen.live === row.live ? null : "drift";
}

function prune(
  { desired, live, inventory, pruneShare, removes, backoff, now }: PlanInput,
  rows: ReadonlyMap<string, InventoryRow>,
): { steps: Step[]; waitingOn: Waiting[] } {
  const wanted = new Set(desired.objects.map(({ ref }) => nameOf(ref)));
  const steps: Step[] = [];
  const waitingOn: Waiting[] = [];
  for (const [name, row] of rows) {
    if (wanted.has(name)) continue;
    const ref = row.object;
    const unseen = unseenBecause(live, ref);
    const seen = live.objects.get(name);
    const wait = backoff.get(name);
    const stage = PRUNE_STAGE - stageOf(ref);
    if (unseen !== undefined) waitingOn.push({ on: "watch", object: name, words: unseen });
    // Not ours any more: another UID than the one we applied, or another bundle's label.
    else if (seen === undefined || (row.uid !== null && seen.uid !== row.uid) || seen.bundle !== desired.bundle) {
      steps.push({ do: "forget", stage, ref, gone: seen === undefined && row.uid !== null });
    } else if (PROTECTED.has(ref.kind)) {
      waitingOn.push({
        on: "protected",
        object: name,
        words: `a ${ref.kind} is deleted only where the bundle says so`,
      });
    } else if (seen.deleting) waitingOn.push({ on: "deletion", object: name, words: "is being deleted" });
    else if (wait !== undefined && wait.until > now) waitingOn.push({ on: "backoff", object: name, words: wait.words });
    else steps.push({ do: "delete", stage, ref, uid: seen.uid });
  }
  const deletes = steps.filter((step) => step.do === "delete").length;
  if ((desired.objects.length > 0 || removes) && deletes <= pruneShare * inventory.length) return { steps, waitingOn };
  if (deletes === 0) return { steps, waitingOn };
  const words = `${deletes} of ${inventory.length} objects would be deleted, the bundle allows ${Math.round(pruneShare * 100)} %`;
  return {
    steps: steps.filter((step) => step.do === "forget"),
    waitingOn: [...waitingOn, { on: "breaker", object: "", words }],
  };
}
