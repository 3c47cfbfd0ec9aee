import * as z from "zod/mini";
import { distinct } from "./distinct.ts";
import { boot, duration, name, number, pair, sha256, siteId, time, values, version } from "./names.ts";

/**
 * What one site shall run or prepare: signed by the hub, numbered, replaced whole. Absence changes nothing.
 * `(term, number)` is ordered as a pair per key; a new key starts afresh, a restored hub takes a higher term.
 */

export const ASSIGN_MAX_BYTES = 128 * 1024;

const item = z.strictObject({
  bundle: name,
  version,
  digest: sha256,
  pair,
  /** Number of the site record that this state is rendered with. */
  record: number,
  mode: z.enum(["prepare", "run"]),
  /** Going below the highest committed pair is meant. */
  back: z.optional(z.boolean()),
  /** A state that failed here may be tried once more. */
  retry: z.optional(z.boolean()),
  /** Its run was stopped: what is under way goes on, and nothing of it begins. */
  ended: z.optional(z.boolean()),
  run: name,
  wave: name,
  /** What the hub sets for this bundle: over its defaults, under the values of the record. */
  values,
  /** Nothing starts before this. */
  notBefore: z.optional(time),
  reportEvery: z.optional(duration),
});

export const assignmentSet = z.strictObject({
  fleet: name,
  site: siteId,
  term: number,
  number,
  /** Number of the root that the hub knows. */
  root: number,
  /** Echo of the site's boot nonce: stands in for a clock where the site has none. */
  boot: z.optional(boot),
  expires: time,
  items: z.array(item).check(distinct<z.infer<typeof item>>("item for", ({ bundle, mode }) => `${bundle} (${mode})`)),
});

export type AssignmentSet = z.infer<typeof assignmentSet>;
export type Assignment = z.infer<typeof item>;
