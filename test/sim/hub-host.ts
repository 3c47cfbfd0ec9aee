import { Hub } from "../../hub/loop.ts";
import { Memory } from "../../hub/memory.ts";
import type { Batch, Store } from "../../hub/registry/store.ts";
import type { Run } from "../../hub/rollout/run.ts";
import { AppError } from "../../shared/errors.ts";
import { silent } from "../../shared/ports.ts";
import type { HeldRoot } from "../../shared/verify/chain.ts";
import { keys } from "../support/fleet.ts";
import { Broker } from "./broker.ts";
import { HubDisk } from "./hub-disk.ts";
import type { Repository } from "./repository.ts";
import { FLEET, quiet, type World } from "./world.ts";

/** One hub, as its host has it: the process and its embedded broker may die between any two effects, and come back from the disk. */
export class HubHost {
  readonly disk = new HubDisk();
  readonly faults = { store: false, bus: false };
  /** How long a commit takes, ms. */
  commitMs = 3;
  /** Timers come later than asked, ms: the host is short of time. */
  lateness = 0;
  /** After so many more effects the process dies; null: it does not. */
  diesAfter: number | null = null;
  private readonly world: World;
  private readonly repository: Repository;
  private readonly root: HeldRoot;
  private process: { hub: Hub; broker: Broker } | null = null;

  constructor(world: World, repository: Repository, root: HeldRoot) {
    this.world = world;
    this.repository = repository;
    this.root = root;
  }

  /** The process that answers now. */
  get broker(): Broker | null {
    return this.process?.broker ?? null;
  }

  get hub(): Hub | null {
    return this.process?.hub ?? null;
  }

  async start(): Promise<void> {
    const { world, repository, root } = this;
    const state = this.disk.load();
    const records = new Map(state.records.map(({ site, document }) => [site, repository.held(document)]));
    const broker = new Broker(world, () => this.effect(broker));
    const { queue, trace } = world;
    const hub = new Hub({
      fleet: FLEET,
      store: this.store(broker),
      memory: new Memory(state, state.roots.length === 0 ? [] : [root], records),
      follower: repository.follower(),
      assignKey: keys.assign,
      lifetimeMs: 30 * 86_400_000,
      pollMs: 5_000,
      clock: {
        now: () => queue.now,
        monotonic: () => queue.now,
        after: (ms, run) =>
          queue.after(ms + this.lateness, () => {
            if (!broker.alive) return;
            trace.event("hub timer");
            run();
          }),
      },
      random: () => world.chance.between(0, 1),
      journal: silent,
      log: quiet,
    });
    this.process = { hub, broker };
    broker.serve(hub);
    trace.note("hub started");
    world.witness.hubStarted(state);
    hub.start(broker);
  }

  /** As SIGKILL does. It comes back by itself. */
  crash(backInMs: number): void {
    const { process } = this;
    if (process === null) return;
    this.process = null;
    this.diesAfter = null;
    this.world.trace.note("hub killed");
    process.broker.die();
    this.world.queue.after(backInMs, () => {
      this.world.trace.event("hub start");
      void this.start();
    });
  }

  private store(broker: Broker): Store {
    const { world, disk } = this;
    return {
      load: async () => disk.load(),
      commit: async (effect, batch) => {
        await this.effect(broker);
        await this.took(broker);
        if (this.faults.store) throw new AppError("storage", "the disk is full");
        const before = world.witness.runs;
        world.trace.note(`store.${effect}`, () => inWordsBatch(batch, before));
        disk.write(batch);
        world.witness.committed(effect, batch);
        await this.effect(broker);
      },
      events: async () => [],
      close: async () => {},
    };
  }

  /** The time that a commit takes; a process that dies meanwhile has committed nothing. */
  private took(broker: Broker): Promise<void> {
    const { queue, chance } = this.world;
    return new Promise((resolve) => {
      queue.after(chance.delay(this.commitMs), () => {
        if (broker.alive) resolve();
      });
    });
  }

  /** Between any two effects the process may die: whatever came before is done, nothing after it happens. */
  private async effect(broker: Broker): Promise<void> {
    if (broker.alive && this.process?.broker === broker && this.diesAfter !== null && --this.diesAfter <= 0) {
      this.crash(this.world.chance.between(500, 60_000));
    }
    if (!broker.alive) await new Promise(() => {});
  }
}

function inWordsBatch({ runs = [], assignments = [], sites = [] }: Batch, before: ReadonlyMap<string, Run>): string {
  const moved = runs.map((run) => {
    const was = before.get(run.id);
    const phase = was?.phase.kind === run.phase.kind ? [] : [run.phase.kind];
    const changed = Object.entries(run.sites).filter(([site, { outcome }]) => was?.sites[site]?.outcome !== outcome);
    const words = changed.map(([site, { outcome, code }]) => `${site} ${outcome}${code === null ? "" : ` ${code}`}`);
    const wave = "wave" in run.phase ? [`wave ${run.phase.wave}`] : [];
    return [run.id, ...phase, ...wave, ...words].join(" ");
  });
  const given = assignments.map(({ site, set, assigned }) => {
    const what = Object.values(assigned).map(({ run, digest }) => `${run} ${digest.slice(0, 6)}`);
    return `${site} set ${set.term}.${set.number} ${what.join(" ")}`;
  });
  const heard = sites.map(({ id, report }) => {
    const items = report?.body.items.map(({ bundle, digest, state, healthyFor }) => `${bundle} ${digest.slice(0, 6)} ${state} ${healthyFor}`);
    return `${id} report ${report?.body.number} of ${report?.body.assignment?.join(".")} ${items?.join(" ")}`;
  });
  return [...moved, ...given, ...heard].join("; ");
}
