import type { Rollout } from "../../shared/rollout.ts";
import type { FleetMember } from "../registry/site.ts";
import { plan } from "./plan.ts";
import { jobsAbove } from "./ran.ts";
import type { Plan, Run, SiteProgress, Target } from "./run.ts";
import { Sites } from "./sites.ts";

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
  /** Why, where a person started it. */
  reason?: string;
  /** In line, where it takes that of the run that it supersedes. */
  place?: number;
  /** Targets of the bundle's earlier runs. */
  known?: readonly Target[];
}

/** A run with its frozen plan, before its first step. Throws what `plan` throws. */
export function startRun(start: Start, fleet: readonly FleetMember[], now: number): Run {
  const { seed, ...rest } = start;
  const frozen = plan(start.spec, start.target, fleet, seed);
  const ran = start.back ? jobsAbove(frozen, fleet, start.target) : [];
  return {
    ...rest,
    ...(ran.length > 0 && { ran }),
    plan: frozen,
    startedAt: now,
    phase: { kind: "planned" },
    sites: sitesAtStart(frozen, now),
  };
}

/** What became of nobody yet: what was stored since is laid over it when a hub starts. */
export function sitesAtStart({ waves }: Plan, startedAt: number): Sites {
  return Sites.of(
    waves.flatMap((wave, index) =>
      wave.sites.map((site): [string, SiteProgress] => [site, notBegun(index, startedAt)]),
    ),
  );
}

export function notBegun(wave: number, now: number): SiteProgress {
  return { wave, outcome: "pending", since: now, assignedAt: null, dueAt: null, code: null };
}
