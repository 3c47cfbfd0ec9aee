import { isDeepStrictEqual } from "node:util";
import type { step as stepOf } from "../../hub/rollout/step.ts";

/** At least so many steps lie between two that are taken twice. */
const EVERY = 16;

/**
 * A step over what changed decides what a step over everything decides. `differs` is told of one that does not. A step over everything
 * costs the fleet, so one in as many as there are sites is taken twice; which ones is the same for the same story.
 */
export function checkedStep(differs: (words: string, run: string) => void): (real: typeof stepOf) => typeof stepOf {
  let unchecked = 0;
  return (real) => (run, fleet, inputs, now, since) => {
    if (since === undefined || (unchecked += 1) < Math.max(EVERY, fleet.size))
      return real(run, fleet, inputs, now, since);
    unchecked = 0;
    // First: the other changes what it was given to count with.
    const whole = real(run, fleet, inputs, now);
    const taken = real(run, fleet, inputs, now, since);
    const parts = {
      phase: [whole.run.phase, taken.run.phase],
      sites: [[...whole.run.sites], [...taken.run.sites]],
      given: [whole.run.given, taken.run.given],
      effects: [whole.effects, taken.effects],
      because: [whole.because, taken.because],
    };
    for (const [part, [a, b]] of Object.entries(parts)) {
      if (!isDeepStrictEqual(a, b)) differs(`${part} of ${run.id}: ${shortened(a, b)}`, run.id);
    }
    return taken;
  };
}

function shortened(a: unknown, b: unknown): string {
  if (!Array.isArray(a) || !Array.isArray(b))
    return `${JSON.stringify(a)} by all, ${JSON.stringify(b)} by what changed`;
  const at = a.findIndex((each, index) => !isDeepStrictEqual(each, b[index]));
  return `${JSON.stringify(a[at])} by all, ${JSON.stringify(b[at])} by what changed`;
}
