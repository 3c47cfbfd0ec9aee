import { alike } from "../../shared/canonical.ts";
import type { ErrorCode } from "../../shared/errors.ts";
import { rfc3339, short } from "../../shared/names.ts";
import type { ItemFlag, Prepared, Report, ReportItem } from "../../shared/report.ts";
import type { Hold, Marks } from "../cache/cache.ts";
import type { Summary } from "../observe/observed.ts";
import { jobsInWords } from "./jobs.ts";

/** All that a report is made of, but for its number. */
export interface Situation {
  boot: string;
  assignment: readonly [number, number] | null;
  root: number;
  record: number;
  /** Of the newest head held; null before the first. */
  head: number | null;
  /** Since when news may be kept from this site, RFC 3339; null where nothing hints at it. */
  withheldSince: string | null;
  now: number;
  synced: boolean;
  /** Why the site puts off what is new; null where it does not. */
  held: string | null;
  bundles: readonly BundleSituation[];
  refused: readonly { bundle: string; digest: string; code: ErrorCode }[];
  prepared: readonly Prepared[];
}

export interface BundleSituation {
  hold: Hold;
  marks: Marks | null;
  flags: readonly ItemFlag[];
  summary: Summary;
  drifted: number;
  healthyForMs: number;
  waitingOn: string | null;
}

export type Unnumbered = Omit<Report, "number">;

export function reportOf(situation: Situation): Unnumbered {
  const { boot, assignment, root, record, head, withheldSince, now, synced, held, refused, prepared } = situation;
  return {
    boot,
    ...(assignment === null ? {} : { assignment: [...assignment] as [number, number] }),
    root,
    record,
    ...(head === null ? {} : { head }),
    ...(withheldSince === null ? {} : { withheld: withheldSince }),
    at: rfc3339(now),
    synced,
    ...(held === null ? {} : { held }),
    items: situation.bundles.map(itemOf),
    ...(refused.length === 0 ? {} : { refused: refused.map((entry) => ({ ...entry, digest: short(entry.digest) })) }),
    ...(prepared.length === 0 ? {} : { prepared: [...prepared] }),
  };
}

function itemOf({ hold, marks, flags, summary, drifted, healthyForMs, waitingOn }: BundleSituation): ReportItem {
  const { running, previous } = hold;
  // One that is being tried again has not failed again.
  const isMoving = hold.state === "applying" || hold.state === "verifying";
  const jobs = jobsInWords(hold.jobs ?? []);
  const own: ItemFlag[] = hold.passed === undefined ? [...flags] : [...flags, "no-return"];
  const last = hold.failed.findLast((entry) => !(isMoving && isSame(entry, running)));
  return {
    bundle: hold.bundle,
    digest: short(running.digest),
    values: running.values,
    record: running.record,
    state: hold.state,
    since: hold.since,
    healthyFor: Math.floor(healthyForMs / 1000),
    ...(marks === null ? {} : { marks: [marks.pair, marks.floor] as [typeof marks.pair, typeof marks.floor] }),
    ...(previous === null ? {} : { previous: short(previous.digest) }),
    ...(previous === null || previous.values === "" ? {} : { previousValues: previous.values }),
    ...(last === undefined ? {} : { failed: failedOf(last) }),
    ...(waitingOn === null ? {} : { waitingOn: waitingOn.slice(0, 200) }),
    ...(jobs.length === 0 ? {} : { jobs }),
    ...(own.length === 0 ? {} : { flags: own }),
    objects: { total: summary.total, healthy: summary.healthy, drifted },
  };
}

type FailedEntry = Hold["failed"][number];

function isSame(a: FailedEntry, b: Hold["running"]): boolean {
  return a.digest === b.digest && a.values === b.values && a.record === b.record;
}

function failedOf({ digest, values, record, code }: FailedEntry): NonNullable<ReportItem["failed"]> {
  return { digest: short(digest), ...(values === "" ? {} : { values }), record, code };
}

/**
 * Whether a report is due: where anything changed but the passing of time, and after `everyMs` without one.
 * `last` is the last report sent and when (monotonic, ms).
 */
export function isDue(
  current: Unnumbered,
  last: { report: Unnumbered; at: number } | null,
  now: number,
  everyMs: number,
): boolean {
  return last === null || now - last.at >= everyMs || !saysTheSame(current, last.report);
}

function saysTheSame(a: Unnumbered, b: Unnumbered): boolean {
  const areSame = (item: ReportItem, other: ReportItem | undefined) =>
    other !== undefined && item.healthyFor > 0 === other.healthyFor > 0 && alike(item, other, ["healthyFor"]);
  if (a.items.length !== b.items.length || !a.items.every((item, index) => areSame(item, b.items[index]))) return false;
  return alike(a, b, ["at", "items"]);
}
