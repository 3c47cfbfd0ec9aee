import type { Bundle } from "../../shared/bundle.ts";
import type { ObjectRef } from "../../shared/live.ts";
import { picks } from "../../shared/picks.ts";
import type { Beside } from "./beside.ts";
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
export function phasesOf({ phases }: PlanInput, all: readonly Beside[], found: Found): Phases {
  if (phases.length === 0) return { waits: () => null, passed: null, failed: null };
  const of = all.map(({ wanted }) => phaseOf(wanted.ref, phases));
  let open = phases.length;
  let holding: number | null = null;
  for (const [index, phase] of of.entries()) {
    if (phase >= open || (found[index] === null && all[index]?.verdict.health === "healthy")) continue;
    [open, holding] = [phase, index];
  }
  const name = phases[open]?.name ?? "";
  const because = holding === null ? "" : `phase ${name} is not through: ${wordsOf(holding, all, found)}`;
  const broken = all.findIndex(
    ({ verdict }, index) =>
      open < phases.length && of[index] === open && found[index] === null && verdict.health === "failed",
  );
  return {
    waits: (index) => ((of[index] ?? 0) > open && !isFoundation((all[index] as Beside).wanted.ref) ? because : null),
    passed: phases.slice(0, open).findLast(({ noReturn }) => noReturn === true)?.name ?? null,
    failed: broken === -1 ? null : `phase ${name}: ${wordsOf(broken, all, found)}`,
  };
}

/** Of an object that is not through. */
export function wordsOf(index: number, all: readonly Beside[], found: Found): string {
  const { name, verdict } = all[index] as Beside;
  const own = found[index] ?? null;
  if (own !== null) return `${name} ${"do" in own ? "is not applied yet" : own.words}`;
  return `${name} ${verdict.health === "healthy" ? "is not seen yet" : verdict.because}`;
}
