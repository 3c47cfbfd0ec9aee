import { Talk } from "../../agent/talk.ts";
import type * as assignOf from "../../hub/assign/assign.ts";
import type * as decideOf from "../../hub/decide.ts";
import type * as intakeOf from "../../hub/intake.ts";
import { Lead } from "../../hub/lead.ts";
import { Hub } from "../../hub/loop.ts";
import { Outbox } from "../../hub/publish/outbox.ts";
import type { Batch } from "../../hub/registry/store.ts";
import type * as evidence from "../../hub/rollout/evidence.ts";
import { alike } from "../../shared/canonical.ts";
import type { Planted } from "./planted.ts";

/** In how hub and sites speak, and in what the hub stores. */
export const OF_THE_HUB: readonly Planted[] = [
  {
    name: "a hub goes on where its decision could not be stored",
    breaks: ["stored"],
    often: ["hub-disk-full"],
    methods: () => {
      const prototype = Hub.prototype as unknown as { commit(effect: string, batch: Batch): Promise<void> };
      const { commit } = prototype;
      prototype.commit = function regardless(effect, batch) {
        const done = commit.call(this, effect, batch);
        return effect === "decide" ? done.catch(() => {}) : done;
      };
      return () => {
        prototype.commit = commit;
      };
    },
  },
  {
    name: "a site that never said anything is asked how old that is",
    breaks: ["noFault"],
    functions: {
      "hub/rollout/evidence.ts freshUntil": (): typeof evidence.freshUntil => (site, everyMs) =>
        (site.report as NonNullable<typeof site.report>).at + 3 * everyMs,
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
    name: "a set is issued anew only where something in it changed",
    breaks: ["lapsed"],
    weeks: true,
    functions: {
      "hub/assign/assign.ts assignmentSets":
        (real: typeof assignOf.assignmentSets): typeof assignOf.assignmentSets =>
        (input) =>
          real(input).filter(({ site, set }) => {
            const { expires: _, number: __, ...before } = input.current.get(site)?.set ?? { expires: "", number: 0 };
            const { expires: ___, number: ____, ...after } = set;
            return !alike(before, after);
          }),
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
];
