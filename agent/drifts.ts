import { type Contests, healed, ruling } from "./apply/contested.ts";
import type { Difference } from "./apply/differences.ts";
import type { Hands } from "./apply/execute.ts";
import type { Left } from "./plan/plan.ts";

/** What this process remembers of the objects of one bundle that others change: whoever asks passes the time (monotonic, ms). */
export class Drifts {
  /** Objects that stay as others made them, by name. */
  readonly left = new Map<string, Left>();
  private readonly contests = new Map<string, Contests>();
  /** Rulings of this pass against healing. */
  private readonly refused = new Map<string, { until: number; tell: boolean }>();

  hands(now: () => number): Pick<Hands, "mayHeal" | "healed" | "leave"> {
    const of = (object: string): Contests => this.contests.get(object) ?? new Map();
    return {
      mayHeal: (object, found) => {
        const ruled = ruling(of(object), fieldsOf(found), now());
        if (ruled.heal) return true;
        this.contests.set(object, ruled.contests);
        this.refused.set(object, ruled);
        return false;
      },
      healed: (object, found) => {
        this.contests.set(object, healed(of(object), fieldsOf(found), now()));
        this.left.delete(object);
      },
      leave: (object, as, words) => {
        const { until, tell } = this.refused.get(object) ?? { until: Number.POSITIVE_INFINITY, tell: true };
        this.refused.delete(object);
        this.left.set(object, { ...as, until, words: Number.isFinite(until) ? `contested: ${words}` : words });
        return tell;
      },
    };
  }

  /** A new state is another wish: what was left is tried again. */
  restart(): void {
    this.left.clear();
    this.contests.clear();
  }

  /** When the next object may be put right again; none where nothing waits for time. */
  waits(): number[] {
    return [...this.left.values()].map(({ until }) => until).filter(Number.isFinite);
  }
}

/** What nothing names is counted as the object itself. */
function fieldsOf(found: readonly Difference[]): string[] {
  return found.length === 0 ? [""] : found.map(({ field }) => field);
}
