import { AppError } from "../../shared/errors.ts";
import { FIELD_MANAGER, type Fingerprint, type KubeObject, nameOf, type ObjectRef } from "../../shared/live.ts";
import type { Journal } from "../../shared/ports.ts";
import { NOTHING, type Overlooked } from "../../shared/render/overlook.ts";
import type { Cache, InventoryRow, JobChange } from "../cache/cache.ts";
import type { ApplyPlan, Step } from "../plan/plan.ts";
import { type Applied, applyObject, isHealing } from "./apply-object.ts";
import { type Difference, differences, differenceWords, isAutoscaled } from "./differences.ts";
import type { Kube } from "./kube.ts";
import type { Failure } from "./retry.ts";

/** More at a time gains nothing against one API server. */
const AT_ONCE = 8;

export interface Hands {
  kube: Kube;
  cache: Cache;
  /** The watched snapshot learns from the answers before their events come. */
  live: { feed(object: KubeObject, as?: Fingerprint): void; feedGone(ref: ObjectRef, uid: string): void };
  fingerprint(object: KubeObject, overlooked?: Overlooked): Fingerprint;
  journal: Journal;
  /** What is known of Jobs; called inside the transaction before they are sent, and the one that settles them. */
  note(jobs: readonly JobChange[]): void;
  /** May these fields of the object be put right now? Where not, it is left as it is. */
  mayHeal(object: string, found: readonly Difference[]): boolean;
  /** They were. */
  healed(object: string, found: readonly Difference[]): void;
  /** It stays as others made it: this is how it is. Whether that is to be told. */
  leave(object: string, as: Fingerprint, words: string): boolean;
  /** Steps of one stage that are done; called inside the transaction that settles them, so that none is done and never told. */
  tell(done: readonly Done[]): void;
}

/** A step that is through. */
export interface Done {
  step: Step;
  /** Of an object that was read first: what became of it. */
  did?: Applied["did"];
  /** How it differed from what was applied, for a person. */
  words?: string;
}

/**
 * Does what the plan says, stage by stage; one bad object fails alone. The inventory names every object before it is applied,
 * so that a kill at any point leaves nothing behind that nobody knows of. Once it is `enough`, no step is begun any more, so that a slow
 * server keeps nobody from hearing of this site. Returns the failures.
 */
export async function execute(plan: ApplyPlan, hands: Hands, enough: () => boolean): Promise<Failure[]> {
  const held = intend(plan, hands);
  const failures: Failure[] = [];
  const stages = new Set(plan.steps.map((step) => step.stage));
  for (const stage of stages) {
    if (enough()) break;
    const learnt: Learnt = { settled: [], forgotten: [], jobs: [] };
    const done: Done[] = [];
    await eachAtOnce(
      plan.steps.filter((step) => step.stage === stage),
      async (step) => {
        try {
          const through = await perform(step, hands, learnt, held);
          if (through !== null) done.push(through);
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          failures.push({ object: nameOf(step.ref), error });
        }
      },
      enough,
    );
    const { settled, forgotten, jobs } = learnt;
    if (settled.length + forgotten.length + jobs.length + done.length === 0) continue;
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

/** Returns what was known of each object before. */
function intend(plan: ApplyPlan, { cache, note }: Hands): ReadonlyMap<string, InventoryRow> {
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
  if (rows.length + jobs.length === 0) return known;
  cache.transaction("inventory.intend", () => {
    if (rows.length > 0) cache.keepInventory(plan.bundle, rows);
    if (jobs.length > 0) note(jobs);
  });
  return known;
}

/** null where the step is accepted and not through. */
async function perform(
  step: Step,
  hands: Hands,
  learnt: Learnt,
  held: ReadonlyMap<string, InventoryRow>,
): Promise<Done | null> {
  const { kube, live, journal } = hands;
  switch (step.do) {
    case "apply":
      return settle(step, await applyObject(step, hands), hands, learnt, held.get(nameOf(step.ref)));
    case "look": {
      const object = await kube.get(step.ref);
      const found = differences(step.opened?.reveal() ?? step.object, object, (step.overlooked ?? NOTHING).ignored);
      if (object !== null && (found.length === 0 || isAutoscaled(found))) {
        learnt.settled.push(rowOf(step, object, hands));
        return null;
      }
      const words = differenceWords(found);
      hands.leave(nameOf(step.ref), fingerprintOf(step, object, hands), words);
      return { step, did: "left", words };
    }
    case "start": {
      journal("kube.apply", "before");
      const answer = kube.apply(step.object, { manager: FIELD_MANAGER, force: true, dryRun: false });
      journal("kube.apply", "between");
      const { object } = await answer;
      journal("kube.apply", "after");
      const row = rowOf(step, object, hands);
      live.feed(object, row);
      if (object.metadata["deletionTimestamp"] !== undefined) return null;
      learnt.jobs.push({ object: step.ref, uid: row.uid ?? "" });
      learnt.settled.push(row);
      return { step };
    }
    case "delete": {
      journal("kube.delete", "before");
      const answer = kube.remove(step.ref, { uid: step.uid, propagation: "Background" });
      journal("kube.delete", "between");
      const gone = (await answer) === "gone";
      if (gone) {
        live.feedGone(step.ref, step.uid);
        learnt.forgotten.push(step.ref);
      }
      journal("kube.delete", "after");
      return gone ? { step } : null;
    }
    case "finish":
      learnt.jobs.push({ object: step.ref, result: step.result });
      return { step };
    case "forget":
      learnt.forgotten.push(step.ref);
      return { step };
  }
}

function settle(
  step: Extract<Step, { do: "apply" }>,
  applied: Applied,
  hands: Hands,
  { settled }: Learnt,
  held: InventoryRow | undefined,
): Done | null {
  const { did, object, found, took } = applied;
  const words = [differenceWords(found), ...took.map(({ field, by }) => `took ${field} from ${by}`)]
    .filter((part) => part !== "")
    .join("; ");
  switch (did) {
    // Accepted, but on its way out: it is applied only once its successor exists.
    case "deleting":
      if (object !== null) hands.live.feed(object);
      return null;
    case "left":
      // Nothing was done after all: it is what it was, and stays known as that.
      if (held !== undefined) settled.push({ ...held, state: "applied" });
      return hands.leave(nameOf(step.ref), fingerprintOf(step, object, hands), words) ? { step, did, words } : null;
    case "kept":
    case "applied":
    case "recreated":
      if (object !== null) {
        const row = rowOf(step, object, hands);
        hands.live.feed(object, row);
        settled.push(row);
      }
      if (did !== "kept" && isHealing(step)) hands.healed(nameOf(step.ref), found);
      return { step, did, words };
  }
}

type Sent = Extract<Step, { do: "apply" | "look" | "start" }>;

function rowOf(step: Sent, object: KubeObject, hands: Hands): InventoryRow & Fingerprint {
  const uid = String(object.metadata["uid"] ?? "");
  return { object: step.ref, uid, desired: step.hash, ...fingerprintOf(step, object, hands), state: "applied" };
}

function fingerprintOf(step: Sent, object: KubeObject | null, { fingerprint }: Hands): Fingerprint {
  if (object === null) return { fields: "", live: "" };
  return fingerprint(object, "overlooked" in step ? step.overlooked : undefined);
}

async function eachAtOnce<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  enough: () => boolean,
): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined && !enough(); item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, queue.length) }, worker));
}
