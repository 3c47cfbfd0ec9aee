import * as z from "zod/mini";
import { ERROR_CODES } from "../../shared/errors.ts";
import { EVENT_KINDS } from "../../shared/event.ts";
import {
  count,
  labels,
  name,
  number,
  sha256,
  shortDigest,
  siteId,
  time,
  valuesHash,
  values as valuesOf,
  version,
} from "../../shared/names.ts";
import { ITEM_FLAGS, ITEM_STATES } from "../../shared/report.ts";
import { PHASES, VERBS, type Verb } from "../../shared/verbs.ts";
import { because, outcome, ranJob } from "./contract-because.ts";

/**
 * What the hub's API says: one set of schemas for validation, for the page and for `skerry`. Times are RFC 3339 in UTC, durations
 * are whole seconds, and what is not known is null. The page imports the types alone.
 */

/** `never`: nothing signed by this site was ever heard. `unknown`: heard, and the bus has not said yet whether it is there. */
export const CONNECTIONS = ["online", "offline", "unknown", "never"] as const;

/** One word for a site; the first that holds. A stale report proves nothing: unknown is not healthy. */
export const CONDITIONS = [
  "retired", // its record says so: it runs on what it has, and nothing it says is a failure
  "failed", // it gave up or refused what it should run, or a person must free it
  "offline", // away; it goes on running what it ran
  "unknown", // never heard, or its last report is too old to be believed
  "empty", // nothing runs here and nothing should
  "moving", // on its way to what it should run
  "unhealthy", // runs what it should, and not all of it is healthy
  "healthy",
] as const;

/** As the site reports it; `none`: it should run the bundle, or refused it, and runs none of it. */
export const BUNDLE_STATES = [...ITEM_STATES, "none"] as const;

const code = z.enum(ERROR_CODES);

const badVersion = { digest: shortDigest, version: z.nullable(version), code };
const failedState = z.object({ ...badVersion, values: valuesHash });
/** With the site's own words for it, where it told them. */
const refusedState = z.object({ ...badVersion, words: z.nullable(z.string()) });

export const bundleView = z.object({
  bundle: name,
  /** What runs; null where no run that the hub knows names this digest. */
  version: z.nullable(version),
  digest: z.nullable(shortDigest),
  /** Hash of the hub's values and number of the site record that it runs with. */
  values: z.nullable(valuesHash),
  record: z.nullable(number),
  state: z.enum(BUNDLE_STATES),
  since: z.nullable(time),
  /** Seconds, as of the report. */
  healthyFor: count,
  objects: z.nullable(z.object({ total: count, healthy: count, drifted: count })),
  waitingOn: z.nullable(z.string()),
  /** What the hub assigned; null where it assigned nothing. */
  wanted: z.nullable(
    z.object({ version: z.nullable(version), digest: shortDigest, values: valuesHash, record: number, run: name }),
  ),
  /** What was given up here last. */
  failed: z.nullable(failedState),
  /** What was offered and is refused here. */
  refused: z.array(refusedState),
  /** Why what runs would not be accepted anew: its keys left the root, or it is below the delegation's epoch. It runs on. */
  flags: z.array(z.enum(ITEM_FLAGS)),
  /** Of the delegation, by the root that the hub holds; null where nobody is delegated. */
  epoch: z.nullable(number),
  /** The run whose version is older than what this site committed, so that the site leaves it alone; null where none is. */
  ahead: z.nullable(z.object({ version, run: name })),
});

export const siteView = z.object({
  id: siteId,
  labels,
  condition: z.enum(CONDITIONS),
  connection: z.enum(CONNECTIONS),
  /** When the hub last took a signed message of it. */
  lastHeard: z.nullable(time),
  agent: z.nullable(z.string()),
  reportAgeSeconds: z.nullable(count),
  /** The report is older than it may be: what it says may not hold any more. */
  stale: z.boolean(),
  /** Why the person at the site holds it back. */
  held: z.nullable(z.string()),
  /** Why nothing new is given to it, though it is not retired: its record does not hold under the newest root. */
  barred: z.nullable(z.string()),
  /** Number of the signed head that it holds; null where it holds none. */
  head: z.nullable(number),
  /** Since when news may be kept from it. */
  withheld: z.nullable(time),
  /** Its clock is known to be right; without that it cannot tell whether a head is old. */
  synced: z.boolean(),
  /** Number of its newest event that the hub stored; 0 before the first. */
  event: count,
  bundles: z.array(bundleView),
});

export const waveView = z.object({
  name,
  /** `open`: sites of it are given the version, and its gate is asked. */
  state: z.enum(["waiting", "open", "passed"]),
  soakSeconds: z.number(),
  /** Share of the counted sites that must be healthy. */
  success: z.string(),
  /** By outcome; outcomes that no site has are left out. */
  counts: z.partialRecord(outcome, count),
  /** In the order of the plan, those that joined since at the end. */
  sites: z.array(z.object({ site: siteId, outcome, since: time, code: z.nullable(code) })),
});

const verb = z.enum(Object.keys(VERBS) as [Verb, ...Verb[]]);

/** What the run would change, as its sites found when they prepared it: one row for all at which it is the same. */
export const previewView = z.object({
  /** Those that are not ready before those that are, the largest first. */
  rows: z.array(
    z.object({
      /** Why they are not ready; null where they are. */
      code: z.nullable(code),
      /** `GET .../runs/{id}/diffs/{diff}` shows it; null where nothing was compared. */
      diff: z.nullable(shortDigest),
      sites: count,
      first: z.array(siteId),
    }),
  ),
  /** Rows beyond those; sites that said something, of those of the run. */
  more: count,
  sites: count,
  of: count,
});

export const runView = z.object({
  id: name,
  rollout: name,
  bundle: name,
  version,
  digest: sha256,
  /** What the hub sets of the bundle's variables. */
  values: valuesOf,
  /** It goes to an older version, as the file was changed to say. */
  back: z.boolean(),
  startedAt: time,
  phase: z.enum(PHASES),
  /** When the phase, or its step, was entered. */
  since: time,
  /** The wave that is open, or that a pause holds. */
  wave: z.nullable(name),
  step: z.nullable(z.enum(["opening", "soaking", "gating"])),
  waves: z.array(waveView),
  /** Selected sites that are in no wave, and why. */
  left: z.array(z.object({ site: siteId, why: z.string() })),
  because,
  /** `because`, for a person. */
  words: z.string(),
  /** What a person may do now. */
  verbs: z.array(verb),
  /** What the run's phase would allow and cannot be done now, and why. */
  notNow: z.array(z.object({ verb, why: z.string() })),
  /** null where no site prepares it. */
  preview: z.nullable(previewView),
});

/** `GET .../runs/{id}/return`: what going back would do, before anybody asks for it. */
export const returnView = z.object({
  /** How many would be sent back to what they ran before. */
  sites: count,
  /** Who took the version and may not go back, and why. */
  left: z.array(z.object({ site: siteId, why: z.string() })),
  /** What their sites ran that is not undone. */
  jobs: z.array(ranJob),
});

export const rolloutView = z.object({
  name,
  commit: z.string(),
  version: z.nullable(version),
  /** The file is no longer in the fleet repository. */
  deleted: z.boolean(),
  /** Why nothing was started for the file as it is now. */
  refused: z.nullable(z.string()),
});

export const fleetView = z.object({
  fleet: name,
  /** The hub's clock. */
  now: time,
  /** Number of the root held; 0 before the first. */
  root: count,
  /** By id. */
  sites: z.array(siteView),
  /** Oldest first: those that are not over, and the last of each rollout. */
  runs: z.array(runView),
  /** By name. */
  rollouts: z.array(rolloutView),
});

/** `GET /api/v1/rollouts`: every run that the hub keeps, oldest first. */
export const rolloutList = z.object({ rollouts: z.array(rolloutView), runs: z.array(runView) });

export const eventView = z.object({
  /** Pages: `before` of the next request. */
  row: number,
  /** Empty for what the hub itself did or refused. */
  site: z.string(),
  /** Of the site's own numbering: without a gap, each once. */
  number,
  /** By the site's clock, and when the hub stored it. */
  at: time,
  storedAt: time,
  kind: z.enum(EVENT_KINDS),
  bundle: z.nullable(name),
  digest: z.nullable(shortDigest),
  version: z.nullable(version),
  code: z.nullable(code),
  object: z.nullable(z.string()),
  words: z.nullable(z.string()),
});

/** `GET /api/v1/events`: newest first. `next` is null on the last page. */
export const eventList = z.object({ events: z.array(eventView), next: z.nullable(number) });

export type Connection = (typeof CONNECTIONS)[number];
export type Condition = (typeof CONDITIONS)[number];
export type BundleState = (typeof BUNDLE_STATES)[number];
export type BundleView = z.infer<typeof bundleView>;
export type SiteView = z.infer<typeof siteView>;
export type PreviewView = z.infer<typeof previewView>;
export type WaveView = z.infer<typeof waveView>;
export type RunView = z.infer<typeof runView>;
export type ReturnView = z.infer<typeof returnView>;
export type RolloutView = z.infer<typeof rolloutView>;
export type FleetView = z.infer<typeof fleetView>;
export type RolloutList = z.infer<typeof rolloutList>;
export type EventView = z.infer<typeof eventView>;
export type EventList = z.infer<typeof eventList>;
