import * as z from "zod/mini";
import { count, sha256 } from "./names.ts";

/**
 * What a state would change in a cluster, as data: one form for the report's hash, the answer to the hub, `skerry-agent diff` and the page. It
 * says nothing that differs from site to site by itself (uids, what a server allots, values of the site's own record), so that sites where the
 * same would change have the same diff. Of a Secret it holds hashes alone.
 */

/** Canonical JSON of a whole diff: fits a packet of the wire whatever its format. */
export const DIFF_MAX_BYTES = 160 * 1024;

export const CHANGES = [
  "create",
  "change",
  "recreate", // deleted and made anew: what is to change cannot be changed
  "delete",
  "not-checked", // it waits for something that its own bundle brings; nobody was asked
  "refused", // the cluster would not take it
] as const;
export type Change = (typeof CHANGES)[number];

const text = (most: number) => z.string().check(z.maxLength(most));
/** What was left out, and the hash of that: another rest is another diff. */
const rest = z.strictObject({ count, sha256 });

const field = z.strictObject({
  /** `/spec/template/spec/containers[name=till]/image`. */
  path: text(1_000),
  /** JSON, or what stands in its place: `sealed:<hash>`, `${NAME}` of a value that is the site's own. Absent where there is none. */
  from: z.optional(text(400)),
  to: z.optional(text(400)),
});

const entry = z.strictObject({
  /** `apps/v1 Deployment shop/till`. */
  object: text(800),
  action: z.enum(CHANGES),
  fields: z.optional(z.array(field)),
  /** Fields beyond those. */
  left: z.optional(rest),
  /** Why it was not checked, or is refused. */
  words: z.optional(text(400)),
  /** What the API server warned of. */
  warnings: z.optional(z.array(text(300))),
});

export const diff = z.strictObject({
  objects: z.array(entry),
  /** Objects that stay as they are. */
  unchanged: count,
  /** Objects beyond those listed. */
  left: z.optional(rest),
});

export type Diff = z.infer<typeof diff>;
export type DiffEntry = z.infer<typeof entry>;
export type FieldChange = z.infer<typeof field>;
