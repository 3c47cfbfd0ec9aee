import type { Hold } from "../../agent/cache/cache.ts";
import type * as heldOf from "../../agent/target/held.ts";
import type * as holdOf from "../../agent/target/hold.ts";
import type * as mayStart from "../../agent/target/may-start.ts";
import type * as wantedOf from "../../agent/target/wanted.ts";
import type * as effects from "../../hub/rollout/effects.ts";
import type * as eligible from "../../hub/rollout/eligible.ts";
import type * as outcome from "../../hub/rollout/outcome.ts";
import type * as verifyAssignment from "../../shared/verify/assignment.ts";
import type { Planted } from "./planted.ts";

/** In what a site is given, and starts. */
export const OF_SITES: readonly Planted[] = [
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
    name: "a site starts what it was allowed until earlier",
    breaks: ["lapsed"],
    weeks: true,
    often: ["site-dark", "sources-away"],
    functions: {
      "agent/target/may-start.ts obstacle":
        (real: typeof mayStart.obstacle): typeof mayStart.obstacle =>
        ({ within, ...wanted }, site) =>
          real({ ...wanted, within: within && { ...within, expires: "9999-12-31T23:59:59Z" } }, site),
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
    name: "a held site starts what is new",
    breaks: ["held"],
    often: ["site-held"],
    functions: {
      "agent/target/may-start.ts obstacle":
        (real: typeof mayStart.obstacle): typeof mayStart.obstacle =>
        (...asked) => {
          const why = real(...asked);
          return why?.because === "held" ? null : why;
        },
    },
  },
  {
    name: "a site is held for as long as somebody asks",
    breaks: ["held"],
    often: ["site-held"],
    functions: {
      "agent/target/held.ts leftOf": (): typeof heldOf.leftOf => (held) =>
        held === null ? 0 : Number.POSITIVE_INFINITY,
    },
  },
  {
    name: "the hub gives something to a site that is held",
    breaks: ["held"],
    often: ["site-held"],
    functions: {
      "hub/rollout/outcome.ts progressOf":
        (real: typeof outcome.progressOf): typeof outcome.progressOf =>
        (before, member, view) => {
          const report = member?.site.report ?? null;
          if (member === undefined || report === null) return real(before, member, view);
          const { held: _, ...body } = report.body;
          return real(before, { ...member, site: { ...member.site, report: { ...report, body } } }, view);
        },
    },
  },
];
