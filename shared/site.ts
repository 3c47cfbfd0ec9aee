import * as z from "zod/mini";
import { labels, name, namePattern, number, pair, siteId, time, values } from "./names.ts";

/** `skerry-site@v1`, signed by the role `site`: who a site is, and what it may run. */

export const SITE_NAMESPACE = "skerry-site@v1";
export const SITE_MAX_BYTES = 64 * 1024;

export const siteRecord = z.strictObject({
  fleet: name,
  id: siteId,
  /** Rises with every change; a site never takes a record with a lower one. */
  number,
  createdAt: time,
  labels,
  /** By bundle. Over the hub's values, which are over the bundle's defaults. */
  values: z.record(name, values),
  bundles: z.array(namePattern),
  /** One or two ed25519 public keys, OpenSSH lines. */
  reportKeys: z
    .array(z.string().check(z.regex(/^ssh-ed25519 [A-Za-z0-9+/=]{68}$/)))
    .check(z.minLength(1), z.maxLength(2)),
  /** The site's own age recipient. */
  box: z.optional(z.string().check(z.regex(/^age1[0-9a-z]{58}$/))),
  /** By group of sites: the group's age identity, encrypted to the box (armored). */
  groups: z.record(name, z.string()),
  /** Lowest pair by bundle that this site may take with an empty disk. */
  floors: z.record(name, pair),
  /** The least root number that this record may be read under. */
  root: number,
  /** The site takes nothing new any more; what it runs, it runs on. */
  retired: z.optional(z.boolean()),
});

export type SiteRecord = z.infer<typeof siteRecord>;
