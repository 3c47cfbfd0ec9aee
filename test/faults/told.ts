import type { EventKind } from "../../shared/event.ts";
import { type KubeObject, nameOf, refOf } from "../../shared/live.ts";
import type { SoloSite } from "../bench/solo-site.ts";

/** What was told, each number once. */
export interface Told {
  /** All of it; what should hold of any site's events and does not. */
  lost: string[];
  events: SoloSite["events"];
  times(kind: EventKind, of?: { digest?: string; object?: KubeObject; code?: string }): number;
}

/**
 * Of a site's whole life; `from` leaves out what `times` does not count: numbers up to it. A site that lost its `disk` begins its reports anew,
 * until the hub tells it how far it was.
 */
export function toldBy(site: SoloSite, from = 0, disk: "kept" | "lost" = "kept"): Told {
  const lost: string[] = [];
  const byNumber = new Map<number, string>();
  for (const event of site.batches.flatMap((batch) => batch.events)) {
    const text = JSON.stringify(event);
    if ((byNumber.get(event.number) ?? text) !== text) lost.push(`event ${event.number} came with two contents`);
    byNumber.set(event.number, text);
  }
  const highest = lastNumber(site);
  for (let number = 1; number <= highest; number += 1)
    if (!byNumber.has(number)) lost.push(`event ${number} never came`);
  const numbers = site.reports.map((report) => report.number);
  if (disk === "kept" && !numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0)))
    lost.push(`report numbers ${numbers.join(" ")}`);
  const events = [...byNumber.values()].map((text) => JSON.parse(text) as SoloSite["events"][number]);
  const counted = events.filter(({ number }) => number > from);
  return {
    lost,
    events: counted,
    times: (kind, { digest, object, code } = {}) =>
      counted.filter(
        (event) =>
          event.kind === kind &&
          (digest === undefined || event.digest === digest.slice(0, 32)) &&
          (code === undefined || event.code === code) &&
          (object === undefined || event.object === nameOf(refOf(object))),
      ).length,
  };
}

export function lastNumber(site: SoloSite): number {
  return Math.max(0, ...site.batches.flatMap(({ events }) => events.map(({ number }) => number)));
}

/** Each of these exactly once. */
export function notOnce(told: Told, expected: readonly (readonly [EventKind, string])[]): string[] {
  return expected.flatMap(([kind, digest]) => {
    const times = told.times(kind, { digest });
    return times === 1 ? [] : [`${kind} of ${digest.slice(0, 8)} was told ${times} times`];
  });
}
