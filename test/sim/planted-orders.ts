import type * as changesOf from "../../hub/changes.ts";
import type * as beginOf from "../../hub/rollout/begin.ts";
import type * as inputOf from "../../hub/rollout/input.ts";
import type * as outcome from "../../hub/rollout/outcome.ts";
import type * as prepareOf from "../../hub/rollout/prepare.ts";
import type * as queueOf from "../../hub/rollout/queue.ts";
import type * as ready from "../../hub/rollout/ready.ts";
import type * as verbOf from "../../hub/rollout/verb.ts";
import type * as windowOf from "../../hub/rollout/window.ts";
import type * as reportOf from "../../shared/report.ts";
import type * as verbs from "../../shared/verbs.ts";
import type { Planted } from "./planted.ts";

/** In what lets a run begin and go on beside evidence: files, people, other runs, windows. */
export const OF_ORDERS: readonly Planted[] = [
  {
    name: "one approval too few lets a wave open",
    breaks: ["approved"],
    functions: {
      "hub/rollout/verb.ts approvalsFor":
        (real: typeof verbOf.approvalsFor): typeof verbOf.approvalsFor =>
        (run, opens) => {
          const { needed, given } = real(run, opens);
          return { needed: needed === 0 ? 0 : needed - 1, given };
        },
    },
  },
  {
    name: "whoever started a run may approve it",
    breaks: ["approved"],
    functions: {
      "hub/rollout/verb.ts refusalOf":
        (real: typeof verbOf.refusalOf): typeof verbOf.refusalOf =>
        (run, act) => {
          const { startedBy: _, ...rest } = run;
          return real(act.kind === "approve" ? rest : run, act);
        },
    },
  },
  {
    name: "every role may approve",
    breaks: ["approved"],
    functions: { "shared/verbs.ts mayDo": (): typeof verbs.mayDo => () => true },
  },
  {
    name: "no rollout waits for the one that it comes after",
    breaks: ["after"],
    functions: {
      "hub/rollout/begin.ts whyNotYet":
        (real: typeof beginOf.whyNotYet): typeof beginOf.whyNotYet =>
        (run, now) =>
          real({ ...run, spec: { ...run.spec, after: [] } }, now),
    },
  },
  {
    name: "the rollout that it comes after need not have been there for long",
    breaks: ["after"],
    functions: {
      "hub/rollout/begin.ts whyNotYet":
        (real: typeof beginOf.whyNotYet): typeof beginOf.whyNotYet =>
        ({ spec, ...run }, now) =>
          real({ ...run, spec: { ...spec, after: spec.after?.map(({ rollout }) => ({ rollout })) } }, now),
    },
  },
  {
    name: "rollouts that meet do not stand in line",
    breaks: ["apart"],
    functions: { "hub/rollout/queue.ts queueInputs": (): typeof queueOf.queueInputs => () => [] },
  },
  {
    name: "windows are not looked at",
    breaks: ["window"],
    functions: {
      "hub/rollout/window.ts windowsAt":
        (real: typeof windowOf.windowsAt): typeof windowOf.windowsAt =>
        (_, ...rest) =>
          real(undefined, ...rest),
    },
  },
  {
    name: "a site's own time zone is taken for another",
    breaks: ["window"],
    functions: {
      "hub/rollout/window.ts windowsAt":
        (real: typeof windowOf.windowsAt): typeof windowOf.windowsAt =>
        (windows, ...rest) =>
          real(
            windows?.map((each) => (each.zone === "site" ? { ...each, zone: "Asia/Kolkata" } : each)),
            ...rest,
          ),
    },
  },
  {
    name: "a site that is being verified counts as healthy",
    breaks: ["evidence"],
    functions: {
      "hub/rollout/outcome.ts progressOf":
        (real: typeof outcome.progressOf): typeof outcome.progressOf =>
        (...asked) => {
          const after = real(...asked);
          return after.outcome === "verifying" ? { ...after, outcome: "succeeded", dueAt: null } : after;
        },
    },
  },
  {
    name: "the same version with other values counts",
    breaks: ["evidence", "gate"],
    functions: {
      "shared/report.ts isAbout":
        (real: typeof reportOf.isAbout): typeof reportOf.isAbout =>
        (item, state) =>
          real(item, { ...state, values: item.values }),
    },
  },
  {
    name: "a site that somebody took out stays in",
    breaks: ["told"],
    functions: {
      "hub/rollout/input.ts takeInput":
        (real: typeof inputOf.takeInput): typeof inputOf.takeInput =>
        (run, input, fleet, now) =>
          input.kind === "skip" ? { run, notices: [] } : real(run, input, fleet, now),
    },
  },
  {
    name: "a file starts again what was sent back",
    breaks: ["ordered"],
    functions: {
      "hub/changes.ts rolloutChanges":
        (real: typeof changesOf.rolloutChanges): typeof changesOf.rolloutChanges =>
        (followed, past) => {
          const back = new Set(
            [...past.runs].filter(({ phase }) => phase.kind === "reverted").map((run) => run.rollout),
          );
          const seen = new Map([...past.seen].filter(([name]) => !back.has(name)));
          return real(followed, { ...past, seen });
        },
    },
  },
  {
    name: "the first wave does not wait for sites to be ready",
    breaks: ["ready"],
    functions: {
      "hub/rollout/prepare.ts readyGate":
        (real: typeof prepareOf.readyGate): typeof prepareOf.readyGate =>
        (run, tally) => {
          const found = real(run, tally);
          return found.kind === "wait" ? { kind: "pass" } : found;
        },
    },
  },
  {
    name: "who was asked counts as ready",
    breaks: ["ready"],
    functions: {
      "hub/rollout/ready.ts readiness": (): typeof ready.readiness => () => ({ outcome: "ready", code: null }),
    },
  },
];
