import { nameOf } from "../shared/live.ts";
import { type Failure, failureWords, isFinal, waitFor } from "./apply/retry.ts";
import type { Step } from "./plan/plan.ts";

interface Try {
  /** Monotonic ms. */
  until: number;
  attempts: number;
  words: string;
  /** Trying again alone will not help. */
  lasts: boolean;
}

/** A step that failed. `isNew`: it will not come right by itself, and that was not known before. */
export interface Failed extends Try {
  step: Step;
  name: string;
  failure: Failure;
  isNew: boolean;
}

/** Objects of one bundle that failed, and when each is tried again. */
export class Tries {
  private readonly byName = new Map<string, Try>();

  get waiting(): ReadonlyMap<string, Try> {
    return this.byName;
  }

  clear(): void {
    this.byName.clear();
  }

  /** `chance` (0 to 1) is one for all: what failed together is tried together, not one after the other for as long as it takes. */
  learn(steps: readonly Step[], failures: readonly Failure[], now: number, chance: number): Failed[] {
    const failed = new Map(failures.map((failure) => [failure.object, failure]));
    return steps.flatMap((step): Failed[] => {
      const name = nameOf(step.ref);
      const failure = failed.get(name);
      const before = this.byName.get(name);
      if (failure === undefined) {
        this.byName.delete(name);
        return [];
      }
      const attempts = (before?.attempts ?? 0) + 1;
      const until = now + waitFor(failure, attempts, chance);
      const entry = { until, attempts, words: failureWords(failure), lasts: isFinal(failure) };
      this.byName.set(name, entry);
      return [{ ...entry, step, name, failure, isNew: entry.lasts && before?.lasts !== true }];
    });
  }
}
