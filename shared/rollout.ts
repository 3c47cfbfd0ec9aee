import * as z from "zod/mini";
import { isZone, parseCron } from "./cron.ts";
import { duration, labelKey, milliseconds, name, number, percent, selector, values, version } from "./names.ts";

/** `rollouts/<name>.yaml` in the fleet repository: the declared move of a set of sites to a bundle version. */

/** What became of one site in a run; one at a time. `failed`, `reverted` and `timedOut` are failures. */
export const OUTCOMES = [
  "pending", // its wave has not opened, or what it was given was withdrawn
  "preparing", // shall fetch, verify, render and dry-run it, and has not answered
  "ready", // has said that it can run it
  "notified", // assigned, and not yet acknowledged
  "applying", // acknowledged: fetching, verifying, applying
  "verifying", // applied and not known to be healthy, or no longer known to be
  "succeeded", // committed and healthy, by fresh evidence
  "failed", // given up or refused at the site
  "reverted", // given up, and back on what it ran before
  "timedOut", // acknowledged or heard of, and not healthy by the deadline
  "offline", // not acknowledged and not heard of: not counted, catches up on return
  "held", // the person at the site holds it back: not counted
  "deferred", // its window is closed: not counted
  "ahead", // has committed something newer and nobody asked to go back: not counted
  "skipped", // taken out by a person: not counted
  "ineligible", // may not have this bundle, is not ready for it, or left the fleet: not counted
] as const;
export type Outcome = (typeof OUTCOMES)[number];

const longerThanZero = duration.check(z.refine((text) => milliseconds(text) > 0, "must be longer than 0"));
const cron = z.string().check(
  z.superRefine((text, context) => {
    const found = parseCron(text);
    if (typeof found === "string")
      context.addIssue({ code: "custom", input: text, message: `is no cron line: ${found}` });
  }),
);
/** A name of the IANA time zone database; `site`: each site's own. */
const zone = z
  .string()
  .check(z.refine((text) => text === "site" || isZone(text), "must be a time zone as in Europe/Berlin, or site"));
/** A number of sites, or a share of those that remain. */
const amount = z.union([number, percent], "must be a number of sites, or a percentage as in 2%");

const wave = z.strictObject({
  name,
  /** Only sites with these labels; left out: all that remain. */
  sites: z.optional(selector),
  /** So many of the sites that remain, in the order of the seed; percentages are rounded up. */
  take: z.optional(amount),
  /** So many of all sites that the rollout moves, those of earlier waves included. */
  upTo: z.optional(amount),
  /** Labels: every combination of their values has its share of what the wave takes. */
  spread: z.optional(z.array(labelKey)),
  /** How long the sites must stay healthy before the next wave opens. */
  soak: z.optional(duration),
  /** Share of the counted sites that must hold healthy for `soak`. */
  success: z.optional(percent),
  /** Number of people who must approve before the next wave opens. */
  approve: z.optional(number),
});

const waves = z.array(wave).check(
  z.superRefine((list, context) => {
    for (const [index, entry] of list.entries()) {
      const isTwice = list.slice(0, index).some(({ name: other }) => other === entry.name);
      const found = isTwice ? { key: "name", why: `a second wave named ${entry.name}` } : faultOf(entry);
      if (found !== null)
        context.addIssue({ code: "custom", input: list, path: [index, found.key], message: found.why });
    }
  }),
);

function faultOf(entry: z.infer<typeof wave>): { key: string; why: string } | null {
  const part = entry.take !== undefined ? "take" : entry.upTo !== undefined ? "upTo" : null;
  if (entry.take !== undefined && entry.upTo !== undefined) {
    return { key: "upTo", why: "take counts what remains, upTo all so far: a wave has one of them" };
  }
  if (entry.name === "rest" && (entry.sites !== undefined || part !== null)) {
    const key = entry.sites === undefined ? (part ?? "take") : "sites";
    return { key, why: `the wave named rest takes all that remain: leave out its ${key}, or name it otherwise` };
  }
  if (part === null && (entry.spread ?? []).length > 0) {
    return { key: "spread", why: "a wave that takes all it matches cannot be spread: say how many with take or upTo" };
  }
  return null;
}

export const rolloutFile = z.strictObject({
  kind: z.literal("Rollout/v1"),
  bundle: name,
  version,
  sites: selector,
  /** Variables that the hub may set; part of what runs. */
  values: z.optional(values),
  prepare: z.optional(z.strictObject({ ready: percent })),
  waves: z.optional(waves),
  quorum: z.optional(percent),
  pace: z.optional(
    z.strictObject({
      /** So many sites are on their way at once. */
      concurrent: z.optional(number),
      /** So many are given the version in any minute. */
      perMinute: z.optional(number),
      /** So many times the sites that are healthy on it already may be on their way; one at the least. */
      ramp: z.optional(z.number().check(z.gt(0))),
    }),
  ),
  failure: z.optional(
    z.strictObject({
      over: z.optional(percent),
      minSample: z.optional(number),
      // oxlint-disable-next-line unicorn/no-thenable -- the file's own key, and never a function
      then: z.optional(z.enum(["pause", "revertWave", "revertAll"])),
    }),
  ),
  site: z.optional(
    z.strictObject({
      deadline: z.optional(longerThanZero),
      offlineAfter: z.optional(longerThanZero),
      reportEvery: z.optional(longerThanZero),
    }),
  ),
  offlineAtMost: z.optional(percent),
  late: z.optional(z.enum(["next", "last", "ignore"])),
  windows: z.optional(z.array(z.strictObject({ cron, for: longerThanZero, zone }))),
  after: z.optional(z.array(z.strictObject({ rollout: name, soak: z.optional(duration) }))),
  lane: z.optional(z.literal("emergency")),
});

export type RolloutFile = z.infer<typeof rolloutFile>;
/** A rollout file with every default filled in. */
export type Rollout = ReturnType<typeof withDefaults>;
export type RolloutWave = Rollout["waves"][number];

export function withDefaults(file: RolloutFile) {
  return {
    ...file,
    values: file.values ?? {},
    waves: (file.waves ?? []).map(waveWithDefaults),
    quorum: file.quorum ?? "50%",
    failure: {
      over: file.failure?.over ?? "0%",
      minSample: file.failure?.minSample ?? 1,
      // oxlint-disable-next-line unicorn/no-thenable -- as above
      then: file.failure?.then ?? "pause",
    },
    site: {
      deadline: file.site?.deadline ?? "30m",
      offlineAfter: file.site?.offlineAfter ?? "5m",
      reportEvery: file.site?.reportEvery ?? "60s",
    },
    late: file.late ?? "next",
  };
}

function waveWithDefaults(entry: z.infer<typeof wave>) {
  return { ...entry, soak: entry.soak ?? "0", success: entry.success ?? "100%" };
}
