import type { SiteAssignment } from "../../hub/registry/store.ts";
import type { Run, SiteProgress } from "../../hub/rollout/run.ts";
import { comparePairs, short } from "../../shared/names.ts";
import type { Report } from "../../shared/report.ts";
import type { Asks } from "./asked.ts";
import type { Invariant } from "./violation.ts";

/** A run as it is stored, with what became of each site. */
export interface TrueRun extends Omit<Run, "sites"> {
  sites: ReadonlyMap<string, SiteProgress>;
  /** Came with the last commit. */
  joined: ReadonlySet<string>;
}

/** What the witness knows, as its checks read it. */
export interface Facts {
  readonly heard: ReadonlyMap<string, Heard>;
  readonly runs: ReadonlyMap<string, TrueRun>;
  readonly assignments: ReadonlyMap<string, SiteAssignment>;
  /** By run: the newest of each site. */
  readonly given: ReadonlyMap<string, ReadonlyMap<string, Given>>;
  /** By run: when it began something at a site. */
  readonly starts: ReadonlyMap<string, readonly number[]>;
  /** By run: when it began. */
  readonly begun: ReadonlyMap<string, number>;
  /** Sites that are signed off. */
  readonly barred: ReadonlySet<string>;
  readonly asks: Asks;
  /** `rollout commit` of each file that was written. */
  readonly commits: ReadonlySet<string>;
  /** Each time that a run completed, and with what. */
  readonly completions: readonly { rollout: string; digest: string; at: number }[];
  /** Time zones of the sites. */
  readonly zones: ReadonlyMap<string, string>;
  /** Noted and not thrown: whoever is being watched would catch it. */
  fail(invariant: Invariant, words: string, about: readonly string[]): void;
}

/**
 * What the hub can know of a site, by the messages that it confirmed. Times are of the hub, ms. It took a message between its arrival and
 * its confirmation; what must hold is asked with the one of both that is kinder to the hub.
 */
export interface Heard {
  /** Of the last message of any kind but presence. */
  arrivedAt: number;
  confirmedAt: number;
  report: { body: Report; confirmedAt: number } | null;
}

/** That a run gave a site a state: the set that brought it first, and when that was decided. */
export interface Given {
  run: string;
  site: string;
  bundle: string;
  digest: string;
  values: string;
  record: number;
  introduced: readonly [number, number];
  at: number;
  /** It starts nothing: the site runs this already. */
  idle: boolean;
  /** When the report arrived that said that it was taken. */
  ackedAt: number | null;
  /** It was healthy on it, or came to another end. */
  healthy: boolean;
  ended: boolean;
  /** Since when the hub knows that it is not healthy on it any more; null where it is, or never was. */
  unwellSince: number | null;
}

export function hasTaken(report: Report | undefined, [term, number]: readonly [number, number]): boolean {
  const taken = report?.assignment;
  return taken !== undefined && (taken[0] > term || (taken[0] === term && taken[1] >= number));
}

/** It has been on something newer, and is not on this: the run has nothing for it, unless it goes back. */
export function isAbove(report: Report | undefined, { back, target: { bundle, digest, pair } }: TrueRun): boolean {
  if (back) return false;
  const item = report?.items.find((each) => each.bundle === bundle);
  return item?.marks !== undefined && comparePairs(item.marks[0], pair) > 0 && item.digest !== short(digest);
}

/** It was not withdrawn, and nothing else was given since. */
export function isInForce(facts: Facts, { run, site, bundle, introduced }: Given): boolean {
  const stored = facts.assignments.get(site)?.assigned[bundle];
  return stored?.run === run && stored.introduced[0] === introduced[0] && stored.introduced[1] === introduced[1];
}

/** What a report says of what was given. */
export function judge(given: Given, report: Report, { arrivedAt, confirmedAt }: Omit<Heard, "report">): void {
  if (!hasTaken(report, given.introduced)) return;
  given.ackedAt ??= arrivedAt;
  const verdict = verdictOf(report, given);
  if (verdict === "healthy") given.unwellSince = null;
  else if (given.healthy) given.unwellSince ??= confirmedAt;
  given.healthy ||= verdict === "healthy";
  given.ended ||= verdict === "healthy" || verdict === "failed";
}

/** What a report says of what was given: healthy on it now, given up, or neither. */
export function verdictOf(
  report: Report,
  { bundle, digest, values, record }: Pick<Given, "bundle" | "digest" | "values" | "record">,
): "healthy" | "failed" | "neither" {
  const item = report.items.find((each) => each.bundle === bundle);
  const name = short(digest);
  if (report.refused?.some((each) => each.bundle === bundle && each.digest === name) === true) return "failed";
  if (item === undefined) return "neither";
  if (item.digest !== name || item.values !== values || item.record !== record) {
    const { failed } = item;
    const isThis = failed?.digest === name && (failed.values ?? "") === values && (failed.record ?? record) === record;
    return isThis ? "failed" : "neither";
  }
  if (item.state === "failed" || item.state === "stuck") return "failed";
  const isThere = item.state === "committed" || item.state === "reverted";
  return isThere && item.objects?.healthy === item.objects?.total ? "healthy" : "neither";
}
