import type { Bundle } from "../../shared/bundle.ts";
import { nameOf, type ObjectRef } from "../../shared/live.ts";
import { picks } from "../../shared/picks.ts";
import type { RenderedBundle } from "../../shared/render/render.ts";
import { isFoundation } from "./order.ts";
import type { PlanInput, Step, Waiting } from "./plan.ts";

export type Phase = NonNullable<Bundle["phases"]>[number];

/** What each object needs by itself, in the order of the bundle; null: nothing, it is as it should be. */
export type Found = readonly (Step | Waiting | null)[];

export interface Phases {
  /** Why an object has to wait for those before it; null where it has not. */
  waits(index: number): string | null;
  /** The last phase without return that is through. */
  passed: string | null;
  /** What is wrong for good in the phase that others wait for. */
  failed: string | null;
}

/** The first phase that picks it; what none picks comes after all of them. */
export function phaseOf(ref: ObjectRef, phases: readonly Phase[]): number {
  const index = phases.findIndex(({ objects }) => picks(objects ?? {}, ref));
  return index === -1 ? phases.length : index;
}

/** How far the phases are: each is through when all of its objects are as they should be, and healthy. */
export function phasesOf(input: PlanInput, found: Found): Phases {
  const { desired, phases } = input;
  const of = desired.objects.map(({ ref }) => phaseOf(ref, phases));
  let open = phases.length;
  let holding: number | null = null;
  for (const [index, phase] of of.entries()) {
    if (phase < open && !isThrough(index, input, found)) [open, holding] = [phase, index];
  }
  const name = phases[open]?.name ?? "";
  const because = holding === null ? "" : `phase ${name} is not through: ${wordsOf(holding, input, found)}`;
  const broken = desired.objects.find(
    ({ ref }, index) =>
      open < phases.length &&
      of[index] === open &&
      found[index] === null &&
      input.health.get(nameOf(ref))?.health === "failed",
  );
  return {
    waits: (index) => ((of[index] ?? 0) > open && !isFoundation(refAt(desired, index)) ? because : null),
    passed: phases.slice(0, open).findLast(({ noReturn }) => noReturn === true)?.name ?? null,
    failed: broken === undefined ? null : `phase ${name}: ${nameOf(broken.ref)} ${reasonOf(broken.ref, input)}`,
  };
}

function isThrough(index: number, { desired, health }: PlanInput, found: Found): boolean {
  return found[index] === null && health.get(nameOf(refAt(desired, index)))?.health === "healthy";
}

/** Of an object that is not through. */
export function wordsOf(index: number, input: PlanInput, found: Found): string {
  const ref = refAt(input.desired, index);
  const own = found[index];
  if (own === null || own === undefined) return `${nameOf(ref)} ${reasonOf(ref, input)}`;
  return `${nameOf(ref)} ${"do" in own ? "is not applied yet" : own.words}`;
}

function reasonOf(ref: ObjectRef, { health }: PlanInput): string {
  const verdict = health.get(nameOf(ref));
  return verdict === undefined || verdict.health === "healthy" ? "is not seen yet" : verdict.because;
}

function refAt({ objects }: RenderedBundle, index: number): ObjectRef {
  return (objects[index] as RenderedBundle["objects"][number]).ref;
}
