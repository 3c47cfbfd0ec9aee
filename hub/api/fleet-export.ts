import * as z from "zod/mini";
import { labels, name, pair, rfc3339, sha256, shortDigest, siteId, time, version } from "../../shared/names.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * `GET /api/v1/fleet/export`: what a plan is made of, so that one can be made where there is no hub. It proves nothing and holds
 * no secret.
 */
export const fleetExport = z.strictObject({
  kind: z.literal("FleetExport/v1"),
  fleet: name,
  at: time,
  /** By id. */
  sites: z.array(
    z.strictObject({
      id: siteId,
      labels,
      /** Patterns of bundles that the site record lists. */
      bundles: z.array(z.string()),
      floors: z.record(name, pair),
      /** Why nothing new is given to it. */
      barred: z.optional(z.string()),
      /** What it reported to run: the highest pair it committed, its floor, and what it may go back to. */
      runs: z.array(
        z.strictObject({
          bundle: name,
          digest: shortDigest,
          marks: z.optional(z.tuple([pair, pair])),
          previous: z.optional(shortDigest),
        }),
      ),
    }),
  ),
  /** Versions that a run of this hub moved sites to. */
  versions: z.array(z.strictObject({ bundle: name, version, digest: sha256, pair, floor: pair })),
});

export type FleetExport = z.infer<typeof fleetExport>;

export function exportOf({ fleet, now, members, runs }: Snapshot): FleetExport {
  const versions = new Map(runs.map(({ run }) => [run.target.digest, run.target]));
  const sites = members.map(({ id, labels, bundles, floors, barred, site }) => ({
    id,
    labels,
    bundles: [...bundles],
    floors,
    ...(barred !== undefined && { barred }),
    runs: (site.report?.body.items ?? []).map(({ bundle, digest, marks, previous }) => ({
      bundle,
      digest,
      ...(marks !== undefined && { marks }),
      ...(previous !== undefined && { previous }),
    })),
  }));
  return {
    kind: "FleetExport/v1",
    fleet,
    at: rfc3339(now),
    sites: sites.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    versions: [...versions.values()],
  };
}
