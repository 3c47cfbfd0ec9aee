import type { Rollout } from "../../shared/rollout.ts";
import type { FleetMember } from "../registry/site.ts";
import { plan } from "./plan.ts";
import type { Run, SiteProgress, Target } from "./run.ts";

export interface Start {
  id: string;
  rollout: string;
  commit: string;
  spec: Rollout;
  target: Target;
  back: boolean;
  seed: string;
  /** Whose order it is, where that is known. */
  startedBy?: string;
  /** Targets of the bundle's earlier runs. */
  known?: readonly Target[];
}

/** A run with its frozen plan, before its first step. Throws what `plan` throws. */
export function startRun(start: Start, fleet: readonly FleetMember[], now: number): Run {
  const { seed, ...rest } = start;
  const frozen = plan(start.spec, start.target, fleet, seed);
  const sites = Object.fromEntries(
    frozen.waves.flatMap((wave, index) => wave.sites.map((site) => [site, notBegun(index, now)])),
  );
  return { ...rest, plan: frozen, startedAt: now, phase: { kind: "planned" }, sites };
}

export function notBegun(wave: number, now: number): SiteProgress {
  return { wave, outcome: "pending", since: now, assignedAt: null, dueAt: null, code: null };
}
