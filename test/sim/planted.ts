import type { Hold } from "../../agent/cache/cache.ts";
import { Talk } from "../../agent/talk.ts";
import type * as holdOf from "../../agent/target/hold.ts";
import type * as mayStart from "../../agent/target/may-start.ts";
import type * as wantedOf from "../../agent/target/wanted.ts";
import type * as assignOf from "../../hub/assign/assign.ts";
import type * as decideOf from "../../hub/decide.ts";
import type * as intakeOf from "../../hub/intake.ts";
import { Lead } from "../../hub/lead.ts";
import { Outbox } from "../../hub/publish/outbox.ts";
import type * as effects from "../../hub/rollout/effects.ts";
import type * as eligible from "../../hub/rollout/eligible.ts";
import type * as evidence from "../../hub/rollout/evidence.ts";
import type * as gateOf from "../../hub/rollout/gate.ts";
import type * as outcome from "../../hub/rollout/outcome.ts";
import type * as pace from "../../hub/rollout/pace.ts";
import type * as planOf from "../../hub/rollout/plan.ts";
import type * as wake from "../../hub/rollout/wake.ts";
import type * as verifyAssignment from "../../shared/verify/assignment.ts";
import type { Fault } from "./faults.ts";
import type { Invariant } from "./violation.ts";

/** A bug as somebody might make it: functions of the product that answer otherwise, and the invariant that must notice. */
export interface Planted {
  name: string;
  /** Any of these: a bug may show in more than one way. */
  breaks: readonly Invariant[];
  /** Where few stories would show it: faults that these tell more often. */
  often?: readonly Fault[];
  /** By module and name, with a blank between. */
  functions?: Readonly<Record<string, (real: never) => unknown>>;
  /** Methods that are changed; returns what changes them back. */
  methods?: () => () => void;
}

export const PLANTED: readonly Planted[] = [
  {
    name: "a wave passes with one healthy site too few",
    breaks: ["gate"],
    functions: {
      "hub/rollout/gate.ts gate":
        (real: typeof gateOf.gate): typeof gateOf.gate =>
        (wave, tally, rules) => {
          const verdict = real(wave, tally, rules);
          if (verdict.kind !== "wait" || verdict.because.kind !== "moving") return verdict;
          const { healthy, needed } = verdict.because;
          return healthy === needed - 1 ? { kind: "pass" } : verdict;
        },
    },
  },
  {
    name: "the soak is not waited for",
    breaks: ["gate"],
    functions: {
      "hub/rollout/gate.ts gate":
        (real: typeof gateOf.gate): typeof gateOf.gate =>
        (wave, tally, rules) => {
          const verdict = real(wave, tally, rules);
          return verdict.kind === "wait" && verdict.because.kind === "soaking" ? { kind: "pass" } : verdict;
        },
    },
  },
  {
    name: "offline sites stand for a quorum",
    breaks: ["gate"],
    functions: {
      "hub/rollout/gate.ts gate":
        (real: typeof gateOf.gate): typeof gateOf.gate =>
        (wave, tally, rules) => {
          const verdict = real(wave, tally, rules);
          return verdict.kind === "wait" && verdict.because.kind === "quorum" ? { kind: "pass" } : verdict;
        },
    },
  },
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
    name: "the hub gives what it gave before",
    breaks: ["authorised"],
    functions: {
      "hub/rollout/outcome.ts targetOf":
        (real: typeof outcome.targetOf): typeof outcome.targetOf =>
        (run, progress) =>
          run.phase.kind === "rolling" && run.phase.wave > 0 ? (run.known?.[0] ?? run.target) : real(run, progress),
    },
  },
  {
    name: "a site starts another state than its set says",
    breaks: ["authorised"],
    functions: {
      "agent/target/wanted.ts assigned":
        (real: typeof wantedOf.assigned): typeof wantedOf.assigned =>
        (...asked) => {
          const wanted = real(...asked);
          return { ...wanted, record: wanted.record + 1 };
        },
    },
  },
  {
    name: "neither hub nor site looks at floors",
    breaks: ["floor"],
    functions: {
      "hub/rollout/eligible.ts ineligibility":
        (real: typeof eligible.ineligibility): typeof eligible.ineligibility =>
        (...asked) => {
          const why = real(...asked);
          return why?.code === "floor" ? null : why;
        },
      "agent/target/may-start.ts obstacle":
        (real: typeof mayStart.obstacle): typeof mayStart.obstacle =>
        (...asked) => {
          const why = real(...asked);
          return why?.because === "below-floor" ? null : why;
        },
    },
  },
  {
    name: "a site begins what was stopped",
    breaks: ["authorised"],
    functions: {
      "agent/target/may-start.ts obstacle":
        (real: typeof mayStart.obstacle): typeof mayStart.obstacle =>
        (wanted, site) =>
          real({ ...wanted, ended: false }, site),
    },
  },
  {
    name: "what was stopped may begin",
    breaks: ["withdrawn"],
    functions: {
      "hub/rollout/effects.ts effectsAt":
        (real: typeof effects.effectsAt): typeof effects.effectsAt =>
        (...asked) =>
          real(...asked).filter(({ kind }) => kind !== "end"),
    },
  },
  {
    name: "a site forgets that it tried again",
    breaks: ["retryOnce"],
    functions: {
      "agent/target/hold.ts begin":
        (real: typeof holdOf.begin): typeof holdOf.begin =>
        (...asked) => {
          const hold: Hold = real(...asked);
          return { ...hold, failed: hold.failed.map((entry) => ({ ...entry, retried: "another run" })) };
        },
    },
  },
  {
    name: "a site takes an older set",
    breaks: ["numbers"],
    functions: {
      "shared/verify/assignment.ts openAssignment":
        (real: typeof verifyAssignment.openAssignment): typeof verifyAssignment.openAssignment =>
        (frame, view) =>
          real(frame, { ...view, last: null }),
    },
  },
  {
    name: "the hub confirms events that it does not store",
    breaks: ["events"],
    functions: {
      "hub/intake.ts intake":
        (real: typeof intakeOf.intake): typeof intakeOf.intake =>
        (...asked) => {
          const taken = real(...asked);
          return { ...taken, events: taken.events.slice(1) };
        },
    },
  },
  {
    name: "sets are numbered from the start again by a new run",
    breaks: ["heard", "settled", "numbers"],
    functions: {
      "hub/assign/assign.ts assignmentSets":
        (real: typeof assignOf.assignmentSets): typeof assignOf.assignmentSets =>
        (input) =>
          real(input).map((each) => (each.set.number === 3 ? { ...each, set: { ...each.set, number: 1 } } : each)),
    },
  },
  {
    name: "a hub that starts does not say again what is in force",
    breaks: ["heard", "settled"],
    methods: () => {
      const { offer } = Outbox.prototype;
      Outbox.prototype.offer = function quietAtStart(sets) {
        offer.call(
          this,
          [...sets].filter(({ published }) => !published),
        );
      };
      return () => {
        Outbox.prototype.offer = offer;
      };
    },
  },
  {
    name: "a site never says again what nobody confirmed",
    breaks: ["heard", "settled"],
    methods: () => {
      const { wakeIn } = Talk.prototype;
      Talk.prototype.wakeIn = () => null;
      return () => {
        Talk.prototype.wakeIn = wakeIn;
      };
    },
  },
  {
    name: "a hub believes in a lease that ran out",
    breaks: ["oneHub"],
    often: ["hub-stopped", "hub-second", "broker-faulty"],
    methods: () => {
      const { holds } = Lead.prototype;
      Lead.prototype.holds = () => true;
      return () => {
        Lead.prototype.holds = holds;
      };
    },
  },
  {
    name: "a hub does not find that it was restored",
    breaks: ["heard", "settled"],
    often: ["hub-restored"],
    functions: {
      "hub/intake.ts intake":
        (real: typeof intakeOf.intake): typeof intakeOf.intake =>
        (...asked) => ({ ...real(...asked), restored: null }),
    },
  },
  {
    name: "a hub that was restored goes on by itself",
    breaks: ["restored"],
    often: ["hub-restored"],
    functions: {
      "hub/decide.ts decide":
        (real: typeof decideOf.decide): typeof decideOf.decide =>
        (world, news, ...rest) =>
          real(world, { ...news, inputs: new Map() }, ...rest),
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
