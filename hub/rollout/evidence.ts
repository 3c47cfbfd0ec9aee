import type { ErrorCode } from "../../shared/errors.ts";
import { comparePairs, type Pair, short } from "../../shared/names.ts";
import type { ReportItem } from "../../shared/report.ts";
import type { Assigned, Site } from "../registry/site.ts";

/** What a site's signed reports prove, and nothing more. */

type Given = Pick<Assigned, "digest" | "values" | "record">;

export function itemOf(site: Site, bundle: string): ReportItem | undefined {
  return site.report?.body.items.find((item) => item.bundle === bundle);
}

export function highestMark(site: Site, bundle: string): Pair | undefined {
  return itemOf(site, bundle)?.marks?.[0];
}

/** The site says that it took the set that brought this assignment in, or a later one. */
export function acknowledged(site: Site, assigned: Assigned): boolean {
  const taken = site.report?.body.assignment;
  if (taken === undefined) return false;
  return comparePairs(taken, assigned.introduced) >= 0;
}

/** A report is good for three times the interval it is due in. Unknown is not healthy. */
export function isFresh(site: Site, reportEveryMs: number, now: number): boolean {
  return now <= freshUntil(site, reportEveryMs);
}

/** Until when its last report is good. */
export function freshUntil({ report }: Site, reportEveryMs: number): number {
  return report === null ? Number.NEGATIVE_INFINITY : report.at + 3 * reportEveryMs;
}

/** Why the assigned state was given up there; null where it was not. */
export function failureOf(item: ReportItem | undefined, assigned: Given): ErrorCode | null {
  const failed = item?.failed;
  if (failed === undefined || failed.digest !== short(assigned.digest)) return null;
  const isThis = (failed.values ?? "") === assigned.values && (failed.record ?? assigned.record) === assigned.record;
  return isThis ? failed.code : null;
}

/** All objects are healthy at the time of the report; one that counts no objects must have held for a second. */
export function isHealthy(item: ReportItem): boolean {
  if (item.objects !== undefined) return item.objects.healthy === item.objects.total;
  return item.healthyFor > 0;
}
