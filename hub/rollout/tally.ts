import { OUTCOMES, type Outcome } from "../../shared/rollout.ts";
import type { FleetMember } from "../registry/site.ts";
import type { Some } from "./because.ts";
import { Due } from "./due.ts";
import { itemOf } from "./evidence.ts";
import type { Failure, PlannedWave, Run, SiteProgress } from "./run.ts";
import type { Sites } from "./sites.ts";
import type { Windows } from "./window.ts";

/** A site that the run sends back, and one that is not ready, is counted apart from the others. */
export type Group = "out" | "back" | "notReady";

const GROUPS: readonly Group[] = ["out", "back", "notReady"];
const KINDS = OUTCOMES.length * GROUPS.length;
const NUMBER_OF = new Map<Outcome, number>(OUTCOMES.map((outcome, number) => [outcome, number]));
/** Of a place where nothing was counted yet. */
const NONE = 255;
/** How finely the time that sites have been healthy is kept: to the second for soaks of an hour. */
const STEPS = 4_096;
/** So many are named where only the first few are. */
const NAMED = 10;

/**
 * What the sites of a run amount to, kept place by place so that nobody has to count them: how many have which outcome in which wave, for
 * how long the healthy ones have held, who is dark, and who must be looked at when. It follows from the run and the fleet alone: made anew
 * it says the same. It changes in place, and so belongs to whoever steps the run; `sites` says which version of them it has counted.
 */
export class Tally {
  sites: Sites;
  /** As of the last look. */
  windows: Windows | null = null;
  /** Sites that the last step wanted to do something about. */
  wanted: ReadonlySet<number> = new Set();
  readonly due = new Due();
  /** Silent, as `offlineAtMost` counts it. */
  dark = 0;
  readonly #waves: Counts[];
  /** Place at which each wave of the plan begins; one more for those that joined. */
  readonly #begins: readonly number[];
  #kinds = new Uint8Array(0);
  #waveOf = new Uint16Array(0);
  #stepOf = new Int16Array(0);
  #isDark = new Uint8Array(0);

  constructor({ plan, sites }: Run, soakSeconds: (wave: PlannedWave) => number) {
    this.sites = sites;
    this.#waves = plan.waves.map((wave) => new Counts(soakSeconds(wave)));
    let begin = 0;
    this.#begins = [0, ...plan.waves.map((wave) => (begin += wave.sites.length))];
  }

  /** Of one wave, or of all. */
  count(wave: number | null, outcomes: Iterable<Outcome>, groups: readonly Group[] = GROUPS): number {
    return kindsOf(outcomes, groups).reduce((sum, kind) => sum + this.#countOf(wave, kind), 0);
  }

  /** The places of those with such an outcome, rising. What they become meanwhile changes nothing. */
  *places(wave: number | null, outcomes: Iterable<Outcome>, groups: readonly Group[] = GROUPS): Generator<number> {
    const kinds = kindsOf(outcomes, groups).filter((kind) => this.#countOf(wave, kind) > 0);
    const cursors = kinds.map((kind) => ({ kind, at: this.#next(wave, kind, -1) }));
    for (;;) {
      let first = cursors[0];
      for (const cursor of cursors) if (first === undefined || cursor.at < first.at) first = cursor;
      if (first === undefined || first.at === Number.POSITIVE_INFINITY) return;
      const place = first.at;
      first.at = this.#next(wave, first.kind, place);
      yield place;
    }
  }

  some(wave: number | null, outcomes: Iterable<Outcome>, groups?: readonly Group[]): Some {
    const list = [...outcomes];
    const first: Failure[] = [];
    for (const place of this.places(wave, list, groups)) {
      first.push(this.#named(place));
      if (first.length === NAMED) break;
    }
    return { count: this.count(wave, list, groups), first };
  }

  all(wave: number | null, outcomes: Iterable<Outcome>, groups?: readonly Group[]): Failure[] {
    return [...this.places(wave, outcomes, groups)].map((place) => this.#named(place));
  }

  /** For how many seconds the `needed` of the wave that were healthy longest have been so, by their reports; at most its soak. */
  heldSeconds(wave: number, needed: number): number {
    return this.#waves[wave]?.heldSeconds(needed) ?? 0;
  }

  note(place: number, progress: SiteProgress, member: FleetMember | undefined, bundle: string): void {
    if (place >= this.#kinds.length) this.#grow();
    const { wave, outcome, code } = progress;
    const after = this.#waves[wave];
    if (after === undefined) throw new RangeError(`no wave ${wave}`);
    const kind = kindOf(outcome, groupOf(progress));
    const step = outcome === "succeeded" && member !== undefined ? after.stepOf(healthyFor(member, bundle)) : -1;
    const unseen = outcome === "offline" || (outcome === "timedOut" && code === "unreachable");
    const dark = outcome !== "ineligible" && (unseen || member?.site.presence === "offline") ? 1 : 0;
    this.dark += dark - (this.#isDark[place] ?? 0);
    this.#isDark[place] = dark;
    const before = this.#kinds[place] ?? NONE;
    if (before === kind && this.#stepOf[place] === step) return;
    const counts = before === NONE ? undefined : this.#waves[this.#waveOf[place] ?? 0];
    counts?.add(before, this.#stepOf[place] ?? -1, -1);
    after.add(kind, step, 1);
    this.#kinds[place] = kind;
    this.#waveOf[place] = wave;
    this.#stepOf[place] = step;
  }

  darkPlaces(): number[] {
    return Array.from(this.#isDark.keys()).filter((place) => this.#isDark[place] === 1);
  }

  #named(place: number): Failure {
    const { outcome, code } = this.sites.at(place);
    return { site: this.sites.idAt(place), outcome, code };
  }

  #countOf(wave: number | null, kind: number): number {
    if (wave !== null) return this.#waves[wave]?.byKind[kind] ?? 0;
    return this.#waves.reduce((sum, { byKind }) => sum + (byKind[kind] ?? 0), 0);
  }

  /** The next place of this kind after `after`: among the wave's own of the plan, then among those that joined. */
  #next(wave: number | null, kind: number, after: number): number {
    const joined = this.#begins.at(-1) ?? 0;
    const [begin, end] = wave === null ? [0, joined] : [this.#begins[wave] ?? 0, this.#begins[wave + 1] ?? 0];
    if (after < end) {
      const place = this.#kinds.indexOf(kind, Math.max(begin, after + 1));
      if (place !== -1 && place < end) return place;
    }
    for (let place = Math.max(joined, after + 1) - 1; ; ) {
      place = this.#kinds.indexOf(kind, place + 1);
      if (place === -1) return Number.POSITIVE_INFINITY;
      if (wave === null || this.#waveOf[place] === wave) return place;
    }
  }

  #grow(): void {
    const size = Math.max(this.sites.size, 2 * this.#kinds.length, 64);
    const kinds = new Uint8Array(size).fill(NONE);
    kinds.set(this.#kinds);
    this.#kinds = kinds;
    this.#waveOf = grown(new Uint16Array(size), this.#waveOf);
    this.#stepOf = grown(new Int16Array(size), this.#stepOf);
    this.#isDark = grown(new Uint8Array(size), this.#isDark);
  }
}

/** Of one wave. */
class Counts {
  readonly byKind = new Int32Array(KINDS);
  readonly #soakSeconds: number;
  readonly #stepSeconds: number;
  /** How many have been healthy for so many steps; the last is for those that hold for the whole soak. */
  readonly #held: Int32Array;

  constructor(soakSeconds: number) {
    this.#soakSeconds = soakSeconds;
    this.#stepSeconds = Math.max(1, Math.ceil(soakSeconds / STEPS));
    this.#held = new Int32Array(Math.ceil(soakSeconds / this.#stepSeconds) + 1);
  }

  stepOf(seconds: number): number {
    const last = this.#held.length - 1;
    return seconds >= this.#soakSeconds ? last : Math.min(last - 1, Math.floor(seconds / this.#stepSeconds));
  }

  add(kind: number, step: number, by: 1 | -1): void {
    this.byKind[kind] = (this.byKind[kind] ?? 0) + by;
    if (step >= 0) this.#held[step] = (this.#held[step] ?? 0) + by;
  }

  heldSeconds(needed: number): number {
    const last = this.#held.length - 1;
    let left = needed;
    for (let step = last; step >= 0; step -= 1) {
      left -= this.#held[step] ?? 0;
      if (left <= 0) return step === last ? this.#soakSeconds : step * this.#stepSeconds;
    }
    return 0;
  }
}

function healthyFor(member: FleetMember, bundle: string): number {
  return itemOf(member.site, bundle)?.healthyFor ?? 0;
}

function groupOf({ returnTo, notReady }: SiteProgress): Group {
  if (typeof returnTo === "number") return "back";
  return notReady === true ? "notReady" : "out";
}

function kindOf(outcome: Outcome, group: Group): number {
  return (NUMBER_OF.get(outcome) ?? 0) + OUTCOMES.length * GROUPS.indexOf(group);
}

function kindsOf(outcomes: Iterable<Outcome>, groups: readonly Group[]): number[] {
  return [...outcomes].flatMap((outcome) => groups.map((group) => kindOf(outcome, group)));
}

function grown<T extends Uint8Array | Uint16Array | Int16Array>(to: T, from: T): T {
  to.set(from);
  return to;
}
