import { milliseconds, rfc3339, short } from "../../shared/names.ts";
import type { Report } from "../../shared/report.ts";
import type { Outcome } from "../../shared/rollout.ts";
import { delegationFor, type Root } from "../../shared/root.ts";
import type { FleetMember } from "../registry/site.ts";
import type { BundleView, Condition, Connection, SiteView } from "./contract.ts";
import { isOver } from "./run-view.ts";
import type { SeenRun } from "./snapshot.ts";

export interface Around {
  /** The hub's clock, ms. */
  now: number;
  root: Root | null;
  /** By short digest. */
  versions: ReadonlyMap<string, string>;
  runs: readonly SeenRun[];
}

/** A site at rest reports on change and every 6 hours: two may be lost. */
const FRESH_AT_REST_MS = 13 * 3_600_000;
/** Outcomes of sites that took the assignment, and with it how often they shall report. */
const TAKEN: ReadonlySet<Outcome> = new Set<Outcome>([
  "applying",
  "verifying",
  "succeeded",
  "failed",
  "reverted",
  "timedOut",
]);

export function siteView(member: FleetMember, around: Around): SiteView {
  const { now } = around;
  const { site } = member;
  const fresh = freshFor(member, around.runs);
  const age = site.report === null ? null : Math.max(0, now - site.report.at);
  const stale = age !== null && age > fresh;
  const connection = connectionOf(member, { fresh, ...around });
  const bundles = bundlesOf(member, around);
  const body = site.report?.body;
  return {
    id: member.id,
    labels: member.labels,
    condition: member.retired ? "retired" : conditionOf({ connection, believed: age !== null && !stale, bundles }),
    connection,
    lastHeard: site.heardAt === 0 ? null : rfc3339(site.heardAt),
    agent: site.agent,
    reportAgeSeconds: age === null ? null : Math.floor(age / 1000),
    stale,
    held: body?.held ?? null,
    barred: member.retired ? null : (member.barred ?? null),
    head: body?.head ?? null,
    withheld: body?.withheld ?? null,
    synced: body?.synced ?? false,
    event: site.event,
    bundles,
  };
}

/** How long a report holds: 13 hours at rest, three times the cadence of the run whose open wave the site is moving in. */
function freshFor(member: FleetMember, runs: readonly SeenRun[]): number {
  const cadences = runs.flatMap(({ run, open }) => {
    const progress = run.sites.get(member.id);
    if (progress === undefined || progress.wave !== open || !TAKEN.has(progress.outcome)) return [];
    return [3 * milliseconds(run.spec.site.reportEvery)];
  });
  return Math.min(FRESH_AT_REST_MS, ...cadences);
}

/** Presence is a hint that can say "away"; that a site is there is proved by what it signed. */
function connectionOf(member: FleetMember, { fresh, now, runs }: Around & { fresh: number }): Connection {
  const { heardAt, presence } = member.site;
  if (heardAt === 0) return "never";
  const unanswered = runs.some(({ run }) => !isOver(run) && run.sites.get(member.id)?.outcome === "offline");
  return unanswered || now - heardAt > fresh ? "offline" : presence;
}

function bundlesOf(member: FleetMember, around: Around): BundleView[] {
  const body = member.site.report?.body;
  const names = [
    ...(body?.items ?? []).map((item) => item.bundle),
    ...(body?.refused ?? []).map((entry) => entry.bundle),
    ...Object.keys(member.assigned),
  ];
  return [...new Set(names)].toSorted().map((bundle) => bundleView(bundle, member, body, around));
}

function bundleView(bundle: string, member: FleetMember, body: Report | undefined, around: Around): BundleView {
  const { versions, root } = around;
  const item = body?.items.find((entry) => entry.bundle === bundle);
  const assigned = member.assigned[bundle];
  const named = (digest: string) => ({ digest, version: versions.get(digest) ?? null });
  const delegation = root === null ? undefined : delegationFor(root, bundle);
  return {
    bundle,
    version: item === undefined ? null : named(item.digest).version,
    digest: item?.digest ?? null,
    values: item?.values ?? null,
    record: item?.record ?? null,
    state: item?.state ?? "none",
    since: item?.since ?? null,
    healthyFor: item?.healthyFor ?? 0,
    objects: item?.objects ?? null,
    waitingOn: item?.waitingOn ?? null,
    wanted:
      assigned === undefined
        ? null
        : { ...named(short(assigned.digest)), values: assigned.values, record: assigned.record, run: assigned.run },
    failed:
      item?.failed === undefined
        ? null
        : { ...named(item.failed.digest), values: item.failed.values ?? "", code: item.failed.code },
    refused: (body?.refused ?? [])
      .filter((entry) => entry.bundle === bundle)
      .map(({ digest, code }) => ({ ...named(digest), code, words: wordsFor(member, bundle, digest) })),
    flags: item?.flags ?? [],
    epoch: delegation?.epoch ?? null,
    ahead: aheadOf(bundle, member, around),
  };
}

function wordsFor({ site }: FleetMember, bundle: string, digest: string): string | null {
  return site.refusals?.find((told) => told.bundle === bundle && told.digest === digest)?.words ?? null;
}

function aheadOf(bundle: string, member: FleetMember, { runs }: Around): BundleView["ahead"] {
  const run = runs.findLast(
    ({ run: each }) => each.target.bundle === bundle && !isOver(each) && each.sites.get(member.id)?.outcome === "ahead",
  )?.run;
  return run === undefined ? null : { version: run.target.version, run: run.id };
}

interface Signs {
  connection: Connection;
  /** There is a report, and it is not stale. */
  believed: boolean;
  bundles: readonly BundleView[];
}

/** In the order of `CONDITIONS`: what a person must act on comes before what only time can tell. */
function conditionOf({ connection, believed, bundles }: Signs): Condition {
  if (bundles.some(isTrouble)) return "failed";
  if (connection === "offline") return "offline";
  if (connection === "never" || !believed) return "unknown";
  if (bundles.length === 0) return "empty";
  if (bundles.some(isMoving)) return "moving";
  return bundles.every(isHealthy) ? "healthy" : "unhealthy";
}

/** What was given up before and is no longer wanted is history. */
function isTrouble({ state, failed, refused, wanted }: BundleView): boolean {
  if (state === "failed" || state === "stuck" || refused.length > 0) return true;
  return failed !== null && failed.digest === wanted?.digest && failed.values === wanted.values;
}

function isMoving({ state, digest, values, record, wanted }: BundleView): boolean {
  if (state === "applying" || state === "verifying" || state === "reverting") return true;
  if (wanted === null) return false;
  return wanted.digest !== digest || wanted.values !== values || wanted.record !== record;
}

/** As the gate of a wave counts it: all objects, or, where none are counted, a second without a break. */
function isHealthy({ objects, healthyFor }: BundleView): boolean {
  return objects === null ? healthyFor > 0 : objects.healthy === objects.total;
}
