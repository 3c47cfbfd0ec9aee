import type { FleetMember } from "../registry/site.ts";
import { waitsForAnother } from "./begin.ts";
import type { Effect, Input, Run } from "./run.ts";
import type { Sites } from "./sites.ts";

/** Runs of two rollouts that move a site for one bundle: they never do so at the same time. */

/** Whom a run waits for. */
export interface Ahead {
  run: string;
  rollout: string;
  /** One of the sites that both move, and how many they are. */
  site: string;
  sites: number;
}

/** News for a run that has not begun about whom it has to let go first; none where that is as it was. */
export function queueInputs(run: Run, runs: ReadonlyMap<string, Run>, now: number, meetings: Meetings): Input[] {
  if (hasBegun(run) || isOver(run)) return [];
  const ahead = [...runs.values()].find(
    (other) => mayMeet(run, other) && goesFirst(other, run, now) && meetings.meet(run, other),
  );
  if ((ahead?.id ?? null) === (run.behind?.run ?? null)) return [];
  return [{ kind: "queue", behind: ahead === undefined ? null : aheadOf(run, ahead) }];
}

/** A run of another rollout that moves sites of this one now; null where none does. */
export function movingNow(run: Run, runs: ReadonlyMap<string, Run>): Ahead | null {
  const other = [...runs.values()].find(
    (each) => hasBegun(each) && mayMeet(run, each) && firstOf(run, each) !== undefined,
  );
  return other === undefined ? null : aheadOf(run, other);
}

/**
 * Where a run stands in line: since the first of the runs of its rollout that came to no end. A newer commit takes the place of the one
 * that it supersedes, and does not go to the back.
 */
export function placeAfter(older: readonly Run[]): { place: number } | object {
  const [first] = older
    .filter((run) => !isSettled(run))
    .map(placeOf)
    .toSorted((a, b) => a - b);
  return first === undefined ? {} : { place: first };
}

/** A site that joins may be moved by another rollout still: what that has brought there comes to its end first. */
export function isTaken(
  effect: Effect,
  runs: ReadonlyMap<string, Run>,
  fleet: ReadonlyMap<string, FleetMember>,
): boolean {
  if (effect.kind !== "assign") return false;
  const run = runs.get(effect.run);
  const holder = runs.get(fleet.get(effect.site)?.assigned[effect.bundle]?.run ?? "");
  return run !== undefined && holder !== undefined && holder.rollout !== run.rollout && hasBegun(holder);
}

/** Nothing more is given out by it. */
export function isOver({ phase }: Run): boolean {
  return phase.kind === "aborted" || phase.kind === "superseded";
}

/** It got where it was to go, or back; only those that were offline still get theirs. */
function isSettled({ phase }: Run): boolean {
  return phase.kind === "completed" || phase.kind === "reverted";
}

/** Sites have it, may have it, or are told to get ready for it; not where it came to its end. */
export function hasBegun({ phase }: Run): boolean {
  if (phase.kind === "paused") return phase.resume.before !== "planned";
  return phase.kind === "preparing" || phase.kind === "rolling" || phase.kind === "reverting";
}

/** One that was paused before it began, or that comes after another rollout, lets others pass. */
function goesFirst(other: Run, run: Run, now: number): boolean {
  if (hasBegun(other)) return true;
  if (other.phase.kind !== "planned" || waitsForAnother(other, now) !== null) return false;
  return placeOf(other) < placeOf(run) || (placeOf(other) === placeOf(run) && other.id < run.id);
}

function placeOf({ place, startedAt }: Run): number {
  return place ?? startedAt;
}

function mayMeet(run: Run, other: Run): boolean {
  if (other.rollout === run.rollout || other.target.bundle !== run.target.bundle) return false;
  return !isOver(other) && !isSettled(other);
}

/**
 * Which runs have a site in common, for one decision, beside what the one before found: sites never leave a run, so that only those that
 * joined since are compared.
 */
export class Meetings {
  readonly #before: ReadonlyMap<string, Compared>;
  readonly #now = new Map<string, Compared>();

  constructor(before?: Meetings) {
    this.#before = before === undefined ? new Map() : before.#now;
  }

  meet(run: Run, other: Run): boolean {
    const key = `${run.id} ${other.id}`;
    const known = this.#now.get(key) ?? this.#before.get(key) ?? { meet: false, sizes: [0, 0] };
    const [own, others] = known.sizes;
    const meet = known.meet || isAmong(run.sites, own, other.sites) || isAmong(other.sites, others, run.sites);
    this.#now.set(key, { meet, sizes: [run.sites.size, other.sites.size] });
    return meet;
  }
}

interface Compared {
  meet: boolean;
  /** How many sites each of them had. */
  sizes: readonly [number, number];
}

/** One of the sites from that place on is among the others. */
function isAmong(sites: Sites, from: number, others: Sites): boolean {
  for (let place = from; place < sites.size; place += 1) if (others.has(sites.idAt(place))) return true;
  return false;
}

function firstOf(run: Run, other: Run): string | undefined {
  for (const [site] of run.sites) if (other.sites.has(site)) return site;
  return undefined;
}

function aheadOf(run: Run, other: Run): Ahead {
  const sites = [...run.sites].filter(([site]) => other.sites.has(site)).length;
  return { run: other.id, rollout: other.rollout, site: firstOf(run, other) ?? "", sites };
}
