import { milliseconds } from "../../shared/names.ts";
import type { Because } from "./because.ts";
import type { Run } from "./run.ts";
import { approvalsFor } from "./verb.ts";

/** Why the first wave may not open yet; null where it may. */
export function whyNotYet(run: Run, now: number): Because | null {
  const after = waitsForAnother(run, now);
  if (after !== null) return after;
  return run.behind == null ? lacksApproval(run, 0) : { kind: "queued", ...run.behind };
}

/** The rollout that it comes after, where that has not come so far; null where it has. A return has waited long enough. */
export function waitsForAnother(run: Run, now: number): Extract<Because, { kind: "after" }> | null {
  for (const { rollout, soak = "0" } of run.back ? [] : (run.spec.after ?? [])) {
    const at = run.promoted?.[rollout];
    const soakSeconds = milliseconds(soak) / 1000;
    const forSeconds = at === undefined ? null : Math.floor((now - at) / 1000);
    if (forSeconds === null || forSeconds < soakSeconds) return { kind: "after", rollout, forSeconds, soakSeconds };
  }
  return null;
}

/** Who must still say yes before this wave opens; null where nobody must. */
export function lacksApproval(run: Run, opens: number): Extract<Because, { kind: "approval" }> | null {
  const { needed, given } = approvalsFor(run, opens);
  if (given.length >= needed) return null;
  const wave = run.plan.waves[opens - 1]?.name ?? null;
  return { kind: "approval", wave, given: given.map(({ who }) => who), needed, notBy: run.startedBy ?? null };
}
