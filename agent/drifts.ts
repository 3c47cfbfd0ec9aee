import { type Contests, ruling } from "./apply/contested.ts";
import type { Hands } from "./apply/execute.ts";
import type { Left } from "./plan/plan.ts";

/** What this process remembers of the objects of one bundle that others change: whoever asks passes the time (monotonic, ms). */
export class Drifts {
  /** Objects that stay as others made them, by name. */
  readonly left = new Map<string, Left>();
  private readonly contests = new Map<string, Contests>();
  /** Rulings of this pass against healing. */
  private readonly refused = new Map<string, { until: number; tell: boolean }>();

  hands(now: () => number): Pick<Hands, "mayHeal" | "leave"> {
    return {
      mayHeal: (object, found) => {
        const fields = found.length === 0 ? [""] : found.map(({ field }) => field);
        const ruled = ruling(this.contests.get(object) ?? new Map(), fields, now());
        this.contests.set(object, ruled.contests);
        if (ruled.heal) this.left.delete(object);
        else this.refused.set(object, ruled);
        return ruled.heal;
      },
      leave: (object, as, words) => {
        const { until, tell } = this.refused.get(object) ?? { until: Number.POSITIVE_INFINITY, tell: true };
        this.refused.delete(object);
        this.left.set(object, { ...as, until, words: Number.isFinite(until) ? `contested: ${words}` : words });
        return tell;
      },
    };
  }

  /** A new state is another wish: what was left is looked at again. How often each field was put right stays known. */
  restart(): void {
    this.left.clear();
  }

  /** When the next object may be put right again; none where nothing waits for time. */
  waits(): number[] {
    return [...this.left.values()].map(({ until }) => until).filter(Number.isFinite);
  }
}
