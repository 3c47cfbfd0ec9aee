import type { Assignment } from "../shared/assignment.ts";
import { AppError, inWords } from "../shared/errors.ts";
import { milliseconds, rfc3339 } from "../shared/names.ts";
import { valuesHash } from "../shared/render/values.ts";
import type { Source } from "../shared/source/source.ts";
import { BundleCycle, type World } from "./bundle-cycle.ts";
import { pull } from "./pull/pull.ts";
import type { Identity, Trust } from "./pull/trust.ts";
import { type BundleSituation, reportOf } from "./report/report.ts";
import type { Talk } from "./talk.ts";
import type { AssignedItem } from "./target/target.ts";

/** A report at rest, where nothing changed. */
const AT_REST_MS = 6 * 3_600_000;
const AFTER_FAULT_MS = 5_000;
const PULL_BACKOFF_FIRST_MS = 1_000;

export interface LoopWorld extends World {
  identity: Identity;
  source: Source;
  talk: Talk;
  boot: string;
  /** Milliseconds between polls of the sources. */
  pollMs: number;
  synced(): boolean;
  trust: Trust;
  onTrust(trust: Trust): void;
}

/** Runs cycles in order, one at a time; decides nothing. */
export class Loop {
  private readonly world: LoopWorld;
  private readonly bundles = new Map<string, BundleCycle>();
  private heads: ReadonlyMap<string, string> = new Map();
  private trust: Trust;
  private running: Promise<void> | null = null;
  private again = false;
  private cancelWake = () => {};
  private cancelPull = () => {};
  private pulling: Promise<void> | null = null;
  private pullAgain = false;
  private pullFailures = 0;
  private sourceDown = false;
  private stopped = false;

  constructor(world: LoopWorld) {
    this.world = world;
    this.trust = world.trust;
  }

  /** Something happened: a cycle runs now, or again right after the one that is running. */
  wake(): void {
    if (this.stopped) return;
    this.again = true;
    this.running ??= this.cycles();
  }

  /** Looks at the sources now, whatever the backoff. */
  pullNow(): void {
    this.pullFailures = 0;
    this.cancelPull();
    if (this.pulling !== null) this.pullAgain = true;
    else this.schedulePull(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelWake();
    this.cancelPull();
    await this.running;
    await this.pulling;
  }

  private async cycles(): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false;
      this.cancelWake();
      try {
        await this.cycle();
      } catch (error) {
        // A full disk, mostly. What was not stored did not happen, so the next cycle begins from what was.
        this.world.log.error({ words: inWords(error) }, "a cycle ended early");
        this.cancelWake = this.world.clock.after(AFTER_FAULT_MS, () => this.wake());
      }
    }
    // In the same turn as the last look at `again`: a wake that comes next starts anew.
    this.running = null;
  }

  private async cycle(): Promise<void> {
    const { cache, talk, clock, boot } = this.world;
    const set = talk.current();
    const synced = this.world.synced();
    const items = new Map((set?.items ?? []).map((item) => [item.bundle, item]));
    const situations: BundleSituation[] = [];
    for (const bundle of new Set([...items.keys(), ...cache.holds().map((hold) => hold.bundle)])) {
      const item = items.get(bundle);
      const assignment: AssignedItem | null =
        item === undefined || set === null
          ? null
          : { item, values: valuesHash(item.values), expires: set.expires, boot: set.boot };
      const situation = await this.cycleOf(bundle).run({ assignment, trust: this.trust, synced, boot });
      if (situation !== null) situations.push(situation);
    }
    if (this.pullFailures === 0) this.pullMissing();
    const every = reportEvery(set?.items ?? []);
    const report = reportOf({
      boot,
      assignment: set === null ? null : [set.term, set.number],
      root: this.trust.root?.document.number ?? 0,
      record: this.trust.record?.number ?? 0,
      now: clock.now(),
      synced,
      bundles: situations,
      refused: this.refused(),
    });
    if (report.root > 0 && report.record > 0) await talk.speak(report, every);
    this.sleep(every);
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
    const soonest = [...waits, this.world.talk.wakeIn(everyMs)].filter((wait) => wait !== null);
    if (soonest.length > 0) this.cancelWake = this.world.clock.after(Math.min(...soonest), () => this.wake());
  }

  private refused(): { bundle: string; digest: string; code: AppError["code"] }[] {
    const root = this.trust.root?.document.number;
    const record = this.trust.record?.number;
    return this.world.cache
      .refusals()
      .flatMap((entry) =>
        entry.digest === null || entry.root !== root || entry.record !== record
          ? []
          : [{ bundle: entry.bundle, digest: entry.digest, code: entry.code }],
      )
      .slice(-16);
  }

  /** Assigned or running, and not complete on disk. */
  private missing(): string[] {
    const complete = new Set(
      this.world.cache.versions().flatMap((version) => (version.complete ? [version.digest] : [])),
    );
    return [...this.wanted().values()].flat().filter((digest) => !complete.has(digest));
  }

  private wanted(): Map<string, string[]> {
    const wanted = new Map<string, string[]>();
    const add = (bundle: string, digest: string) => wanted.set(bundle, [...(wanted.get(bundle) ?? []), digest]);
    for (const item of this.world.talk.current()?.items ?? []) add(item.bundle, item.digest);
    for (const hold of this.world.cache.holds()) {
      for (const state of [hold.running, hold.committed]) if (state !== null) add(hold.bundle, state.digest);
    }
    return wanted;
  }

  /** Once for each set of missing digests; after that the poll's own pace holds. */
  private soughtFor = "";
  private pullMissing(): void {
    const sought = this.missing().toSorted().join();
    if (sought === "" || sought === this.soughtFor) return;
    this.soughtFor = sought;
    this.pullNow();
  }

  private schedulePull(inMs: number): void {
    if (this.stopped) return;
    this.cancelPull = this.world.clock.after(inMs, () => {
      this.pulling = this.pullOnce().finally(() => {
        this.pulling = null;
        const again = this.pullAgain;
        this.pullAgain = false;
        this.schedulePull(again ? 0 : this.nextPull());
      });
    });
  }

  private nextPull(): number {
    const { pollMs, random } = this.world;
    if (this.pullFailures === 0) return pollMs * (0.9 + 0.2 * random());
    const ceiling = Math.min(16 * pollMs, PULL_BACKOFF_FIRST_MS * 2 ** Math.min(this.pullFailures, 12));
    return ceiling * (0.5 + 0.5 * random());
  }

  private async pullOnce(): Promise<void> {
    const { source, cache, identity, clock, log } = this.world;
    try {
      const pulled = await pull({
        source,
        cache,
        identity,
        trust: this.trust,
        heads: this.heads,
        wanted: this.wanted(),
        clock: { now: clock.now(), synced: this.world.synced() },
      });
      const changed = pulled.trust !== this.trust;
      this.heads = pulled.heads;
      this.trust = pulled.trust;
      if (this.sourceDown) this.tellSource("can be reached again", undefined);
      this.sourceDown = false;
      this.pullFailures = 0;
      if (changed) this.world.onTrust(pulled.trust);
    } catch (error) {
      this.pullFailures += 1;
      log.debug({ source: source.address, words: inWords(error) }, "pull failed");
      const { message, code } =
        error instanceof AppError ? error : { message: String(error), code: "internal" as const };
      if (!this.sourceDown) this.tellSource(message, code);
      this.sourceDown = true;
    }
    this.wake();
  }

  /** Told when it changes, not with every try: being out of reach is a state. */
  private tellSource(words: string, code: AppError["code"] | undefined): void {
    const at = rfc3339(this.world.clock.now());
    const text = `${this.world.source.address}: ${words}`.slice(0, 300);
    this.world.cache.addEvents([{ at, kind: "source", words: text, ...(code === undefined ? {} : { code }) }]);
  }
}

function reportEvery(items: readonly Assignment[]): number {
  const asked = items.flatMap((item) => (item.reportEvery === undefined ? [] : [milliseconds(item.reportEvery)]));
  return Math.max(250, Math.min(AT_REST_MS, ...asked));
}
