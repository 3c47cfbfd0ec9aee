import { setImmediate } from "node:timers/promises";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { PrivateKey } from "../../shared/node/ssh-key.ts";
import { ed25519FromSeed } from "../../shared/node/ssh-private-key.ts";
import type { VerifiedRecord } from "../../shared/verify/record.ts";
import { line, NOW, signedRoot, siteDocument, trustedRoot } from "../support/fleet.ts";
import { memoryStore } from "../support/store.ts";
import { Backups } from "./backups.ts";
import { Chance } from "./chance.ts";
import { checkEnd } from "./check-end.ts";
import { checkedStep } from "./check-step.ts";
import { SITE_ZONES } from "./check-window.ts";
import { Cluster } from "./cluster.ts";
import { Hosts, HubHost } from "./hub-host.ts";
import { allThatFollows, Queue } from "./queue.ts";
import { replace } from "./replace.ts";
import { Repository } from "./repository.ts";
import { SimSite } from "./site.ts";
import { Story } from "./story.ts";
import { Trace } from "./trace.ts";
import type { Version } from "./versions.ts";
import { Violation } from "./violation.ts";
import { Witness } from "./witness.ts";
import { FAIR, FLEET, type World } from "./world.ts";

export interface SimulationOptions {
  seed: number;
  /** Left out: drawn. */
  sites?: number | undefined;
  /** Whether it lasts for weeks; left out: drawn. */
  weeks?: boolean | undefined;
  /** Faults that are left out of the story, to find out which of them matter. */
  without?: ReadonlySet<string>;
  /** Faults that are in the story, and far more often than else. */
  often?: readonly string[] | undefined;
  /** Keeps the lines of the trace. */
  traced?: boolean;
}

export interface Outcome {
  violation: Violation | null;
  events: number;
  /** Two runs that did the same have the same. */
  digest: string;
  sites: number;
  lines: Trace["lines"];
}

const ROOT = signedRoot();
const HELD_ROOT = { root: trustedRoot(), document: ROOT };
/** Far more than can happen in one millisecond: something asks again and again, and time does not pass. */
const STANDSTILL = 20_000;
/** After so many things that happen, promises that were rejected and nobody took are looked for: a turn of Node's event loop is dear. */
const TURNS = 64;
const WEEKS = 2_000;
const siteKeys: PrivateKey[] = [];

/** One story of a fleet, from a seed, to its end or to the first thing that does not hold. */
export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const { seed, traced = false, without = new Set(), often = [] } = options;
  const chance = new Chance(seed);
  const queue = new Queue(NOW);
  const trace = new Trace(() => queue.now - NOW, traced);
  const now = () => queue.now;
  const stretch = (options.weeks ?? chance.of(0.1)) ? WEEKS : 1;
  const gone = new Set<string>();
  const machine = {
    boot: "boot-1",
    self: "hub",
    now: () => queue.now / stretch,
    isGone: (name: string) => gone.has(name),
  };
  const disk = memoryStore({ machine, copy: (value) => value });
  const witness = new Witness(now, (site, number) => disk.holds.event(site, number));
  const world: World = { queue, chance, trace, witness, weather: { ...FAIR }, stretch };
  const repository = new Repository(HELD_ROOT);
  const stage = { world, disk, gone, repository, root: HELD_ROOT };
  const hosts = new Hosts([new HubHost("one", stage), new HubHost("two", stage)]);
  const backups = new Backups(world, hosts, disk);
  const versions = new Map<string, Version>();
  const sites: SimSite[] = [];
  const addSite = () => {
    const site = makeSite(world, sites.length, { repository, hosts, versions });
    sites.push(site);
    return site;
  };
  const count = options.sites ?? chance.whole(3, stretch === 1 ? 24 : 8);
  for (let index = 0; index < count; index += 1) addSite();
  const told = { without, often, asked: 0 };
  const story = new Story({ world, hosts, backups, repository, versions, sites, addSite, ...told });
  let faults: unknown = null;
  const onFault = (error: unknown) => {
    faults ??= error;
  };
  process.on("unhandledRejection", onFault);
  const differs = (words: string, run: string) => witness.fail("whole", words, [run]);
  const unchecked = replace("hub/rollout/step.ts step", checkedStep(differs));
  try {
    void hosts.all[0]?.start();
    story.begin();
    let before = queue.now;
    let standing = 0;
    let turns = 0;
    for (;;) {
      const run = queue.next(story.end);
      if (run === null) break;
      standing = queue.now === before ? standing + 1 : 0;
      before = queue.now;
      if (standing > STANDSTILL) throw new Error(`at one moment more than ${STANDSTILL} things happen`);
      run();
      await allThatFollows();
      if ((turns += 1) % TURNS === 0) await setImmediate();
      if (witness.violation !== null) break;
      if (faults !== null) throw faults;
    }
    await setImmediate();
    if (faults !== null) throw faults;
    if (witness.violation === null) checkEnd({ world, disk, hosts, sites });
  } catch (error) {
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
    witness.violation ??= new Violation("noFault", words, []);
  } finally {
    process.off("unhandledRejection", onFault);
    unchecked();
  }
  const { events, digest, lines } = trace;
  return { violation: witness.violation, events, digest, sites: sites.length, lines };
}

function makeSite(
  world: World,
  index: number,
  { repository, hosts, versions }: { repository: Repository; hosts: Hosts; versions: ReadonlyMap<string, Version> },
): SimSite {
  const { chance } = world;
  const id = `s-${index}`;
  siteKeys[index] ??= ed25519FromSeed(Buffer.from(sha256Hex(Buffer.from(id)), "hex"));
  const key = siteKeys[index] as PrivateKey;
  const zone = chance.one(SITE_ZONES);
  world.witness.zones.set(id, zone);
  const labels = {
    role: chance.of(0.85) ? "store" : "office",
    region: chance.one(["north", "south"]),
    zone: zone.replace("/", "."),
    ...(chance.of(0.15) && { ring: "lab" }),
  };
  const record = siteDocument({ fleet: FLEET, id, labels, bundles: ["pos", "web"], reportKeys: [line(key)] });
  repository.sign(record);
  const clusters = new Map<string, Cluster>();
  const slowness = chance.of(0.1) ? 20 : 1;
  const clusterOf = (bundle: string) => {
    const cluster = clusters.get(bundle) ?? new Cluster(chance, slowness);
    clusters.set(bundle, cluster);
    return cluster;
  };
  return new SimSite(world, {
    id,
    key,
    root: HELD_ROOT.root,
    record: record as VerifiedRecord,
    versions,
    clusterOf,
    broker: () => hosts.leading?.broker ?? null,
  });
}
