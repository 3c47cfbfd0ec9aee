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
  /** Number of the minute through which that holds; null: for this moment alone. */
  minute: number | null;
  /** Whether one of those known at another moment has opened or closed. */
  differ(before: Windows | null): boolean;
}

const MINUTE_MS = 60_000;

/** They open on whole minutes; whether they close on such, too. */
export function turnOnMinutes(windows: NonNullable<Rollout["windows"]>): boolean {
  return windows.every((window) => milliseconds(window.for) % MINUTE_MS === 0);
}

/** `last`: at an earlier moment, so that of the same minute nothing is worked out twice. */
export function windowsAt(windows: Rollout["windows"], now: number, last: Windows | null): Windows {
  const lines = (windows ?? []).map(({ cron, zone, for: open }) => ({
    cron: parsed(cron),
    zone,
    for: milliseconds(open),
  }));
  const minute = turnOnMinutes(windows ?? []) ? Math.floor(now / MINUTE_MS) : null;
  // A hundred thousand sites live in few zones.
  const known = new Map(minute !== null && last?.minute === minute ? last.known : []);
  const open = (labels: Labels) => {
    if (lines.length === 0) return true;
    const own = labels[ZONE_LABEL] ?? "";
    const seen = known.get(own);
    if (seen !== undefined) return seen;
    const found = lines.some((line) => {
      const zone = line.zone === "site" ? zoneOf(labels) : line.zone;
      if (zone === undefined) return false;
      const due = lastDue(line.cron, zone, now, line.for);
      return due !== null && now - due < line.for;
    });
    known.set(own, found);
    return found;
  };
  // All are asked, so that all are known from now on.
  const differ = (before: Windows | null) =>
    [...(before?.known ?? [])].filter(([zone, was]) => open({ [ZONE_LABEL]: zone }) !== was).length > 0;
  return { open, known, minute, differ };
}

function parsed(text: string): Cron {
  const cron = parseCron(text);
  // The file was read by a schema that refuses it.
  if (typeof cron === "string") throw new TypeError(`${text}: ${cron}`);
  return cron;
}
