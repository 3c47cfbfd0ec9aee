import * as z from "zod/mini";
import { distinct } from "./distinct.ts";
import { ERROR_CODES } from "./errors.ts";
import { boot, count, name, number, pair, short, shortDigest, time, valuesHash } from "./names.ts";

/** `skerry-report@v1`: what a site runs and how it is. Signed by the site, numbered, level-triggered. */

export const ITEM_STATES = ["applying", "verifying", "committed", "reverting", "reverted", "failed", "stuck"] as const;
export type ItemState = (typeof ITEM_STATES)[number];

export const ITEM_FLAGS = ["key-left", "epoch", "no-return"] as const;
export type ItemFlag = (typeof ITEM_FLAGS)[number];

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
  /** What was committed before: going back means this. `previousValues` is left out where it is the empty one. */
  previous: z.optional(shortDigest),
  previousValues: z.optional(valuesHash),
  /** The state that was given up last; `values` is left out where it is the empty one. */
  failed: z.optional(
    z.strictObject({ digest: shortDigest, values: z.optional(valuesHash), record: z.optional(number), code }),
  ),
  waitingOn: z.optional(z.string().check(z.maxLength(200))),
  /** Jobs that the last move up ran, with the version and how each ended: data does not go back when a version does. */
  jobs: z.optional(z.array(z.string())),
  /**
   * What runs here would not be accepted anew: its keys left the delegation, or the delegation's epoch rose above its own. `no-return`: a
   * phase without return is through, and nothing was committed since, so that the site goes to nothing older by itself.
   */
  flags: z.optional(z.array(z.enum(ITEM_FLAGS))),
  objects: z.optional(z.strictObject({ total: count, healthy: count, drifted: count })),
});

const refused = z.array(z.strictObject({ bundle: name, digest: shortDigest, code }));

/**
 * A state that was to be prepared, and how that stands. With a `code` it is not ready, and that is why; without one it is. Nothing is said
 * before the first answer. What waits for something (`rushed`, `requires`, `kube`) may be ready in a later report.
 */
const prepared = z.strictObject({
  bundle: name,
  digest: shortDigest,
  values: valuesHash,
  record: number,
  code: z.optional(code),
  /** Hash of what would change: equal at sites where the same would change. */
  diff: z.optional(shortDigest),
});

export const report = z.strictObject({
  /** Rises by one with every report that is sent, over restarts too. */
  number,
  boot,
  /** `(term, number)` of the assignment set last taken; left out before the first. */
  assignment: z.optional(z.tuple([number, number])),
  /** Numbers held. */
  root: number,
  record: number,
  head: z.optional(number),
  /** Since when news may be kept from this site: its head is older than the root asks for, or names versions that no source has. */
  withheld: z.optional(time),
  at: time,
  /** Whether the site's clock is known to be right. */
  synced: z.boolean(),
  held: z.optional(z.string().check(z.maxLength(200))),
  items: z.array(item),
  /** Bundles refused and not running here: also for bundles that have no item. */
  refused: z.optional(refused),
  /** What is being prepared here: one for each bundle at most, also for bundles that have no item. */
  prepared: z.optional(
    z.array(prepared).check(distinct<z.infer<typeof prepared>>("entry for", ({ bundle }) => bundle)),
  ),
});

const { boot: _, ...changeable } = z.partial(report).shape;
/**
 * A report as the difference to a full one that was acknowledged: keys that did not change are left out, of the report and of each item, and
 * items that did not change altogether. It has no boot nonce: its base has. Known to the format, not done by this version.
 */
export const reportDelta = z.strictObject({
  ...changeable,
  number,
  at: time,
  /**
   * The full report, and the first 4 bytes of the SHA-256 of what results: a check against a slip, not against an attacker (the frame is
   * signed); another result asks for a full report.
   */
  base: z.strictObject({ number, state: z.string().check(z.regex(/^[0-9a-f]{8}$/)) }),
  items: z.optional(z.array(z.strictObject({ ...z.partial(item).shape, bundle: name }))),
});

export type Report = z.infer<typeof report>;
export type ReportItem = z.infer<typeof item>;
export type Prepared = z.infer<typeof prepared>;

/** It moves no more: the site committed what it runs, or went back to it. */
export function isSettled({ state }: { state: ItemState }): boolean {
  return state === "committed" || state === "reverted";
}

/** What it is about is this state: the same digest, values and record. */
export function isAbout(item: ReportItem, state: { digest: string; values: string; record: number }): boolean {
  return item.digest === short(state.digest) && item.values === state.values && item.record === state.record;
}
