import type * as effects from "../../hub/rollout/effects.ts";
import type * as evidence from "../../hub/rollout/evidence.ts";
import type * as gateOf from "../../hub/rollout/gate.ts";
import type * as outcome from "../../hub/rollout/outcome.ts";
import type * as pace from "../../hub/rollout/pace.ts";
import type * as planOf from "../../hub/rollout/plan.ts";
import type * as wake from "../../hub/rollout/wake.ts";
import type { Planted } from "./planted.ts";

type Waiting = Extract<ReturnType<typeof gateOf.gate>, { kind: "wait" }>["because"];

/** A gate that passes where it should wait for this. */
function passesAtOnce(name: string, isIt: (because: Waiting) => boolean): Planted {
  return {
    name,
    breaks: ["gate"],
    functions: {
      "hub/rollout/gate.ts gate":
        (real: typeof gateOf.gate): typeof gateOf.gate =>
        (wave, tally, rules) => {
          const verdict = real(wave, tally, rules);
          return verdict.kind === "wait" && isIt(verdict.because) ? { kind: "pass" } : verdict;
        },
    },
  };
}

/** In what a run gives, and when its waves pass. */
export const OF_WAVES: readonly Planted[] = [
  passesAtOnce(
    "a wave passes with one healthy site too few",
    (because) => because.kind === "moving" && because.healthy === because.needed - 1,
  ),
  passesAtOnce("the soak is not waited for", ({ kind }) => kind === "soaking"),
  passesAtOnce("offline sites stand for a quorum", ({ kind }) => kind === "quorum"),
  {
    name: "failures in a wave that passed are forgotten",
    breaks: ["gate"],
    functions: {
      "hub/rollout/gate.ts tooManyFailures": (): typeof gateOf.tooManyFailures => () => null,
    },
  },
  {
    name: "what a site said before it took the assignment counts",
    breaks: ["gate", "withdrawn", "stopped"],
    functions: {
      "hub/rollout/evidence.ts acknowledged": (): typeof evidence.acknowledged => () => true,
    },
  },
  {
    name: "one more than the pace allows is on its way",
    breaks: ["concurrent"],
    functions: {
      "hub/rollout/pace.ts freeToGive":
        (real: typeof pace.freeToGive): typeof pace.freeToGive =>
        (run, tally, now) =>
          real(run, tally, now) + (run.spec.pace?.perMinute === undefined ? 1 : 0),
    },
  },
  {
    name: "nobody counts who began within the minute",
    breaks: ["perMinute"],
    functions: {
      "hub/rollout/pace.ts gave": (): typeof pace.gave => (run) => run,
    },
  },
  {
    name: "a paused run goes on giving",
    breaks: ["stopped"],
    functions: {
      "hub/rollout/outcome.ts isMoving":
        (real: typeof outcome.isMoving): typeof outcome.isMoving =>
        (run, progress) =>
          run.phase.kind === "paused" || real(run, progress),
    },
  },
  {
    name: "nothing is withdrawn",
    breaks: ["withdrawn"],
    functions: {
      "hub/rollout/effects.ts effectsAt":
        (real: typeof effects.effectsAt): typeof effects.effectsAt =>
        (...asked) =>
          real(...asked).filter(({ kind }) => kind !== "withdraw"),
    },
  },
  {
    name: "a site is planned twice",
    breaks: ["oneWave"],
    functions: {
      "hub/rollout/plan.ts plan":
        (real: typeof planOf.plan): typeof planOf.plan =>
        (...asked) => {
          const plan = real(...asked);
          const [first, last] = [plan.waves[0], plan.waves.at(-1)];
          if (first === undefined || last === undefined || first === last) return plan;
          return {
            ...plan,
            waves: [...plan.waves.slice(0, -1), { ...last, sites: [...last.sites, first.sites[0] ?? ""] }],
          };
        },
    },
  },
  {
    name: "nobody looks again when time is up",
    breaks: ["whole", "settled"],
    functions: {
      "hub/rollout/wake.ts wakeAt": (): typeof wake.wakeAt => () => Number.POSITIVE_INFINITY,
    },
  },
];
