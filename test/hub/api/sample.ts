import type { SeenRun, Snapshot } from "../../../hub/api/snapshot.ts";
import type { FleetMember, Site } from "../../../hub/registry/site.ts";
import { type Because, inWordsBecause } from "../../../hub/rollout/because.ts";
import { offersOf } from "../../../hub/rollout/offer.ts";
import type { Run, SiteProgress } from "../../../hub/rollout/run.ts";
import { Sites } from "../../../hub/rollout/sites.ts";
import { rfc3339 } from "../../../shared/names.ts";
import type { ReportItem } from "../../../shared/report.ts";
import type { Outcome } from "../../../shared/rollout.ts";
import { rootDocument } from "../../support/fleet.ts";
import { memberOf, reportOf, some, specOf, targetOf } from "../rollout/samples.ts";

/** Builders of what the API sees, around one moment. */

export const NOW = Date.parse("2026-11-02T08:00:00Z");
export const inWords = inWordsBecause;

export function snapshotOf(more: Partial<Snapshot> = {}): Snapshot {
  const nothing = { members: [], runs: [], rollouts: [], bundles: new Map() };
  return { fleet: "shops", now: NOW, root: rootDocument({ number: 3 }), ...nothing, ...more };
}

/** Heard a second ago, with a report of the same age; `item` is what it says of the bundle pos. */
export function siteOf(
  id: string,
  item: Partial<ReportItem> = {},
  more: { site?: Partial<Site>; assigned?: number; run?: string; labels?: Record<string, string>; now?: number } = {},
): FleetMember {
  const { now = NOW } = more;
  const at = now - 1000;
  const since = rfc3339(now - 3_600_000);
  const objects = { total: 12, healthy: 12, drifted: 0 };
  const body = reportOf({ since, healthyFor: 3600, objects, ...item }, [1, 1]);
  const member = memberOf(id, more.labels ?? {});
  const { assigned } = more;
  return {
    ...member,
    site: { ...member.site, heardAt: at, presence: "online", report: { body, at }, event: 7, ...more.site },
    assigned:
      assigned === undefined
        ? {}
        : {
            pos: {
              run: more.run ?? "pos-2",
              digest: targetOf(assigned).digest,
              values: "",
              record: 1,
              introduced: [1, 1],
              at: now - 60_000,
            },
          },
  };
}

/** Two waves, `lab` and `rest`; rolling in the first unless said otherwise. */
export function runOf(
  outcomes: Readonly<Record<string, readonly [wave: number, Outcome]>>,
  more: Partial<Run> = {},
): Run {
  const since = NOW - 90_000;
  const sites = Object.entries(outcomes).map(([site, [wave, outcome]]): [string, SiteProgress] => {
    const code = outcome === "failed" || outcome === "reverted" ? "unhealthy" : null;
    return [site, { wave, outcome, since, assignedAt: since, dueAt: null, code }];
  });
  const inWave = (wave: number) => sites.flatMap(([site, progress]) => (progress.wave === wave ? [site] : []));
  return {
    id: "pos-2",
    rollout: "pos",
    commit: "0f1e2d3c4b5a69788796a5b4c3d2e1f001234567",
    spec: specOf({ site: { reportEvery: "60s" } }),
    target: targetOf(2),
    plan: {
      seed: "seed",
      waves: [
        { name: "lab", sites: inWave(0), soakSeconds: 600, success: "100%" },
        { name: "rest", sites: inWave(1), soakSeconds: 0, success: "98%" },
      ],
      left: [],
      doubly: [],
    },
    startedAt: NOW - 120_000,
    phase: { kind: "rolling", wave: 0, step: "opening", since },
    sites: Sites.of(sites),
    back: false,
    ...more,
  };
}

export function seen(
  run: Run,
  because: Because = { kind: "completed", healthy: 1, of: 1, behind: some("pending") },
): SeenRun {
  return { run, because, ...offersOf(run) };
}
