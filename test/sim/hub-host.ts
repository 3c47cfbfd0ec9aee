import { REST_MS } from "../../hub/decide.ts";
import { standBy } from "../../hub/lead.ts";
import { Hub } from "../../hub/loop.ts";
import { Memory } from "../../hub/memory.ts";
import type { Batch, Store, Writer } from "../../hub/registry/store.ts";
import { AppError } from "../../shared/errors.ts";
import { type Clock, silent } from "../../shared/ports.ts";
import type { HeldRoot } from "../../shared/verify/chain.ts";
import { keys } from "../support/fleet.ts";
import type { MemoryStore } from "../support/store.ts";
import { Broker } from "./broker.ts";
import type { TrueRun } from "./evidence.ts";
import { PEOPLE } from "./people.ts";
import type { Repository } from "./repository.ts";
import { FLEET, quiet, type World } from "./world.ts";

const LEASE_MS = 15_000;
/** Sites are away for longer, where a story lasts for weeks. */
const LIFETIME_MS = 10 * 86_400_000;
const LONG_REST_MS = 6 * 3_600_000;

/** A process of a hub. One that is stopped, as SIGSTOP does, does later whatever comes meanwhile. */
class Life {
  alive = true;
  isStopped = false;
  private later: (() => void)[] = [];

  run(work: () => void): void {
    if (!this.alive) return;
    if (this.isStopped) this.later.push(work);
    else work();
  }

  stop(): void {
    this.isStopped = true;
  }

  goOn(): void {
    this.isStopped = false;
    for (const work of this.later.splice(0)) this.run(work);
  }
}

interface Process {
  life: Life;
  name: string;
  hub: Hub | null;
  broker: Broker | null;
}

export interface HubStage {
  world: World;
  /** Of all hubs: they are on one machine. */
  disk: MemoryStore;
  /** Processes that ended: the machine knows, and their leases are over. */
  gone: Set<string>;
  repository: Repository;
  root: HeldRoot;
}

/** One hub, as its host has it: the process and its embedded broker may die between any two effects, and come back from the disk. */
export class HubHost {
  readonly faults = { store: false };
  /** How long a commit takes, ms. */
  commitMs = 3;
  /** After so many more effects the process dies; null: it does not. */
  diesAfter: number | null = null;
  private readonly name: string;
  private readonly world: World;
  private readonly disk: MemoryStore;
  private readonly gone: Set<string>;
  private readonly repository: Repository;
  private readonly root: HeldRoot;
  private lives = 0;
  private process: Process | null = null;

  constructor(name: string, stage: HubStage) {
    this.name = name;
    this.world = stage.world;
    this.disk = stage.disk;
    this.gone = stage.gone;
    this.repository = stage.repository;
    this.root = stage.root;
  }

  /** The process that answers now. */
  get broker(): Broker | null {
    return this.process?.broker ?? null;
  }

  get hub(): Hub | null {
    return this.process?.hub ?? null;
  }

  get runs(): boolean {
    return this.process !== null;
  }

  /** Whether a site that connects gets an answer. */
  get answers(): boolean {
    return this.process !== null && this.process.broker !== null && !this.process.life.isStopped;
  }

  /** Stands by until the lease is its own, and leads until another took it. */
  async start(): Promise<void> {
    const { world, disk } = this;
    this.lives += 1;
    const life = new Life();
    const process: Process = { life, name: `${this.name}-${this.lives}`, hub: null, broker: null };
    this.process = process;
    const clock = this.clock(process);
    const store = this.store(process);
    while (life.alive) {
      const options = { store, holder: process.name, ms: LEASE_MS, clock: this.slow(clock), log: quiet };
      const lead = await standBy(options, new AbortController().signal);
      if (lead === null) return;
      const state = await disk.load();
      const records = new Map(state.records.map(({ site, document }) => [site, this.repository.held(document)]));
      const mayAct = () => disk.holds.epoch() === lead.epoch;
      const broker = new Broker(world, { effect: () => this.effect(life), run: (work) => life.run(work), mayAct });
      const hub = new Hub({
        fleet: FLEET,
        store,
        writer: lead,
        memory: new Memory(state, state.roots.length === 0 ? [] : [this.root], records),
        follower: this.repository.follower(),
        assignKey: keys.assign,
        lifetimeMs: LIFETIME_MS,
        pollMs: 5_000 * world.stretch,
        clock,
        random: () => world.chance.between(0, 1),
        journal: silent,
        log: { ...quiet, error: (fields, words) => this.complained(fields, words) },
      });
      process.hub = hub;
      process.broker = broker;
      broker.serve(hub);
      world.trace.note(`hub ${process.name} leads`);
      world.witness.hubStarted(state);
      hub.start(lead.guard(broker));
      await lead.lost;
      world.trace.note(`hub ${process.name} was taken over`);
      process.hub = null;
      process.broker = null;
      broker.die();
      await hub.stop();
    }
  }

  /** As SIGKILL does. It comes back by itself. */
  crash(backInMs: number): void {
    const { process } = this;
    if (process === null) return;
    this.process = null;
    this.diesAfter = null;
    process.life.alive = false;
    this.gone.add(process.name);
    this.world.trace.note(`hub ${process.name} killed`);
    process.broker?.die();
    this.world.queue.after(backInMs, () => {
      if (this.runs) return;
      this.world.trace.event(`hub ${this.name} start`);
      void this.start();
    });
  }

  /** As SIGSTOP and SIGCONT do. */
  sleep(forMs: number): void {
    const { process } = this;
    if (process === null) return;
    this.world.trace.note(`hub ${process.name} stopped`);
    process.life.stop();
    // Nobody answers the keepalive of the sites.
    const { broker } = process;
    if (broker !== null)
      this.world.queue.after(this.world.chance.between(20_000, 60_000), () => broker.unheard(process.life.isStopped));
    this.world.queue.after(forMs, () => {
      this.world.trace.event(`hub ${process.name} goes on`);
      this.world.trace.note(`hub ${process.name} goes on`);
      process.life.goOn();
    });
  }

  /** A hub takes what it did not foresee for a turn that failed, says so and goes on. */
  private complained(fields: object, words: string): void {
    const stack = "stack" in fields ? String(fields.stack) : null;
    if (stack !== null || words.startsWith("internal: ")) this.world.witness.fail("noFault", stack ?? words, []);
  }

  private clock({ life, name }: Process): Clock {
    const { queue, trace, stretch } = this.world;
    return {
      now: () => queue.now,
      monotonic: () => queue.now,
      after: (ms, work) => {
        let cancelled = false;
        // In each of the minutes of many weeks it would find nothing to do.
        queue.after(ms === REST_MS && stretch > 1 ? LONG_REST_MS : ms, () => {
          life.run(() => {
            if (cancelled) return;
            trace.event(`hub ${name} timer`);
            work();
          });
        });
        return () => {
          cancelled = true;
        };
      },
    };
  }

  /** Of the lease, as the machine has it. */
  private slow(clock: Clock): Clock {
    const { stretch } = this.world;
    return {
      ...clock,
      monotonic: () => clock.monotonic() / stretch,
      after: (ms, work) => clock.after(ms * stretch, work),
    };
  }

  private store({ life, name }: Process): Store {
    const { world, disk } = this;
    const watched = (writer: Writer): Writer => ({
      ...writer,
      commit: async (effect, batch) => {
        await this.effect(life);
        await this.took(life);
        if (this.faults.store) throw new AppError("storage", "the disk is full");
        await writer.commit(effect, batch);
        const before = world.witness.runs;
        world.trace.note(`store.${effect}`, () => inWordsBatch(batch, before));
        world.witness.committed(effect, batch);
        await this.effect(life);
      },
    });
    return {
      ...disk,
      take: async (_, ms) => {
        const writer = await disk.take(name, ms);
        return writer === null ? null : watched(writer);
      },
      people: async () => [...PEOPLE],
    };
  }

  /** The time that a commit takes; a process that dies meanwhile has committed nothing. */
  private took(life: Life): Promise<void> {
    const { queue, chance } = this.world;
    return new Promise((resolve) => queue.after(chance.delay(this.commitMs), () => life.run(resolve)));
  }

  /** Between any two effects the process may die: whatever came before is done, nothing after it happens. */
  private async effect(life: Life): Promise<void> {
    if (this.process?.life === life && this.diesAfter !== null && --this.diesAfter <= 0) {
      this.crash(this.world.chance.between(500, 60_000));
    }
    if (!life.alive) await new Promise(() => {});
  }
}

/** The hosts of one store. */
export class Hosts {
  readonly all: readonly HubHost[];

  constructor(all: readonly HubHost[]) {
    this.all = all;
  }

  /** The one that sites get through to. */
  get leading(): HubHost | undefined {
    return this.all.find(({ answers }) => answers);
  }
}

function inWordsBatch(
  { runs = [], assignments = [], sites = [] }: Batch,
  before: ReadonlyMap<string, TrueRun>,
): string {
  const moved = runs.map(({ run, sites: rows }) => {
    const was = before.get(run.id);
    const phase = was?.phase.kind === run.phase.kind ? [] : [run.phase.kind];
    const changed = rows.filter(([site, { outcome }]) => was?.sites.get(site)?.outcome !== outcome);
    const words = changed.map(([site, { outcome, code }]) => `${site} ${outcome}${code === null ? "" : ` ${code}`}`);
    const wave = "wave" in run.phase ? [`wave ${run.phase.wave}`] : [];
    return [run.id, ...phase, ...wave, ...words].join(" ");
  });
  const given = assignments.map(({ site, set, assigned }) => {
    const what = Object.values(assigned).map(({ run, digest }) => `${run} ${digest.slice(0, 6)}`);
    return `${site} set ${set.term}.${set.number} ${what.join(" ")}`;
  });
  const heard = sites.map(({ id, report }) => {
    const items = report?.body.items.map(
      ({ bundle, digest, state, healthyFor }) => `${bundle} ${digest.slice(0, 6)} ${state} ${healthyFor}`,
    );
    return `${id} report ${report?.body.number} of ${report?.body.assignment?.join(".")} ${items?.join(" ")}`;
  });
  return [...moved, ...given, ...heard].join("; ");
}
