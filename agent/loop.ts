import type { Assignment } from "../shared/assignment.ts";
import { type AppError, inWords } from "../shared/errors.ts";
import { milliseconds } from "../shared/names.ts";
import { valuesHash } from "../shared/render/values.ts";
import { BundleCycle, type World } from "./bundle-cycle.ts";
import type { Trust } from "./pull/trust.ts";
import { type BundleSituation, reportOf } from "./report/report.ts";
import type { Talk } from "./talk.ts";
import type { AssignedItem } from "./target/target.ts";

/** A report at rest, where nothing changed. */
const AT_REST_MS = 6 * 3_600_000;
const AFTER_FAULT_MS = 5_000;

export interface LoopWorld extends World {
  talk: Talk;
  boot: string;
  synced(): boolean;
  trust(): Trust;
  /** Digests that are assigned or run and do not lie on disk. */
  onMissing(digests: readonly string[]): void;
}

/** Runs cycles in order, one at a time; decides nothing. */
export class Loop {
  private readonly world: LoopWorld;
  private readonly bundles = new Map<string, BundleCycle>();
  private running: Promise<void> | null = null;
  private again = false;
  private cancelWake = () => {};
  private stopped = false;

  constructor(world: LoopWorld) {
    this.world = world;
  }

  /** Something happened: a cycle runs now, or again right after the one that is running. */
  wake(): void {
    if (this.stopped) return;
    this.again = true;
    this.running ??= this.cycles();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelWake();
    await this.running;
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
    const trust = this.world.trust();
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
      const situation = await this.cycleOf(bundle).run({ assignment, trust, synced, boot });
      if (situation !== null) situations.push(situation);
    }
    this.world.onMissing(this.missing());
    const every = reportEvery(set?.items ?? []);
    const report = reportOf({
      boot,
      assignment: set === null ? null : [set.term, set.number],
      root: trust.root?.document.number ?? 0,
      record: trust.record?.number ?? 0,
      now: clock.now(),
      synced,
      bundles: situations,
      refused: this.refused(trust),
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

  private refused(trust: Trust): { bundle: string; digest: string; code: AppError["code"] }[] {
    const { cache } = this.world;
    const root = trust.root?.document.number;
    const record = trust.record?.number;
    // What one source has wrong, another may have brought since.
    const complete = new Set(cache.versions().flatMap((version) => (version.complete ? [version.digest] : [])));
    const found = new Map<string, { bundle: string; digest: string; code: AppError["code"] }>();
    for (const { bundle, digest, code, ...under } of cache.refusals()) {
      if (digest === null || complete.has(digest) || under.root !== root || under.record !== record) continue;
      found.set(`${bundle} ${digest}`, { bundle, digest, code });
    }
    return [...found.values()].slice(-16);
  }

  /** Assigned or running, and not complete on disk. */
  private missing(): string[] {
    const complete = new Set(
      this.world.cache.versions().flatMap((version) => (version.complete ? [version.digest] : [])),
    );
    return [...this.wanted().values()].flat().filter((digest) => !complete.has(digest));
  }

  /** Assigned or running, by bundle. */
  wanted(): Map<string, string[]> {
    const wanted = new Map<string, string[]>();
    const add = (bundle: string, digest: string) => wanted.set(bundle, [...(wanted.get(bundle) ?? []), digest]);
    for (const item of this.world.talk.current()?.items ?? []) add(item.bundle, item.digest);
    for (const hold of this.world.cache.holds()) {
      for (const state of [hold.running, hold.committed]) if (state !== null) add(hold.bundle, state.digest);
    }
    return wanted;
  }
}

function reportEvery(items: readonly Assignment[]): number {
  const asked = items.flatMap((item) => (item.reportEvery === undefined ? [] : [milliseconds(item.reportEvery)]));
  return Math.max(250, Math.min(AT_REST_MS, ...asked));
}
