import { comparePairs, type Pair, rfc3339 } from "../../shared/names.ts";
import { mayComeFrom } from "../../shared/verify/requires.ts";
import type { Hold, Marks, State } from "../cache/cache.ts";
import type { Time } from "./clock.ts";
import { type Held, heldWords, leftOf } from "./held.ts";
import { type Stay, stay } from "./stay.ts";
import type { OnDisk, Wanted } from "./wanted.ts";

/** What the site is, that a start is judged by. */
export interface Site {
  hold: Hold | null;
  marks: Marks | null;
  /** Whether the marks are all there is: those that the cluster keeps were read, or the disk has its own. */
  marksKnown: boolean;
  /** What holds the site back, as of now; unknown while nobody is known to, and the cluster could not be asked for a Lease yet. */
  held: Held | "unknown" | null;
  /** The site record that holds; null where none does. */
  record: { number: number; retired: boolean } | null;
  time: Time;
  /** This agent's boot nonce. */
  boot: string;
}

export interface Start {
  do: "start";
  state: State;
  run: string;
  /** To a higher version than what runs: its Jobs run. */
  up: boolean;
  because: "assigned" | "adopted" | "retry";
}

/** The first thing that keeps the site from starting what is wanted; null where nothing does. One line each, named after its reason. */
export function obstacle(wanted: Wanted, site: Site): Stay | null {
  const { onDisk } = wanted;
  // Before a commit, a site may always return to what it committed last.
  const returning = site.hold?.committed?.digest === wanted.digest;
  return (
    ended(wanted) ??
    unreadMarks(site) ??
    withoutReturn(wanted, site) ??
    withoutRecord(wanted, site, returning) ??
    outOfTime(wanted, site) ??
    (returning ? null : backward(wanted, site)) ??
    (onDisk === null ? stay("not-on-disk") : null) ??
    (onDisk === null || returning ? null : forbidden(onDisk, site)) ??
    unfit(wanted) ??
    // Last: what is refused is refused at a held site, too.
    (onDisk === null || returning ? null : heldBack(onDisk, site))
  );
}

function forbidden(version: OnDisk, site: Site): Stay | null {
  return outOfScope(version) ?? rushed(version) ?? comesFrom(version, site) ?? lacking(version) ?? claimed(version);
}

function ended({ ended: isOver, run }: Wanted): Stay | null {
  return isOver ? stay("ended", `${run} was stopped: nothing of it begins any more`) : null;
}

function unreadMarks({ marksKnown }: Site): Stay | null {
  return marksKnown ? null : stay("marks-unread", "the disk has no marks, and those in the cluster are not read yet");
}

/** What came after a phase without return may be older content for data that is not older any more. Somebody at the site may know better. */
function withoutReturn({ by, pair: said, onDisk }: Wanted, { hold }: Site): Stay | null {
  if (hold?.passed === undefined || by === "adopted") return null;
  const pair = onDisk?.pair ?? said;
  if (comparePairs(pair, hold.passed.pair) >= 0) return null;
  const { phase, version } = hold.passed;
  return stay(
    "no-return",
    `phase ${phase} of ${version} was completed here, and it says that nothing older may follow it`,
  );
}

function withoutRecord({ record: number, recordHere }: Wanted, { record }: Site, returning: boolean): Stay | null {
  if (record === null) return stay("record", "no site record holds under the present root");
  if (record.retired && !returning) return stay("retired", "this site is retired: it takes nothing new");
  if (recordHere) return null;
  return stay("record", `assigned for record ${number}, which is not here; record ${record.number} is`);
}

function outOfTime({ within }: Wanted, { time, boot }: Site): Stay | null {
  if (within === null) return null;
  if (Date.parse(within.expires) <= time.now) return stay("expired", `the assignment ran out at ${within.expires}`);
  if (!time.synced && within.boot !== boot) {
    return stay("no-clock", "the clock is not known to be right, and the assignment does not name this start");
  }
  if (within.notBefore === undefined) return null;
  const until = Date.parse(within.notBefore);
  return until <= time.now ? null : stay("not-before", `starts at ${within.notBefore}`, { until });
}

function outOfScope({ inScope }: OnDisk): Stay | null {
  return inScope ? null : stay("scope", "its scope does not include this site, as its record is now");
}

function rushed({ rushedUntil }: OnDisk): Stay | null {
  if (rushedUntil === null) return null;
  return stay("rushed", `its signed pace lets this site go at ${rfc3339(rushedUntil)}`, { until: rushedUntil });
}

/** A site's own previous version is below no floor, unless what is committed forbids going back: its floor is its own pair. */
function backward({ digest, pair: said, onDisk, back }: Wanted, { hold, marks }: Site): Stay | null {
  // What lies below the floor is not fetched again, so that its signed pair may not be here to ask.
  const pair = onDisk?.pair ?? said;
  if (marks === null || comparePairs(pair, marks.pair) >= 0) return null;
  const committed = hold?.committed ?? null;
  if (!back) {
    const isAhead = committed !== null && comparePairs(pair, committed.pair) < 0;
    const words = `${dots(pair)} is below ${dots(marks.pair)}, which was committed here, and nobody says back`;
    return stay(isAhead ? "ahead" : "rollback", words);
  }
  const forbidsReturn = committed !== null && comparePairs(marks.floor, committed.pair) === 0;
  const isPrevious = hold?.previous?.digest === digest;
  if (isPrevious ? !forbidsReturn : comparePairs(pair, marks.floor) >= 0) return null;
  return stay("below-floor", `${dots(pair)} is below ${dots(marks.floor)}, the oldest that may be gone back to`);
}

/** With nothing committed on disk, the marks tell where the site is, or was before its disk was lost. */
function comesFrom({ from }: OnDisk, { hold, marks }: Site): Stay | null {
  const committed = hold?.committed?.pair ?? marks?.pair ?? null;
  if (from === null || mayComeFrom(from, committed)) return null;
  return stay("from", `it may come from ${dots(from)} at the oldest, ${dots(committed ?? from)} is committed here`);
}

function lacking({ lacks }: OnDisk): Stay | null {
  return lacks === null ? null : stay("requires", lacks);
}

function claimed({ claimed: by }: OnDisk): Stay | null {
  if (by === null) return null;
  return by.passes ? stay("claimed", by.words, { code: null }) : stay("claimed", by.words);
}

function unfit({ onDisk }: Wanted): Stay | null {
  const because = onDisk?.unfit ?? null;
  return because === null ? null : stay("content", because.words, { code: because.code });
}

function heldBack({ holdAtMost }: OnDisk, { held }: Site): Stay | null {
  if (held === "unknown") return stay("held", "whether a Lease in the cluster holds this site is not known yet");
  return held !== null && leftOf(held, holdAtMost) > 0 ? stay("held", heldWords(held)) : null;
}

function dots(pair: Pair): string {
  return pair.join(".");
}
