import { rfc3339 } from "../shared/names.ts";
import { VERSION } from "../shared/version.ts";
import type { Cache, FailedState, Hold, State } from "./cache/cache.ts";
import type { BundleStatus, HeldStatus, Status } from "./local/status.ts";
import type { Unnumbered } from "./report/report.ts";

/** What only an agent that runs can say. */
export interface Running {
  since: string;
  synced: boolean;
  retired: boolean;
  hub: Status["hub"];
  held: HeldStatus | null;
  sources: Status["sources"];
  sourcedAt: string | null;
  latest: { report: Unnumbered; stays: ReadonlyMap<string, string> } | null;
  assigned: ReadonlyMap<string, { version: string; digest: string }>;
}

/** How a site is. `running` is null where no agent runs: then what lies on its disk speaks alone. `now` in ms. */
export function statusOf(
  { fleet, site }: { fleet: string; site: string },
  cache: Cache,
  running: Running | null,
  now: number,
): Status {
  const { report = null, stays = new Map<string, string>() } = running?.latest ?? {};
  const holds = cache.holds();
  const versions = new Map(cache.versions().map(({ digest, version }) => [digest, version]));
  const absent = [...stays.keys()].filter((bundle) => !holds.some((hold) => hold.bundle === bundle));
  const assignment = cache.assignment();
  return {
    fleet,
    site,
    agent: VERSION,
    at: rfc3339(now),
    running: running === null ? null : { since: running.since, synced: running.synced },
    hub: running?.hub ?? null,
    root: report?.root ?? null,
    record: report?.record ?? cache.record()?.number ?? null,
    head: report?.head ?? null,
    retired: running?.retired ?? false,
    withheld: report?.withheld ?? null,
    assignment: report?.assignment ?? (assignment === null ? null : [assignment.term, assignment.number]),
    held: running?.held ?? null,
    sources: running?.sources ?? [],
    sourcedAt: running?.sourcedAt ?? null,
    outbox: cache.waitingEvents(),
    bundles: [
      ...holds.map((hold) => bundleOf(hold, cache, running, versions)),
      ...absent.map((bundle) => absentOf(bundle, cache, running, stays.get(bundle) ?? null)),
    ],
    refusals: cache
      .refusals()
      .slice(-20)
      .map(({ bundle, code, words, at }) => ({ bundle, code, words, at: rfc3339(at) })),
  };
}

function bundleOf(
  hold: Hold,
  cache: Cache,
  running: Running | null,
  versions: ReadonlyMap<string, string>,
): BundleStatus {
  const { bundle, running: state, committed, previous, failed } = hold;
  const item = running?.latest?.report.items.find((each) => each.bundle === bundle);
  const assigned = running?.assigned.get(bundle);
  const name = (of: State | null) => of?.version ?? null;
  return {
    bundle,
    version: state.version,
    state: hold.state,
    since: hold.since,
    objects: item?.objects ?? null,
    wanted: assigned === undefined || assigned.digest === state.digest ? null : assigned.version,
    waitingOn: item?.waitingOn ?? null,
    committed: name(committed),
    previous: name(previous),
    failed: failed.slice(-5).map(({ digest, code }: FailedState) => ({
      version: versions.get(digest) ?? digest.slice(0, 12),
      code,
    })),
    marks: cache.marks().get(bundle) ?? null,
  };
}

function absentOf(bundle: string, cache: Cache, running: Running | null, waitingOn: string | null): BundleStatus {
  return {
    bundle,
    version: null,
    state: "absent",
    since: null,
    objects: null,
    wanted: running?.assigned.get(bundle)?.version ?? null,
    waitingOn,
    committed: null,
    previous: null,
    failed: [],
    marks: cache.marks().get(bundle) ?? null,
  };
}
