import { AppError } from "../../shared/errors.ts";
import { FIELD_MANAGER, type Fingerprint, type KubeObject, nameOf, type ObjectRef } from "../../shared/live.ts";
import type { Journal } from "../../shared/ports.ts";
import type { Cache, InventoryRow, JobChange } from "../cache/cache.ts";
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
  /** What is known of Jobs; called inside the transaction before they are sent, and the one that settles them. */
  note(jobs: readonly JobChange[]): void;
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
    const learnt: Learnt = { settled: [], forgotten: [], jobs: [] };
    const done: Step[] = [];
    await eachAtOnce(
      plan.steps.filter((step) => step.stage === stage),
      async (step) => {
        try {
          if (await perform(step, hands, learnt)) done.push(step);
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          failures.push({ object: nameOf(step.ref), error });
        }
      },
    );
    const { settled, forgotten, jobs } = learnt;
    if (settled.length + forgotten.length + jobs.length === 0) continue;
    hands.cache.transaction("inventory.settle", () => {
      if (settled.length > 0) hands.cache.keepInventory(plan.bundle, settled);
      if (forgotten.length > 0) hands.cache.dropInventory(plan.bundle, forgotten);
      if (jobs.length > 0) hands.note(jobs);
      hands.tell(done);
    });
  }
  return failures;
}

/** What one stage's steps taught us: kept together, or not at all. */
interface Learnt {
  settled: InventoryRow[];
  forgotten: ObjectRef[];
  jobs: JobChange[];
}

function intend(plan: ApplyPlan, { cache, note }: Hands): void {
  const known = new Map(cache.inventory(plan.bundle).map((row) => [nameOf(row.object), row]));
  const rows = plan.steps
    .filter((step) => (step.do === "apply" || step.do === "start") && known.get(nameOf(step.ref))?.state !== "intended")
    .map((step): InventoryRow => {
      const held = known.get(nameOf(step.ref));
      // A drift that is being healed stays settled: its hashes are what it is healed to.
      const blank = { object: step.ref, uid: null, desired: "", fields: null, live: null };
      return { ...(held ?? blank), state: "intended" };
    });
  const jobs = plan.steps.flatMap((step) => (step.do === "start" ? [{ object: step.ref }] : []));
  if (rows.length + jobs.length === 0) return;
  cache.transaction("inventory.intend", () => {
    if (rows.length > 0) cache.keepInventory(plan.bundle, rows);
    if (jobs.length > 0) note(jobs);
  });
}

/** False where the step is accepted and not through. */
async function perform(
  step: Step,
  { kube, live, journal, fingerprint }: Hands,
  { settled, forgotten, jobs }: Learnt,
): Promise<boolean> {
  switch (step.do) {
    case "apply":
    case "start": {
      const object = step.do === "apply" ? (step.opened?.reveal() ?? step.object) : step.object;
      journal("kube.apply", "before");
      const answer = kube.apply(object, {
        manager: FIELD_MANAGER,
        force: true,
        dryRun: false,
      });
      journal("kube.apply", "between");
      const { object: found } = await answer;
      journal("kube.apply", "after");
      live.feed(found);
      const { fields, live: projected } = fingerprint(found);
      const uid = String(found.metadata["uid"] ?? "");
      // Accepted, but on its way out: it is applied only once its successor exists.
      if (found.metadata["deletionTimestamp"] !== undefined) return false;
      if (step.do === "start") jobs.push({ object: step.ref, uid });
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
    case "finish":
      jobs.push({ object: step.ref, result: step.result });
      return true;
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
