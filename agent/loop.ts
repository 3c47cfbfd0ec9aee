import type { Assignment, AssignmentSet } from "../shared/assignment.ts";
import { holdAtMost } from "../shared/bundle.ts";
import { alike } from "../shared/canonical.ts";
import { inWords } from "../shared/errors.ts";
import { matchesAny, rfc3339 } from "../shared/names.ts";
import type { Committed } from "../shared/verify/requires.ts";
import { BundleCycle, type World } from "./bundle-cycle.ts";
import type { Hold } from "./cache/cache.ts";
import type { Holding } from "./holding.ts";
import { adoptionOf, reportEvery } from "./in-force.ts";
import type { Keeper } from "./keep/keeper.ts";
import { allBut, type Other } from "./plan/claims.ts";
import { Preparer } from "./preparer.ts";
import { lacking } from "./pull/take.ts";
import type { Trust } from "./pull/trust.ts";
import { withheldSince } from "./pull/withheld.ts";
import { OF_TARGET } from "./refusal.ts";
import { refusedOf, type Shown } from "./refused.ts";
import { type BundleSituation, reportOf, type Unnumbered } from "./report/report.ts";
import type { Circumstances } from "./shelf.ts";
import type { Talk } from "./talk.ts";
import { floorTimeAfter, type Time } from "./target/clock.ts";
import { Turns } from "./turns.ts";

const AFTER_FAULT_MS = 5_000;

export interface LoopWorld extends World {
  /** Bytes free on the disk; null where that is not known. */
  freeBytes(): number | null;
  talk: Talk;
  keeper: Keeper;
  holding: Pick<Holding, "look" | "words">;
  boot: string;
  /** Nobody assigns here: the newest version on disk is taken. */
  adopt: boolean;
  time(): Time;
  trust(): Trust;
  /** Digests that are assigned or run and do not lie on disk. */
  onMissing(digests: readonly string[]): void;
}

/** What a cycle does, in its order; decides nothing. */
export class Loop {
  private readonly world: LoopWorld;
  private readonly bundles = new Map<string, BundleCycle>();
  private readonly preparer: Preparer;
  private recordsKept = "";
  private committed = "";
  private readonly turns: Turns;
  /** What the last cycle found. */
  private found: { report: Unnumbered; stays: ReadonlyMap<string, string> } | null = null;

  constructor(world: LoopWorld) {
    this.world = world;
    this.turns = new Turns(world.clock, () => this.turn());
    this.preparer = new Preparer({ ...world, onChange: () => this.wake() });
  }

  /** Something happened. */
  wake(): void {
    this.turns.wake();
  }

  async stop(): Promise<void> {
    await this.turns.stop();
    await this.preparer.stop();
  }

  private async turn(): Promise<void> {
    const { clock, tally } = this.world;
    try {
      const from = clock.monotonic();
      await this.cycle();
      tally.cycles += 1;
      tally.cycleSeconds += (clock.monotonic() - from) / 1000;
      tally.lastSuccess.set("cycle", clock.now());
    } catch (error) {
      // A full disk, mostly. What was not stored did not happen, so the next cycle begins from what was.
      this.world.log.error({ words: inWords(error) }, "a cycle ended early");
      this.turns.wakeIn(AFTER_FAULT_MS);
    }
  }

  private async cycle(): Promise<void> {
    const { cache, talk, clock, boot, keeper, holding } = this.world;
    const trust = this.world.trust();
    const set = this.set();
    const time = this.world.time();
    const held = holding.look();
    const situations: BundleSituation[] = [];
    const present = this.present(set, trust);
    this.forgetAbsent(present);
    const committed = new Map<string, Committed>();
    const claims = new Map<string, Other>();
    const around = (bundle: string, mode: Assignment["mode"]): Circumstances => ({
      ...this.circumstancesOf(bundle, set, trust, mode),
      time,
      // Who holds the site puts off what changes it; getting ready does not.
      held: mode === "prepare" ? null : held,
      neighbours: allBut(bundle, committed),
      others: allBut(bundle, claims),
    });
    const ask = (bundle: string, hold: Hold | null) => {
      // Nobody else is there to know it.
      if (present.size < 2) return;
      const { shelf } = this.cycleOf(bundle);
      const has = hold === null ? null : shelf.committed(hold, trust);
      if (has === null) committed.delete(bundle);
      else committed.set(bundle, has);
      claims.set(bundle, shelf.claims(hold, around(bundle, "run")));
    };
    const holds = new Map(cache.holds().map((hold) => [hold.bundle, hold]));
    for (const bundle of present) ask(bundle, holds.get(bundle) ?? null);
    for (const bundle of present) {
      const situation = await this.cycleOf(bundle).run(around(bundle, "run"));
      if (situation === null) continue;
      situations.push(situation);
      if (!alike(situation.hold, holds.get(bundle))) ask(bundle, situation.hold);
    }
    this.wakeNeighbours();
    const prepared = this.preparer.look(set, (bundle) => ({
      shelf: this.cycleOf(bundle).shelf,
      circumstances: around(bundle, "prepare"),
    }));
    this.settleTime(trust, time);
    this.dropRecords(set);
    keeper.tend();
    // Read once: each reading takes the file lists of all versions apart.
    const shown: Shown = { versions: cache.versions(), refusals: cache.refusals() };
    this.world.onMissing(lacking(shown.versions, [...this.wanted().values()].flat()));
    const withheld = withheldSince(trust, shown, time);
    const every = reportEvery(set?.items ?? []);
    const report = reportOf({
      boot,
      assignment: set === null ? null : [set.term, set.number],
      root: trust.root?.document.number ?? 0,
      // One that does not hold any more is still the one that this site has.
      record: trust.record?.number ?? cache.record()?.number ?? 0,
      head: trust.head?.number ?? null,
      withheldSince: withheld === null ? null : rfc3339(withheld),
      now: clock.now(),
      synced: time.synced,
      held: holding.words(),
      bundles: situations,
      refused: refusedOf(shown, trust, situations),
      prepared,
    });
    this.found = { report, stays: this.stays() };
    if (report.root > 0 && report.record > 0) void talk.speak(report, every);
    this.sleep(every);
  }

  /** What the last cycle found, as a report says it, and why bundles that run nothing do not begin; null before the first. */
  latest(): { report: Unnumbered; stays: ReadonlyMap<string, string> } | null {
    return this.found;
  }

  /** Version and digest of what is assigned, or adopted here, by bundle. */
  assigned(): ReadonlyMap<string, { version: string; digest: string }> {
    const items = (this.set()?.items ?? []).filter(({ mode }) => mode === "run");
    const adopted = [...this.bundles].flatMap(([bundle, { takes }]) => (takes === null ? [] : [{ bundle, ...takes }]));
    return new Map([...items, ...adopted].map(({ bundle, version, digest }) => [bundle, { version, digest }]));
  }

  private stays(): ReadonlyMap<string, string> {
    return new Map([...this.bundles].flatMap(([bundle, { stays }]) => (stays === null ? [] : [[bundle, stays]])));
  }

  /** How long the site may put off what is new, as far as the bundles here say, ms: the longest of them. */
  holdAtMost(): number {
    const said = [...this.bundles.values()].map((of) => of.holdAtMost ?? holdAtMost({}));
    return said.length === 0 ? holdAtMost({}) : Math.max(...said);
  }

  /** `(term, number)` of the set in force. */
  assignment(): readonly [number, number] | null {
    const set = this.set();
    return set === null ? null : [set.term, set.number];
  }

  /** What an earlier hub assigned counts no more where the site takes what it wants. */
  private set(): AssignmentSet | null {
    return this.world.adopt ? null : this.world.talk.current();
  }

  /** Bundles that are assigned, run, or may be adopted. */
  private present(set: AssignmentSet | null, { record }: Trust): Set<string> {
    const { cache, adopt } = this.world;
    const held = [...(set?.items ?? []), ...cache.holds()].map(({ bundle }) => bundle);
    const bundles = [...held, ...cache.adoptions().keys()];
    if (!adopt || record === null) return new Set(bundles);
    const adoptable = cache.versions().map(({ bundle }) => bundle);
    return new Set([...bundles, ...adoptable.filter((bundle) => matchesAny(record.bundles, bundle))]);
  }

  /** Names that an assignment made up stay for nothing once it is replaced. */
  private forgetAbsent(present: ReadonlySet<string>): void {
    const { cache } = this.world;
    for (const bundle of this.bundles.keys()) if (!present.has(bundle)) this.bundles.delete(bundle);
    for (const { bundle, id } of cache.refusals()) {
      if (id === OF_TARGET && !present.has(bundle)) cache.dropRefusal(bundle, id);
    }
  }

  private circumstancesOf(bundle: string, set: AssignmentSet | null, trust: Trust, mode: Assignment["mode"]) {
    const { cache, adopt, boot, keeper } = this.world;
    const item = set?.items.find((each) => each.bundle === bundle && each.mode === mode);
    const assignment = item === undefined || set === null ? null : { item, expires: set.expires, boot: set.boot };
    const adoption = mode === "run" ? adoptionOf(cache, bundle, set) : null;
    return { assignment, adopt, adoption, trust, boot, marksKnown: keeper.marksKnown() };
  }

  /** What one bundle committed or left, another may have waited for, whose turn came before. */
  private wakeNeighbours(): void {
    const committed = this.world.cache
      .holds()
      .map(({ bundle, running, committed }) => `${bundle} ${running.digest} ${committed?.digest}`)
      .join();
    if (committed !== this.committed) this.wake();
    this.committed = committed;
  }

  /** Documents that hold are proof of time passed. */
  private settleTime({ root, record, head }: Trust, time: Time): void {
    const { cache } = this.world;
    const documents = [
      root?.document.createdAt,
      record?.createdAt,
      head?.createdAt,
      ...[...this.bundles.values()].map((of) => of.runsSince),
    ];
    const floorTime = cache.floorTime();
    const raised = floorTimeAfter(
      floorTime,
      documents.filter((at) => typeof at === "string"),
      time,
    );
    if (raised > floorTime) cache.raiseFloorTime(raised);
  }

  /** Records stay while something runs, is returned to, or is assigned with them. */
  private dropRecords(set: AssignmentSet | null): void {
    const { cache } = this.world;
    const states = cache.holds().flatMap(({ running, committed, previous }) => [running, committed, previous]);
    const needed = [...states, ...(set?.items ?? [])].flatMap((state) => (state === null ? [] : [state.record]));
    const numbers = [...new Set([...needed, cache.record()?.number ?? 0])].toSorted((a, b) => a - b);
    if (numbers.join() === this.recordsKept) return;
    cache.dropRecordsBut(new Set(numbers));
    this.recordsKept = numbers.join();
  }

  private cycleOf(bundle: string): BundleCycle {
    const held = this.bundles.get(bundle);
    if (held !== undefined) return held;
    const fresh = new BundleCycle(bundle, this.world);
    this.bundles.set(bundle, fresh);
    return fresh;
  }

  private sleep(everyMs: number): void {
    const holds = new Map(this.world.cache.holds().map((hold) => [hold.bundle, hold]));
    const waits = [...this.bundles.values()].map((cycle) => cycle.wakeIn(holds.get(cycle.bundle)));
    const soonest = [...waits, this.preparer.wakeIn(), this.world.talk.wakeIn(everyMs)].filter((wait) => wait !== null);
    if (soonest.length > 0) this.turns.wakeIn(Math.min(...soonest));
  }

  /** Assigned or running, by bundle. */
  wanted(): Map<string, string[]> {
    const wanted = new Map<string, string[]>();
    const add = (bundle: string, digest: string) => wanted.set(bundle, [...(wanted.get(bundle) ?? []), digest]);
    for (const item of this.set()?.items ?? []) add(item.bundle, item.digest);
    for (const hold of this.world.cache.holds()) {
      for (const state of [hold.running, hold.committed]) if (state !== null) add(hold.bundle, state.digest);
    }
    return wanted;
  }
}
