import type { Cache, Marks } from "../../agent/cache/cache.ts";
import { reportEvery } from "../../agent/in-force.ts";
import type { Trust } from "../../agent/pull/trust.ts";
import { type BundleSituation, reportOf } from "../../agent/report/report.ts";
import { Talk } from "../../agent/talk.ts";
import { type Time, timeOf } from "../../agent/target/clock.ts";
import type { AssignmentSet } from "../../shared/assignment.ts";
import { rfc3339 } from "../../shared/names.ts";
import type { PrivateKey } from "../../shared/node/ssh-key.ts";
import { silent } from "../../shared/ports.ts";
import type { TopicKind } from "../../shared/protocol.ts";
import type { SiteRecord } from "../../shared/site.ts";
import type { VerifiedRecord } from "../../shared/verify/record.ts";
import type { TrustedRoot } from "../../shared/verify/root.ts";
import { memoryCache } from "../support/cache.ts";
import type { AgentProcess as Process } from "./agent-process.ts";
import type { Broker } from "./broker.ts";
import { BundleAtSite } from "./bundle-at-site.ts";
import type { Cluster } from "./cluster.ts";
import { HoldAtSite, holdAtMost } from "./hold-at-site.ts";
import { lie } from "./liar.ts";
import { PreparerAtSite } from "./preparer-at-site.ts";
import { Fetches, SimShelf } from "./shelf-at-site.ts";
import { SiteLink } from "./site-link.ts";
import type { Version } from "./versions.ts";
import { FLEET, quiet, type World } from "./world.ts";

export interface SiteOptions {
  id: string;
  key: PrivateKey;
  root: TrustedRoot;
  record: VerifiedRecord;
  /** By digest. */
  versions: ReadonlyMap<string, Version>;
  clusterOf(bundle: string): Cluster;
  /** The broker that answers now. */
  broker(): Broker | null;
}

/**
 * A site with the agent's own decisions and its own side of the conversation; its cluster, sources and disk are simulated. It does what
 * `agent/loop.ts` does with one cycle.
 */
export class SimSite {
  readonly id: string;
  /** Nothing gets through. */
  dark = false;
  /** No source answers. */
  private isCutOff = false;
  /** It says that it runs whatever it is assigned, and that all is well. */
  lies = false;
  /** Wrong by so many ms; `synced`: the host says that it is right. */
  readonly clock = { offset: 0, synced: true };
  readonly hold: HoldAtSite;
  record: VerifiedRecord;
  cache: Cache = memoryCache({ copy: (value) => value });
  private shelf = new SimShelf();
  private readonly world: World;
  private readonly options: SiteOptions;
  /** What the cluster keeps for a site that loses its disk. */
  private readonly vault = new Map<string, Marks>();
  private process: Process | null = null;

  constructor(world: World, options: SiteOptions) {
    this.world = world;
    this.options = options;
    this.id = options.id;
    this.record = options.record;
    this.hold = new HoldAtSite(world);
    this.boot();
  }

  get isUp(): boolean {
    return this.process !== null;
  }

  get connected(): boolean {
    return this.process?.link.connected ?? false;
  }

  /** The set in force. */
  set(): AssignmentSet | null {
    return this.process?.talk.current() ?? null;
  }

  get moving(): boolean {
    return this.process !== null && [...this.process.bundles.values()].some((bundle) => bundle.isMoving());
  }

  /** Runs a cycle now, or again after the one that is running. */
  wake(): void {
    const { process } = this;
    if (process === null) return;
    process.again = true;
    if (!process.running) void this.cycles(process);
  }

  /** A newer record of itself. */
  learn(record: SiteRecord): void {
    if (record.number <= this.record.number) return;
    this.record = record as VerifiedRecord;
    this.wake();
  }

  darken(dark: boolean): void {
    this.dark = dark;
    if (dark) this.process?.link.cut();
  }

  cutOff(isCutOff: boolean): void {
    this.isCutOff = isCutOff;
    this.wake();
  }

  crash(backInMs: number): void {
    const { process } = this;
    if (process === null) return;
    this.process = null;
    process.ended = true;
    process.fetches.end();
    process.preparer.end();
    process.holding.stop();
    this.hold.killed();
    void process.link.close();
    this.world.queue.after(backInMs, () => this.boot());
  }

  loseDisk(backInMs: number): void {
    this.crash(backInMs);
    this.cache = memoryCache({ copy: (value) => value });
    this.shelf = new SimShelf();
    this.hold.lostDisk();
    this.world.witness.atSites.lostDisk(this.id);
  }

  /** Somebody changed so much by hand, and it was put back. */
  drifts(times: number): void {
    const at = rfc3339(this.world.queue.now);
    const drift = { at, kind: "drift", words: "put back" } as const;
    this.cache.addEvents(Array.from({ length: times }, () => drift));
    this.wake();
  }

  private boot(): void {
    if (this.process !== null) return;
    const { world, cache, options } = this;
    const { trace, queue, chance } = world;
    trace.event(`${this.id} boot`);
    const boot = chance.boot();
    const clock = {
      now: () => queue.now + this.clock.offset,
      monotonic: () => queue.now,
      after: (ms: number, run: () => void) => queue.after(ms, run),
    };
    const process: Process = {
      boot,
      bundles: new Map(),
      fetches: new Fetches(world, this.id, this.shelf, { isCutOff: () => this.isCutOff, onCame: () => this.wake() }),
      preparer: new PreparerAtSite({
        world,
        site: this.id,
        cache,
        versions: options.versions,
        boot,
        record: () => this.record,
        isForged: (digest) => this.shelf.isForged(digest),
        wanted: (bundle, set) => this.bundle(process, bundle).wanted(set, "prepare"),
        onChange: () => this.wake(),
      }),
      holding: this.hold.started(cache, {
        atMostMs: () => holdAtMost(cache, options.versions),
        onChange: () => this.wake(),
      }),
      marksKnown: cache.marks().size > 0,
      again: false,
      running: false,
      ended: false,
      cancelWake: () => {},
      talk: new Talk({
        cache: world.witness.atSites.watchedCache(this.id, cache),
        clock,
        journal: silent,
        log: quiet,
        sender: { fleet: FLEET, site: this.id, key: options.key, format: "plain" },
        boot,
        agent: "0.1.0",
        trust: () => this.trust(),
        onChange: () => this.wake(),
        onPullWanted: () => {},
        onRelayed: () => {},
      }),
      link: null as unknown as SiteLink,
    };
    this.process = process;
    if (!process.marksKnown) queue.after(chance.delay(3_000), () => this.readVault(process));
    process.link = new SiteLink(world, {
      site: this.id,
      reach: () => (this.dark || this.isDeaf() ? null : options.broker()),
      will: () => process.talk.presence(false),
      onUp: () => {
        trace.event(`${this.id} connected`);
        void process.talk.connected();
      },
      onMessage: (kind, frame) => this.hear(process, kind, frame),
    });
    process.talk.use(process.link);
    this.wake();
  }

  private hear(process: Process, kind: TopicKind, frame: Uint8Array): void {
    if (process.ended) return;
    const before = process.talk.current();
    process.talk.heard(kind, frame);
    const after = process.talk.current();
    if (after !== null && after !== before) this.world.witness.atSites.took(this.id, after);
  }

  private readVault(process: Process): void {
    if (process.ended) return;
    for (const [bundle, marks] of this.vault) this.cache.raiseMarks(bundle, marks);
    process.marksKnown = true;
    this.wake();
  }

  private async cycles(process: Process): Promise<void> {
    process.running = true;
    while (process.again && !process.ended) {
      process.again = false;
      process.cancelWake();
      await this.cycle(process);
    }
    process.running = false;
  }

  private async cycle(process: Process): Promise<void> {
    const { world, cache } = this;
    const now = world.queue.now;
    world.trace.event(`${this.id} cycle`);
    const set = process.talk.current();
    const time = this.time();
    const { marksKnown } = process;
    const held = process.holding.look();
    const names = [...(set?.items ?? []), ...cache.holds()].map(({ bundle }) => bundle);
    const situations: BundleSituation[] = [];
    for (const name of new Set(names)) {
      const situation = this.bundle(process, name).run(set, { time, marksKnown, held });
      if (situation !== null) situations.push(situation);
    }
    const prepared = process.preparer.look(set, { time, marksKnown, now: now + this.clock.offset });
    if (this.isDeaf()) process.link.cut();
    const every = reportEvery(set?.items ?? []);
    const report = reportOf({
      boot: process.boot,
      assignment: set === null ? null : [set.term, set.number],
      root: 1,
      record: this.record.number,
      head: null,
      withheldSince: null,
      now: now + this.clock.offset,
      synced: time.synced,
      held: process.holding.words(),
      bundles: situations,
      prepared,
      refused: this.shelf.refused(set),
    });
    void process.talk.speak(this.lies && set !== null ? lie(report, set) : report, every);
    if (!process.ended) this.sleep(process, every);
  }

  private sleep(process: Process, every: number): void {
    const now = this.world.queue.now;
    const waits = [...process.bundles.values()].map((bundle) => bundle.wakeIn(now));
    const soonest = [...waits, process.preparer.wakeIn(now), process.talk.wakeIn(every)].filter(
      (wait) => wait !== null,
    );
    if (soonest.length === 0) return;
    process.cancelWake = this.world.queue.after(Math.min(...soonest), () => this.wake());
  }

  private bundle(process: Process, name: string): BundleAtSite {
    const known = process.bundles.get(name);
    if (known !== undefined) return known;
    const { world, options } = this;
    const fresh = new BundleAtSite(name, {
      world,
      site: this.id,
      cache: this.cache,
      vault: this.vault,
      cluster: options.clusterOf(name),
      versions: options.versions,
      boot: process.boot,
      hold: this.hold,
      record: () => this.record,
      stored: (digest) => this.shelf.stored(digest),
      fetch: (version) => process.fetches.begin(version),
    });
    process.bundles.set(name, fresh);
    return fresh;
  }

  private isDeaf(): boolean {
    const { now } = this.world.queue;
    return this.cache.holds().some(({ bundle }) => this.options.clusterOf(bundle).isDeaf(now));
  }

  private time(): Time {
    return timeOf({ now: this.world.queue.now + this.clock.offset, synced: this.clock.synced }, this.cache.floorTime());
  }

  private trust(): Trust {
    const { root } = this.options;
    return { roots: new Map([[1, root]]), root, record: this.record, head: null };
  }
}
