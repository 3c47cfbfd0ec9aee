import * as z from "zod/mini";
import { ERROR_CODES } from "./errors.ts";
import { boot, count, name, number, pair, shortDigest, time, valuesHash } from "./names.ts";

/** `skerry-report@v1`: what a site runs and how it is. Signed by the site, numbered, level-triggered. */

export const ITEM_STATES = ["applying", "verifying", "committed", "reverting", "reverted", "failed", "stuck"] as const;
export type ItemState = (typeof ITEM_STATES)[number];

const code = z.enum(ERROR_CODES);

/** One bundle at the site. Optional keys are left out where there is nothing to say. */
const item = z.strictObject({
  bundle: name,
  /** What runs, or is being moved to: first 16 bytes of the digest, hash of the values, record number. */
  digest: shortDigest,
  values: valuesHash,
  record: number,
  state: z.enum(ITEM_STATES),
  /** When `state` was entered. */
  since: time,
  /** Seconds without a break in which all objects were healthy; by the monotonic clock. */
  healthyFor: count,
  /** Highest committed pair, highest committed floor. */
  marks: z.optional(z.tuple([pair, pair])),
  previous: z.optional(shortDigest),
  prepared: z.optional(
    z.strictObject({
      digest: shortDigest,
      values: valuesHash,
      record: number,
      code: z.optional(code),
      diff: z.optional(shortDigest),
    }),
  ),
  failed: z.optional(z.strictObject({ digest: shortDigest, code })),
  waitingOn: z.optional(z.string().check(z.maxLength(200))),
  jobs: z.optional(z.array(z.string())),
  objects: z.optional(z.strictObject({ total: count, healthy: count, drifted: count })),
});

export const report = z.strictObject({
  /** Rises by one with every report that is sent, over restarts too. */
  number,
  boot,
  /** The full report that this one is a delta against, with the hash of the resulting state. Left out: a full report. */
  base: z.optional(z.strictObject({ number, state: shortDigest })),
  /** `(term, number)` of the assignment set last taken; left out before the first. */
  assignment: z.optional(z.tuple([number, number])),
  /** Numbers held. */
  root: number,
  record: number,
  head: z.optional(number),
  at: time,
  /** Whether the site's clock is known to be right. */
  synced: z.boolean(),
  held: z.optional(z.string().check(z.maxLength(200))),
  items: z.array(item),
  /** Bundles refused and not running here: also for bundles that have no item. */
  refused: z.optional(z.array(z.strictObject({ bundle: name, digest: shortDigest, code }))),
});

export type Report = z.infer<typeof report>;
export type ReportItem = z.infer<typeof item>;
