import type { State } from "../../agent/cache/cache.ts";
import type { Verdict } from "../../shared/health.ts";
import type { Chance } from "./chance.ts";
import type { Nature } from "./versions.ts";

interface Applied {
  key: string;
  nature: Nature;
  /** When all of it is there. */
  at: number;
  /** When it is healthy, or would be. */
  healthyAt: number;
  /** A mayfly's. */
  endsAt: number;
}

/** One bundle's objects in the cluster of a site: they are there whether or not an agent runs. */
export class Cluster {
  private readonly chance: Chance;
  private readonly slowness: number;
  private applied: Applied | null = null;

  constructor(chance: Chance, slowness: number) {
    this.chance = chance;
    this.slowness = slowness;
  }

  /** Makes the objects be of this state. */
  apply(state: State, nature: Nature, now: number): void {
    const key = `${state.digest} ${state.values} ${state.record}`;
    if (this.applied?.key === key) return;
    const { chance, slowness } = this;
    const at = now + slowness * chance.delay(2_000);
    const healthyAt = at + slowness * chance.delay(5_000);
    this.applied = { key, nature, at, healthyAt, endsAt: healthyAt + chance.between(10_000, 300_000) };
  }

  isApplied(now: number): boolean {
    return this.applied !== null && this.applied.nature !== "refused" && now >= this.applied.at;
  }

  isRefused(now: number): boolean {
    return this.applied !== null && this.applied.nature === "refused" && now >= this.applied.at;
  }

  /** While this runs, nothing of the site gets through. */
  isDeaf(now: number): boolean {
    return this.applied?.nature === "deaf" && now >= this.applied.at;
  }

  verdict(now: number): Verdict {
    const { applied } = this;
    if (applied === null || now < applied.healthyAt) return { health: "progressing", because: "starting" };
    switch (applied.nature) {
      case "unwell":
        return { health: "progressing", because: "not ready" };
      case "broken":
        return { health: "failed", because: "crashes" };
      case "mayfly":
        return now < applied.endsAt ? { health: "healthy" } : { health: "progressing", because: "not ready any more" };
      default:
        return { health: "healthy" };
    }
  }

  /** When something will change by itself. */
  changesAt(now: number): number | null {
    const { applied } = this;
    if (applied === null) return null;
    const ahead = [applied.at, applied.healthyAt, ...(applied.nature === "mayfly" ? [applied.endsAt] : [])];
    const next = Math.min(...ahead.filter((at) => at > now));
    return Number.isFinite(next) ? next : null;
  }
}
