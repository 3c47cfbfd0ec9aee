import { FIELD_MANAGER, type KubeObject, nameOf, type ObjectRef } from "../../shared/live.ts";
import type { Journal } from "../../shared/ports.ts";
import { NOTHING } from "../../shared/render/overlook.ts";
import type { Step } from "../plan/plan.ts";
import { adoption } from "./adoption.ts";
import { type Blocking, blocking } from "./blocking.ts";
import { type Difference, differences, isAutoscaled } from "./differences.ts";
import { type Kube, KubeError, type Ownership } from "./kube.ts";
import { withheld } from "./withheld.ts";

type Apply = Extract<Step, { do: "apply" }>;

/** What became of one apply. `found`: how the object differed, where it was read before. */
export interface Applied {
  /** `applied`; `kept` as others have it, which is no drift; `left` as it is, being contested; or on its way out, for a successor to come. */
  did: "applied" | "recreated" | "kept" | "left" | "deleting";
  /** As the server has it now; null where there is none. */
  object: KubeObject | null;
  found: readonly Difference[];
  /** What stood in the way of our fields, and was taken from whom. */
  took: Blocking["taken"];
}

interface ApplyHands {
  kube: Kube;
  live: { feedGone(ref: ObjectRef, uid: string): void };
  journal: Journal;
  /** May these fields of the object be put right now? Where not, it is left as it is. */
  mayHeal(object: string, found: readonly Difference[]): boolean;
}

/** Of an object that was as it should be, and that others made another. */
export function isHealing(step: Step): boolean {
  return step.do === "apply" && step.look === true && step.because !== "changed";
}

/**
 * One object as its step says. What hands own of it is ours first; where the server refuses ours beside what somebody put in its place, exactly that is
 * taken, once; where a field cannot change and the step allows it, the object is deleted by its UID and made anew, once. Throws what the
 * server refuses for good.
 */
export async function applyObject(step: Apply, hands: ApplyHands): Promise<Applied> {
  const { kube, mayHeal } = hands;
  const desired = step.opened?.reveal() ?? step.object;
  const { ignored } = step.overlooked ?? NOTHING;
  const seen = step.look === true ? await kube.get(step.ref) : null;
  const heals = isHealing(step);
  const found = heals ? differences(desired, seen, ignored) : [];
  if (seen !== null && isAutoscaled(found)) return { did: "kept", object: seen, found, took: [] };
  if (heals && !mayHeal(nameOf(step.ref), found)) return { did: "left", object: seen, found, took: [] };

  const took: Blocking["taken"] = [];
  const isAdopted = { value: false };
  const adopted = async (live: KubeObject): Promise<KubeObject> => {
    const ownership = adoption(live, desired, ignored);
    if (ownership === null) return live;
    isAdopted.value = true;
    return await owned(live, ownership, hands);
  };
  let base = seen === null ? null : await adopted(seen);
  for (let unblocked = false; ; ) {
    try {
      const answer = await sent(desired, base, step, hands);
      if (answer.metadata["deletionTimestamp"] !== undefined) return { did: "deleting", object: answer, found, took };
      if (isAdopted.value || adoption(answer, desired, ignored) === null)
        return { did: "applied", object: answer, found, took };
      // It was somebody's before it was ours, or is again: with the fields that became ours now, what is not in the manifest goes.
      base = await adopted(answer);
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 422) throw error;
      if (error.kubeClass === "immutable" && step.recreate === true) {
        return { ...(await recreated(desired, step, hands)), found, took };
      }
      if (error.kubeClass !== "manifest") throw error;
      const live = await kube.get(step.ref);
      if (live === null) throw error;
      base = isAdopted.value ? live : await adopted(live);
      if (isAdopted.value && base !== live) continue;
      const blocked = unblocked ? null : blocking(live, desired, ignored, error.fields);
      if (blocked === null) throw error;
      unblocked = true;
      took.push(...blocked.taken);
      base = await owned(live, blocked.ownership, hands);
    }
  }
}

/** Applies it, without what is another's to keep. `live`: as it was read just now; null where it was not. */
async function sent(desired: KubeObject, live: KubeObject | null, step: Apply, hands: ApplyHands): Promise<KubeObject> {
  const { kube, journal } = hands;
  const reduced = live === null ? desired : withheld(desired, live, (step.overlooked ?? NOTHING).ignored);
  // What was left out was left out for what the object is: where it is another by now, it is read again.
  const resourceVersion = String(live?.metadata["resourceVersion"] ?? "");
  const object = reduced === desired ? desired : { ...reduced, metadata: { ...reduced.metadata, resourceVersion } };
  journal("kube.apply", "before");
  const answer = kube.apply(object, { manager: FIELD_MANAGER, force: true, dryRun: false });
  journal("kube.apply", "between");
  const { object: applied } = await answer;
  journal("kube.apply", "after");
  return applied;
}

async function owned(live: KubeObject, ownership: Ownership, { kube, journal }: ApplyHands): Promise<KubeObject> {
  journal("kube.reown", "before");
  const answer = kube.reown(live, ownership);
  journal("kube.reown", "between");
  const object = await answer;
  journal("kube.reown", "after");
  return object;
}

async function recreated(
  desired: KubeObject,
  step: Apply,
  hands: ApplyHands,
): Promise<Pick<Applied, "did" | "object">> {
  const { kube, live, journal } = hands;
  const old = await kube.get(step.ref);
  if (old !== null) {
    const uid = String(old.metadata["uid"] ?? "");
    journal("kube.delete", "before");
    const answer = kube.remove(step.ref, { uid, propagation: "Background" });
    journal("kube.delete", "between");
    const isGone = (await answer) === "gone";
    journal("kube.delete", "after");
    // Held by a finalizer, or on its way: it is known as that from now on, and not deleted again.
    const left = isGone ? null : await kube.get(step.ref);
    if (left !== null) return { did: "deleting", object: left };
    live.feedGone(step.ref, uid);
  }
  return { did: "recreated", object: await sent(desired, null, step, hands) };
}
