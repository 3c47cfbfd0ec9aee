import { rfc3339 } from "../../shared/names.ts";
import type { StoredEvent } from "../registry/store.ts";
import type { Because } from "../rollout/because.ts";
import type { EventView, FleetView, RolloutList, RolloutView } from "./contract.ts";
import { isOver, runView } from "./run-view.ts";
import { siteView } from "./site-view.ts";
import type { SeenRun, Snapshot } from "./snapshot.ts";
import { versionsOf } from "./versions.ts";

/** `because` for a person; the rollout's own, handed in by the wiring. */
export type InWords = (because: Because) => string;

/** Everything that the fleet's page shows, out of one moment of the hub. */
export function fleetView(snapshot: Snapshot, inWords: InWords): FleetView {
  const { fleet, now, root, members } = snapshot;
  const around = { now, root, versions: versionsOf(snapshot.runs), runs: snapshot.runs };
  return {
    fleet,
    now: rfc3339(now),
    root: root?.number ?? 0,
    sites: members.map((member) => siteView(member, around)).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    runs: shown(snapshot.runs).map((seen) => runView(seen, inWords)),
    rollouts: rolloutViews(snapshot),
  };
}

export function rolloutList(snapshot: Snapshot, inWords: InWords): RolloutList {
  return { rollouts: rolloutViews(snapshot), runs: snapshot.runs.map((seen) => runView(seen, inWords)) };
}

export function eventView({ row, site, at, event }: StoredEvent, versions: ReadonlyMap<string, string>): EventView {
  const { number, kind, bundle = null, digest = null, code = null, object = null, words = null } = event;
  const version = digest === null ? null : (versions.get(digest) ?? null);
  return {
    row,
    site,
    number,
    at: event.at,
    storedAt: rfc3339(at),
    kind,
    bundle,
    digest,
    version,
    code,
    object,
    words,
  };
}

/** Runs that are not over, and the last of each rollout. */
function shown(runs: readonly SeenRun[]): SeenRun[] {
  const last = new Map(runs.map((seen) => [seen.run.rollout, seen]));
  return runs.filter((seen) => !isOver(seen.run) || last.get(seen.run.rollout) === seen);
}

function rolloutViews({ rollouts }: Snapshot): RolloutView[] {
  return rollouts
    .map(({ name, commit, sha256, version, refused }) => ({ name, commit, version, deleted: sha256 === null, refused }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
