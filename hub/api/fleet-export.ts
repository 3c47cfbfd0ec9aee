import * as z from "zod/mini";
import {
  labels,
  name,
  pair,
  rfc3339,
  sha256,
  shortDigest,
  siteId,
  time,
  variableName,
  version,
} from "../../shared/names.ts";
import { variable } from "../../shared/variable.ts";
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
      /** Variables that its record sets, by bundle. */
      sets: z.optional(z.record(name, z.array(variableName))),
      /** Why nothing new is given to it. */
      barred: z.optional(z.string()),
      /** What it reported to run: the highest pair it committed, its floor, and what it may go back to. */
      runs: z.array(
        z.strictObject({
          bundle: name,
          digest: shortDigest,
          marks: z.optional(z.tuple([pair, pair])),
          previous: z.optional(shortDigest),
          /** Jobs of its last move up: they are not undone. */
          jobs: z.optional(z.array(z.string())),
        }),
      ),
    }),
  ),
  /** Versions that the fleet repository has, with what the hub may set there, and those that a run moved sites to. */
  versions: z.array(
    z.strictObject({
      bundle: name,
      version,
      digest: sha256,
      pair,
      floor: pair,
      variables: z.optional(z.record(variableName, variable)),
    }),
  ),
});

export type FleetExport = z.infer<typeof fleetExport>;

export function exportOf({ fleet, now, members, runs, bundles: read }: Snapshot): FleetExport {
  const versions = new Map<string, FleetExport["versions"][number]>();
  for (const { run } of runs) {
    const { bundle, version: of, digest, pair: at, floor } = run.target;
    versions.set(digest, { bundle, version: of, digest, pair: at, floor });
  }
  for (const [bundle, all] of read) {
    for (const [of, found] of all) {
      if (found.kind === "refused") continue;
      const { digest, pair: at, floor, variables } = found;
      versions.set(digest, { bundle, version: of, digest, pair: at, floor, variables });
    }
  }
  const sites = members.map(({ id, labels, bundles, floors, sets, barred, site }) => ({
    id,
    labels,
    bundles: [...bundles],
    floors,
    ...(sets !== undefined && {
      sets: Object.fromEntries(Object.entries(sets).map(([key, names]) => [key, [...names]])),
    }),
    ...(barred !== undefined && { barred }),
    runs: (site.report?.body.items ?? []).map(({ bundle, digest, marks, previous, jobs }) => ({
      bundle,
      digest,
      ...(marks !== undefined && { marks }),
      ...(previous !== undefined && { previous }),
      ...(jobs !== undefined && { jobs }),
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
