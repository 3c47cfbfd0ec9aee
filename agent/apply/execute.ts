import { AppError } from "../../shared/errors.ts";
import { FIELD_MANAGER, type Fingerprint, type KubeObject, nameOf, type ObjectRef } from "../../shared/live.ts";
import type { Journal } from "../../shared/ports.ts";
import type { Cache, InventoryRow } from "../cache/cache.ts";
import type { ApplyPlan, Step } from "../plan/plan.ts";
import type { Kube } from "./kube.ts";
import type { Failure } from "./retry.ts";

/** More at a time gains nothing against one API server. */
const AT_ONCE = 8;

export interface Hands {
  kube: Kube;
  cache: Cache;
  /** The watched snapshot learns from the answers before their events come. */
  live: { feed(object: KubeObject): void; feedGone(ref: ObjectRef, uid: string): void };
  fingerprint(object: KubeObject): Fingerprint;
  journal: Journal;
  /** Steps of one stage that are done; called inside the transaction that settles them, so that none is done and never told. */
  tell(done: readonly Step[]): void;
}

/**
 * Does what the plan says, stage by stage; one bad object fails alone. The inventory names every object before it is applied,
 * so that a kill at any point leaves nothing behind that nobody knows of. Returns the failures.
 */
export async function execute(plan: ApplyPlan, hands: Hands): Promise<Failure[]> {
  intend(plan, hands);
  const failures: Failure[] = [];
  const stages = new Set(plan.steps.map((step) => step.stage));
  for (const stage of stages) {
    const settled: InventoryRow[] = [];
    const forgotten: ObjectRef[] = [];
    const done: Step[] = [];
    await eachAtOnce(
      plan.steps.filter((step) => step.stage === stage),
      async (step) => {
        try {
          if (await perform(step, hands, settled, forgotten)) done.push(step);
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          failures.push({ object: nameOf(step.ref), error });
        }
      },
    );
    if (settled.length + forgotten.length === 0) continue;
    hands.cache.transaction("inventory.settle", () => {
      if (settled.length > 0) hands.cache.keepInventory(plan.bundle, settled);
      if (forgotten.length > 0) hands.cache.dropInventory(plan.bundle, forgotten);
      hands.tell(done);
    });
  }
  return failures;
}

function intend(plan: ApplyPlan, { cache }: Hands): void {
  const known = new Map(cache.inventory(plan.bundle).map((row) => [nameOf(row.object), row]));
  const rows = plan.steps
    .filter((step) => step.do === "apply" && known.get(nameOf(step.ref))?.state !== "intended")
    .map((step): InventoryRow => {
      const held = known.get(nameOf(step.ref));
      // A drift that is being healed stays settled: its hashes are what it is healed to.
      const blank = { object: step.ref, uid: null, desired: "", fields: null, live: null };
      return { ...(held ?? blank), state: "intended" };
    });
  if (rows.length > 0) cache.transaction("inventory.intend", () => cache.keepInventory(plan.bundle, rows));
}

/** False where the step is accepted and not through. */
async function perform(
  step: Step,
  { kube, live, journal, fingerprint }: Hands,
  settled: InventoryRow[],
  forgotten: ObjectRef[],
): Promise<boolean> {
  switch (step.do) {
    case "apply": {
      journal("kube.apply", "before");
      const answer = kube.apply(step.opened?.reveal() ?? step.object, {
        manager: FIELD_MANAGER,
        force: true,
        dryRun: false,
      });
      journal("kube.apply", "between");
      const { object } = await answer;
      journal("kube.apply", "after");
      live.feed(object);
      const { fields, live: projected } = fingerprint(object);
      const uid = String(object.metadata["uid"] ?? "");
      // Accepted, but on its way out: it is applied only once its successor exists.
      if (object.metadata["deletionTimestamp"] !== undefined) return false;
      settled.push({ object: step.ref, uid, desired: step.hash, fields, live: projected, state: "applied" });
      return true;
    }
    case "delete": {
      journal("kube.delete", "before");
      const answer = kube.remove(step.ref, { uid: step.uid, propagation: "Background" });
      journal("kube.delete", "between");
      const gone = (await answer) === "gone";
      if (gone) {
        live.feedGone(step.ref, step.uid);
        forgotten.push(step.ref);
      }
      journal("kube.delete", "after");
      return gone;
    }
    case "forget":
      forgotten.push(step.ref);
      return true;
  }
}

async function eachAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, queue.length) }, worker));
}
