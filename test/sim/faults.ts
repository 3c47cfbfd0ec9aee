import { MINUTE, type Stage } from "./stage.ts";
import { FAIR } from "./world.ts";

/** What may befall a fleet. */
export const FAULTS = [
  "hub-killed",
  "hub-stopped",
  "hub-second",
  "hub-slow",
  "hub-disk-full",
  "hub-restored",
  "broker-faulty",
  "network-bad",
  "site-dark",
  "sites-apart",
  "sources-away",
  "site-killed",
  "disk-lost",
  "clock-wrong",
  "site-lies",
  "repository-away",
  "site-joins",
  "site-retires",
  "record-changes",
  "site-held",
  "site-drifts",
] as const;
export type Fault = (typeof FAULTS)[number];

const DAY = 86_400_000;

/** By name: every so many minutes, and what. */
export function faultsOf({
  world,
  hosts,
  backups,
  repository,
  sites,
  addSite,
}: Stage): Record<Fault, readonly [number, () => void]> {
  const { chance, queue, weather, witness, stretch } = world;
  const awhile = (least: number, most: number, after: () => void) => queue.after(chance.between(least, most), after);
  const long = (least: number, most: number, after: () => void) => awhile(least * stretch, most * stretch, after);
  return {
    "hub-killed": [
      6,
      () => {
        for (const host of hosts.all) host.diesAfter = chance.whole(1, 40);
      },
    ],
    "hub-stopped": [9, () => hosts.leading?.sleep(stretch * chance.between(1_000, 2 * MINUTE))],
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
    // As often a copy is made as one is put back.
    "hub-restored": [4, () => (backups.some && chance.of(0.5) ? backups.putBack() : backups.take())],
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
        long(10_000, 5 * MINUTE, () => Object.assign(weather, FAIR));
      },
    ],
    "site-dark": [
      3,
      () => {
        const site = chance.one(sites);
        site.darken(true);
        long(5_000, chance.one([1, 20, 200]) * MINUTE, () => site.darken(false));
      },
    ],
    "sites-apart": [
      9,
      () => {
        const some = sites.filter(() => chance.of(0.4));
        for (const site of some) site.darken(true);
        long(20_000, 10 * MINUTE, () => {
          for (const site of some) site.darken(false);
        });
      },
    ],
    // A mirror at the site, or a stick: not by the link.
    "sources-away": [
      6,
      () => {
        const site = chance.one(sites);
        site.cutOff(true);
        long(5_000, chance.one([1, 40]) * MINUTE, () => site.cutOff(false));
      },
    ],
    "site-killed": [2, () => chance.one(sites).crash(stretch * chance.between(1_000, 2 * MINUTE))],
    "disk-lost": [7, () => chance.one(sites).loseDisk(stretch * chance.between(1_000, 2 * MINUTE))],
    "clock-wrong": [
      8,
      () => {
        const { clock } = chance.one(sites);
        clock.offset = chance.between(-40, 40) * DAY;
        clock.synced = false;
        long(MINUTE, 20 * MINUTE, () => {
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
    "site-held": [
      5,
      () => {
        const { hold } = chance.one(sites);
        const by = chance.one(["file", "command", "lease"] as const);
        hold.ask(by, by === "command" ? chance.between(MINUTE, 10 * MINUTE) : null);
        awhile(5_000, 15 * MINUTE, () => hold.takeBack(by));
      },
    ],
    "site-drifts": [4, () => chance.one(sites).drifts(chance.whole(1, stretch === 1 ? 3 : 600))],
    "record-changes": [
      8,
      () => {
        const site = chance.one(sites);
        const record = repository.record(site.id);
        const labels = { ...record.labels, role: chance.one(["store", "office"]) };
        repository.sign({ ...record, number: record.number + 1, labels });
        long(1_000, 3 * MINUTE, () => site.learn(repository.record(site.id)));
      },
    ],
  };
}

/** Faults stop; what was broken is mended, and whoever was away comes back. */
export function calm({ world, hosts, repository, sites }: Stage): void {
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
    site.cutOff(false);
    site.clock.offset = 0;
    site.clock.synced = true;
    site.hold.takeBack(null);
    site.learn(repository.record(site.id));
  }
}
