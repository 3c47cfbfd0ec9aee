import { type Cron, isZone, lastDue, parseCron } from "../../shared/cron.ts";
import { type Labels, milliseconds } from "../../shared/names.ts";
import type { Rollout } from "../../shared/rollout.ts";

/** Label of a site whose value names its time zone; labels have no slash, so `Europe/Berlin` is written `Europe.Berlin`. */
export const ZONE_LABEL = "zone";

/** The site's own time zone; undefined where it names none that is known. */
export function zoneOf(labels: Labels): string | undefined {
  const zone = labels[ZONE_LABEL]?.replaceAll(".", "/");
  return zone !== undefined && isZone(zone) ? zone : undefined;
}

/** At one moment. */
export interface Windows {
  /** Whether a site with these labels may begin: always, where there are no windows. */
  open(labels: Labels): boolean;
  /** By the value of the label: what was asked so far. */
  known: ReadonlyMap<string, boolean>;
  /** Whether one of those known at another moment has opened or closed. */
  differ(before: ReadonlyMap<string, boolean>): boolean;
}

export function windowsAt(windows: Rollout["windows"], now: number): Windows {
  const lines = (windows ?? []).map((entry) => ({
    for: milliseconds(entry.for),
    zone: entry.zone,
    dueIn: (zone: string) => dueIn(entry, zone, now),
  }));
  // A hundred thousand sites live in few zones.
  const known = new Map<string, boolean>();
  const open = (labels: Labels) => {
    if (lines.length === 0) return true;
    const own = labels[ZONE_LABEL] ?? "";
    const seen = known.get(own);
    if (seen !== undefined) return seen;
    const found = lines.some((line) => {
      const zone = line.zone === "site" ? zoneOf(labels) : line.zone;
      if (zone === undefined) return false;
      const due = line.dueIn(zone);
      return due !== null && now - due < line.for;
    });
    known.set(own, found);
    return found;
  };
  // All are asked, so that all are known from now on.
  const differ = (before: ReadonlyMap<string, boolean>) =>
    [...before].filter(([zone, was]) => open({ [ZONE_LABEL]: zone }) !== was).length > 0;
  return { open, known, differ };
}

type Entry = NonNullable<Rollout["windows"]>[number];

const MINUTE_MS = 60_000;
/** What was found for the present minute, by zone: windows open on whole minutes, and a run is stepped many times in each. */
const found = new WeakMap<Entry, { minute: number; due: Map<string, number | null> }>();

function dueIn(entry: Entry, zone: string, now: number): number | null {
  const minute = Math.floor(now / MINUTE_MS);
  const held = found.get(entry);
  const due = held?.minute === minute ? held.due : new Map<string, number | null>();
  if (due !== held?.due) found.set(entry, { minute, due });
  const known = due.get(zone);
  if (known !== undefined) return known;
  const answer = lastDue(parsed(entry.cron), zone, now, milliseconds(entry.for));
  due.set(zone, answer);
  return answer;
}

function parsed(text: string): Cron {
  const cron = parseCron(text);
  // The file was read by a schema that refuses it.
  if (typeof cron === "string") throw new TypeError(`${text}: ${cron}`);
  return cron;
}
