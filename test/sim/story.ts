import type { Verb } from "../../shared/verbs.ts";
import { type RunVerb, VERBS } from "../../shared/verbs.ts";
import type { Hosts } from "./hub-host.ts";
import type { Repository } from "./repository.ts";
import { drawRollout } from "./rollouts.ts";
import type { SimSite } from "./site.ts";
import { drawVersion, type Version } from "./versions.ts";
import { FAIR, type World } from "./world.ts";

interface Stage {
  world: World;
  hosts: Hosts;
  repository: Repository;
  versions: Map<string, Version>;
  sites: SimSite[];
  addSite(): SimSite;
  without: ReadonlySet<string>;
  often: readonly string[];
}

/** What may befall a fleet. */
export const FAULTS = [
  "hub-killed",
  "hub-stopped",
  "hub-second",
  "hub-slow",
  "hub-disk-full",
  "broker-faulty",
  "network-bad",
  "site-dark",
  "sites-apart",
  "site-killed",
  "disk-lost",
  "clock-wrong",
  "site-lies",
  "repository-away",
  "site-joins",
  "site-retires",
  "record-changes",
] as const;
export type Fault = (typeof FAULTS)[number];

const MINUTE = 60_000;
/** So many times as often as else. */
const OFTEN = 6;
const DAY = 86_400_000;

/** What people and the world do to a fleet: drawn as it comes, until all faults stop and only time passes. */
export class Story {
  /** Where the simulation ends, by the queue's clock. */
  end: number;
  private readonly stage: Stage;
  private readonly files = new Map<string, Record<string, unknown>>();
  private faultsEnd: number;

  constructor(stage: Stage) {
    this.stage = stage;
    const { queue, chance } = stage.world;
    this.faultsEnd = queue.now + chance.between(10, 40) * MINUTE;
    this.end = this.faultsEnd + 45 * MINUTE;
  }

  begin(): void {
    const { world } = this.stage;
    for (const bundle of ["pos", "web"]) this.publish(bundle);
    this.deploy("pos", "pos");
    if (world.chance.of(0.4)) this.deploy("web", "web");
    this.every(4 * MINUTE, () => this.author());
    this.every(2 * MINUTE, () => this.operate());
    for (const [name, [minutes, fault]] of Object.entries(this.faults())) {
      const isOften = this.stage.often.includes(name);
      if (!this.stage.without.has(name) && world.chance.of(isOften ? 1 : 0.7))
        this.every((isOften ? minutes / OFTEN : minutes) * MINUTE, () => this.strike(name, fault));
    }
    world.queue.after(this.faultsEnd - world.queue.now, () => this.calm());
  }

  /** By name: every so many minutes, and what. */
  private faults(): Record<Fault, readonly [number, () => void]> {
    const { world, hosts, repository, sites, addSite } = this.stage;
    const { chance, queue, weather, witness } = world;
    const awhile = (least: number, most: number, after: () => void) => queue.after(chance.between(least, most), after);
    return {
      "hub-killed": [
        6,
        () => {
          for (const host of hosts.all) host.diesAfter = chance.whole(1, 40);
        },
      ],
      "hub-stopped": [9, () => hosts.leading?.sleep(chance.between(1_000, 2 * MINUTE))],
      "hub-second": [8, () => void hosts.all.find(({ runs }) => !runs)?.start()],
      "hub-slow": [
        8,
        () => {
          const commitMs = chance.one([50, 500, 3_000]);
          for (const host of hosts.all) host.commitMs = commitMs;
          awhile(5_000, 3 * MINUTE, () => {
            for (const host of hosts.all) host.commitMs = 3;
          });
        },
      ],
      "hub-disk-full": [
        10,
        () => {
          for (const { faults } of hosts.all) faults.store = true;
          awhile(1_000, 2 * MINUTE, () => {
            for (const { faults } of hosts.all) faults.store = false;
          });
        },
      ],
      "broker-faulty": [
        10,
        () => {
          const broker = hosts.leading?.broker;
          if (broker === undefined || broker === null) return;
          broker.faulty = true;
          awhile(1_000, 2 * MINUTE, () => {
            broker.faulty = false;
          });
        },
      ],
      "network-bad": [
        4,
        () => {
          Object.assign(weather, {
            latency: chance.one([5, 200, 3_000]),
            loss: chance.one([0, 0.02, 0.2]),
            twice: chance.one([0, 0.05, 0.3]),
            cut: chance.one([0, 0.01, 0.05]),
          });
          awhile(10_000, 5 * MINUTE, () => Object.assign(weather, FAIR));
        },
      ],
      "site-dark": [
        3,
        () => {
          const site = chance.one(sites);
          site.darken(true);
          awhile(5_000, chance.one([1, 20, 200]) * MINUTE, () => site.darken(false));
        },
      ],
      "sites-apart": [
        9,
        () => {
          const some = sites.filter(() => chance.of(0.4));
          for (const site of some) site.darken(true);
          awhile(20_000, 10 * MINUTE, () => {
            for (const site of some) site.darken(false);
          });
        },
      ],
      "site-killed": [2, () => chance.one(sites).crash(chance.between(1_000, 2 * MINUTE))],
      "disk-lost": [7, () => chance.one(sites).loseDisk(chance.between(1_000, 2 * MINUTE))],
      "clock-wrong": [
        8,
        () => {
          const { clock } = chance.one(sites);
          clock.offset = chance.between(-40, 40) * DAY;
          clock.synced = false;
          awhile(MINUTE, 20 * MINUTE, () => {
            clock.offset = 0;
            clock.synced = true;
          });
        },
      ],
      "site-lies": [
        9,
        () => {
          const site = chance.one(sites);
          site.lies = !site.lies;
        },
      ],
      "repository-away": [
        9,
        () => {
          repository.away = true;
          awhile(5_000, 5 * MINUTE, () => {
            repository.away = false;
          });
        },
      ],
      "site-joins": [10, () => void addSite()],
      "site-retires": [
        15,
        () => {
          const site = chance.one(sites);
          const record = repository.record(site.id);
          repository.sign({ ...record, number: record.number + 1, retired: true });
          witness.barred.add(site.id);
          awhile(1_000, MINUTE, () => site.learn(repository.record(site.id)));
        },
      ],
      "record-changes": [
        8,
        () => {
          const site = chance.one(sites);
          const record = repository.record(site.id);
          const labels = { ...record.labels, role: chance.one(["store", "office"]) };
          repository.sign({ ...record, number: record.number + 1, labels });
          awhile(1_000, 3 * MINUTE, () => site.learn(repository.record(site.id)));
        },
      ],
    };
  }

  private strike(name: string, fault: () => void): void {
    this.stage.world.trace.event(`fault ${name}`);
    this.stage.world.trace.note(`fault ${name}`);
    fault();
  }

  /** An author commits something to the fleet repository. */
  private author(): void {
    const { chance, trace } = this.stage.world;
    const bundle = chance.one(["pos", "pos", "web"]);
    const what = chance.one(["new", "new", "new", "back", "edit", "break", "delete", "mend"]);
    trace.note(`author ${what} ${bundle}`);
    if (what === "new") this.publish(bundle);
    switch (what) {
      case "new":
      case "edit":
        return this.deploy(bundle, bundle);
      case "back":
        return this.deploy(bundle, bundle, chance.whole(1, this.versionsOf(bundle).length));
      case "break":
        return this.stage.repository.commit(bundle, "kind: Rollout/v1\nbundle: [\n");
      case "delete":
        return this.stage.repository.commit(bundle, null);
      case "mend": {
        const file = this.files.get(bundle);
        if (file !== undefined) this.stage.repository.commit(bundle, JSON.stringify(file));
      }
    }
  }

  private publish(bundle: string): void {
    const { world, versions, repository } = this.stage;
    const version = drawVersion(world.chance, bundle, this.versionsOf(bundle).length + 1);
    versions.set(version.digest, version);
    repository.publish(version);
  }

  private deploy(name: string, bundle: string, seq = this.versionsOf(bundle).length): void {
    const version = this.versionsOf(bundle)[seq - 1]?.version ?? "1.1.0";
    const file = drawRollout(this.stage.world.chance, bundle, version);
    this.files.set(name, file);
    this.stage.repository.commit(name, JSON.stringify(file));
  }

  private versionsOf(bundle: string): Version[] {
    return [...this.stage.versions.values()].filter((version) => version.bundle === bundle);
  }

  /** An operator asks something of a run. */
  private operate(): void {
    const { hosts, world } = this.stage;
    const { chance, trace, witness } = world;
    const hub = hosts.leading?.hub ?? null;
    const runs = hub?.read().runs.slice(-3) ?? [];
    if (hub === null || runs.length === 0) return;
    const { run } = chance.one(runs);
    const legal = (Object.keys(VERBS) as Verb[]).filter(
      (verb): verb is RunVerb => verb !== "start" && (VERBS[verb] as readonly string[]).includes(run.phase.kind),
    );
    if (legal.length === 0) return;
    // The hard verbs are rarer.
    const verb = chance.one([...legal, ...legal.filter((each) => !["abort", "revert", "promote"].includes(each))]);
    const { phase, plan, sites } = run;
    const open =
      phase.kind === "rolling"
        ? phase.wave
        : phase.kind === "paused" && phase.resume.before === undefined
          ? phase.resume.wave
          : null;
    const wave = open === null ? undefined : plan.waves[open]?.name;
    const site = verb === "skip" ? chance.one([...sites])[0] : undefined;
    trace.event(`operator ${verb} ${run.id}`);
    trace.note(`operator ${verb} ${run.id}`);
    if (verb === "promote") witness.promoting.add(run.id);
    if (site !== undefined) witness.skipped.add(`${run.id} ${site}`);
    const who = chance.one(["ada", "bob", "eve"]);
    const done = () => verb === "promote" && witness.promoting.delete(run.id);
    hub.act({ run: run.id, verb, who, reason: "because", wave, site }).then(done, () => {
      done();
      if (site !== undefined) witness.skipped.delete(`${run.id} ${site}`);
    });
  }

  /** Faults stop; what was broken is mended, and whoever was away comes back. */
  private calm(): void {
    const { world, hosts, repository, sites } = this.stage;
    world.trace.note("calm");
    Object.assign(world.weather, FAIR);
    for (const host of hosts.all) {
      host.commitMs = 3;
      host.faults.store = false;
      host.diesAfter = null;
      if (host.broker !== null) host.broker.faulty = false;
    }
    repository.away = false;
    for (const site of sites) {
      site.darken(false);
      site.clock.offset = 0;
      site.clock.synced = true;
      site.learn(repository.record(site.id));
    }
  }

  private every(meanMs: number, work: () => void): void {
    const { queue, chance } = this.stage.world;
    const again = () => {
      queue.after(chance.between(0.2, 1.8) * meanMs, () => {
        if (queue.now >= this.faultsEnd) return;
        work();
        again();
      });
    };
    again();
  }
}
