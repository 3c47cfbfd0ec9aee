import { milliseconds } from "../../shared/names.ts";
import { selects } from "../../shared/selector.ts";
import type { FleetMember } from "../registry/site.ts";
import { ineligibility } from "./eligible.ts";
import { isMoving, progressOf, type Standing, type Times, type View, wentElsewhere } from "./outcome.ts";
import { freeToGive, gave } from "./pace.ts";
import { asksFirst, isPreparing } from "./ready.ts";
import type { Phase, Run, SiteProgress } from "./run.ts";
import { soakOf } from "./soak.ts";
import { notBegun } from "./start.ts";
import { Tally } from "./tally.ts";
import { wakeAt } from "./wake.ts";
import { type Windows, windowsAt } from "./window.ts";

export type Fleet = ReadonlyMap<string, FleetMember>;

/** What the last step left for the next one, and whom something happened to since: nobody else needs to be looked at. */
export interface Since {
  tally: Tally;
  /** Every site whose member of the fleet is not the one that the last step saw; also those that came or left. */
  changed: Iterable<string>;
}

/**
 * What became of the sites of a run by now, and who begins, as the pace lets them. Looked at are those that changed, and those
 * whose time has come; all of them where that is not known, and where the phase or a window changed what holds for a site.
 */
export class Look {
  readonly fleet: Fleet;
  readonly now: number;
  readonly tally: Tally;
  /** Those looked at; null: everybody was. */
  places: Set<number> | null = new Set();
  #run: Run;
  readonly #times: Times;
  readonly #windows: Windows;
  /** Who may have joined. */
  #newcomers: readonly string[] | null;

  constructor(run: Run, fleet: Fleet, now: number, since: Since | undefined) {
    this.#run = run;
    this.fleet = fleet;
    this.now = now;
    const { deadline, offlineAfter, reportEvery } = run.spec.site;
    this.#times = {
      deadline: milliseconds(deadline),
      offlineAfter: milliseconds(offlineAfter),
      reportEvery: milliseconds(reportEvery),
    };
    const isKnown = since !== undefined && since.tally.sites === run.sites;
    this.#windows = windowsAt(run.spec.windows, now, isKnown ? since.tally.windows : null);
    this.tally = isKnown ? since.tally : new Tally(run, (wave) => soakOf(run, wave));
    this.#newcomers = isKnown ? [...since.changed] : null;
    if (this.#newcomers === null || this.#windows.differ(this.tally.windows)) this.#lookAtAll();
    else this.#lookAt([...placesOf(run, this.#newcomers), ...this.tally.due.take(now)]);
  }

  get run(): Run {
    return this.#run;
  }

  /** Goes on with the run as it was changed meanwhile, and looks at whom that concerns. */
  see(run: Run): void {
    const before = this.#run;
    const changed = run.sites.changedSince(before.sites);
    this.#run = run;
    this.tally.sites = run.sites;
    if (this.#standings(before) !== this.#standings(run)) this.#lookAtAll();
    else if (changed.length > 0) this.#lookAt(changed);
  }

  /**
   * Takes in sites that came after the plan was made, or may have the bundle only since. `next`: they go to the next wave that has
   * not opened; `last`: to the last one, if it has not. Else they wait until the run is completed, so that a site that joins never
   * decides a gate it came late to. `ignore`: this run is none of theirs. Nor is any run that began before another rollout gave
   * them something.
   */
  join(): void {
    const run = this.#run;
    const wave = waveOfJoiners(run);
    if (wave === null) return;
    const members = this.#newcomers?.map((id) => this.fleet.get(id)) ?? this.fleet.values();
    const joined: [string, SiteProgress][] = [];
    for (const member of members) {
      if (member === undefined || run.sites.has(member.id) || !selects(run.spec.sites, member.labels)) continue;
      if (ineligibility(member, run.target) === null && !wentElsewhere(run, member))
        joined.push([member.id, notBegun(wave, this.now)]);
    }
    if (joined.length > 0) this.see({ ...run, sites: run.sites.with(joined) });
  }

  /** What of the phase decides what holds for a site. */
  #standings({ phase }: Run): string {
    if (phase.kind === "rolling") return `${phase.kind} ${phase.wave}`;
    return phase.kind === "paused" ? `${phase.kind} ${phase.resume.wave}` : phase.kind;
  }

  #lookAtAll(): void {
    // Those whose time has come are among them.
    this.tally.due.take(this.now);
    this.places = null;
    this.#newcomers = null;
    this.#lookAt(Array.from({ length: this.#run.sites.size }, (_, place) => place));
  }

  #lookAt(places: readonly number[]): void {
    const { phase, spec } = this.#run;
    if (phase.kind === "aborted" || phase.kind === "superseded") this.#letGo();
    else if (spec.pace === undefined) this.#pass(places, () => true);
    else {
      // Who ended, or is known to be offline by now, has made room for others.
      this.#pass(places, () => false);
      this.#give();
    }
    this.tally.windows = this.#windows;
  }

  #give(): void {
    const free = freeToGive(this.#run, this.tally, this.now);
    if (free === 0) return;
    let given = 0;
    const waiting = waitingForPace(this.#run, this.tally);
    const places = (function* whileFree() {
      for (const place of waiting) {
        if (given >= free) return;
        yield place;
      }
    })();
    this.#pass(places, () => given < free && ++given > 0);
    this.#run = gave(this.#run, given, this.now);
  }

  /** A run that ends keeps what it knew; only what no site acknowledged is as if it had never been given. */
  #letGo(): void {
    const free = [...this.tally.places(null, ["notified", "offline"])];
    this.#change(free.map((place) => [place, notBegun(this.#run.sites.at(place).wave, this.now)]));
  }

  #pass(places: Iterable<number>, give: View["give"]): void {
    const { tally, fleet, now } = this;
    const run = this.#run;
    const { bundle } = run.target;
    // Neither an emergency nor a return waits for the night.
    const isUrgent = run.back || run.spec.lane === "emergency" || isReturning(run);
    const open: View["open"] = isUrgent ? () => true : this.#windows.open;
    const changes: [number, SiteProgress][] = [];
    for (const place of places) {
      this.places?.add(place);
      const before = run.sites.at(place);
      const member = fleet.get(run.sites.idAt(place));
      const standing = standingOf(run, before);
      const view = { run, times: this.#times, standing, moving: isMoving(run, before), now, open, give };
      const after = progressOf(before, member, view);
      tally.note(place, after, member, bundle);
      tally.due.noLaterThan(place, wakeAt(after, member, view));
      if (after !== before) changes.push([place, after]);
    }
    this.#change(changes);
  }

  #change(changes: readonly [place: number, progress: SiteProgress][]): void {
    if (changes.length === 0) return;
    this.#run = { ...this.#run, sites: this.#run.sites.withAt(changes) };
    this.tally.sites = this.#run.sites;
  }
}

function placesOf({ sites }: Run, ids: readonly string[]): number[] {
  return ids.flatMap((id) => sites.placeOf(id) ?? []);
}

/** Wave by wave, those that would begin if they were let. */
function* waitingForPace(run: Run, tally: Tally): Generator<number> {
  const { phase, plan } = run;
  if (isReturning(run)) yield* tally.places(null, ["pending"], ["back"]);
  const last = phase.kind === "rolling" ? phase.wave : phase.kind === "completed" ? plan.waves.length - 1 : -1;
  for (let wave = 0; wave <= last; wave += 1) yield* tally.places(wave, ["pending", "ready"], ["out"]);
  if (!asksFirst(run) || !isPreparing(phase)) return;
  for (let wave = last + 1; wave < plan.waves.length; wave += 1) yield* tally.places(wave, ["pending"], ["out"]);
}

function isReturning({ phase }: Run): boolean {
  return phase.kind === "reverting" || phase.kind === "reverted";
}

function standingOf({ phase }: Run, { wave, returnTo, outcome }: SiteProgress): Standing {
  switch (phase.kind) {
    case "planned":
    case "preparing":
      return "closed";
    case "rolling":
      return standing(wave, phase.wave);
    case "paused":
      return phase.resume.before === undefined ? standing(wave, phase.resume.wave) : "closed";
    case "reverting":
      // Who is back may be silent again while others are on their way.
      return returnTo === undefined || outcome === "reverted" ? "passed" : "gate";
    case "completed":
    case "reverted":
    case "aborted":
    case "superseded":
      return "passed";
  }
}

function standing(wave: number, current: number): Standing {
  if (wave > current) return "closed";
  return wave === current ? "gate" : "passed";
}

/** Index of the last wave that opened; -1: none has, and sites get ready for the first. */
function lastOpen(phase: Phase): number | null {
  if (phase.kind === "preparing") return -1;
  if (phase.kind === "rolling") return phase.wave;
  if (phase.kind !== "paused") return null;
  return phase.resume.before === "preparing" ? -1 : phase.resume.wave;
}

function waveOfJoiners({ phase, plan, spec }: Run): number | null {
  if (spec.late === "ignore") return null;
  const last = plan.waves.length - 1;
  if (phase.kind === "completed") return last;
  const current = lastOpen(phase) ?? last;
  if (current >= last) return null;
  return spec.late === "last" ? last : current + 1;
}
