import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { SeenRun } from "../../../hub/api/snapshot.ts";
import type { Bus } from "../../../hub/broker/bus.ts";
import { Follower } from "../../../hub/follow/follow.ts";
import { Hub } from "../../../hub/loop.ts";
import { Memory } from "../../../hub/memory.ts";
import { sqliteStore } from "../../../hub/registry/sqlite.ts";
import type { Batch, Store, Writer } from "../../../hub/registry/store.ts";
import { reopen } from "../../../hub/reopen.ts";
import type { Bundle } from "../../../shared/bundle.ts";
import { AppError } from "../../../shared/errors.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { PrivateKey } from "../../../shared/node/ssh-key.ts";
import { ed25519FromSeed } from "../../../shared/node/ssh-private-key.ts";
import type { Journal, Log, SignedBytes } from "../../../shared/ports.ts";
import { parseTopic } from "../../../shared/protocol.ts";
import { recordBranch } from "../../../shared/source/source.ts";
import type { Files } from "../../lab/git/repository.ts";
import { FakeClock } from "../../support/clock.ts";
import { keys, line, NOW, signedBundle, signedRoot, signedSite, trustedRoot } from "../../support/fleet.ts";
import { writerOf } from "../../support/writer.ts";
import { type FleetMemory, fleetMemory } from "../follow/memory.ts";
import { FakeSite, FLEET } from "./site.ts";

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const ROOT = signedRoot();

/** A hub with its real decisions and its real store; the repository, the broker and the sites are in memory. */
export class HubWorld {
  readonly clock = new FakeClock(NOW);
  readonly repository: FleetMemory = fleetMemory();
  readonly sites = new Map<string, FakeSite>();
  /** What the broker retains: lost with the hub, as that of the embedded broker is. */
  retained = new Map<string, Uint8Array>();
  /** In the order in which they happened. */
  readonly trace: string[] = [];
  readonly commits: { effect: string; batch: Batch }[] = [];
  readonly faults = { store: false, bus: false };
  private readonly dir = mkdtempSync(join(tmpdir(), "skerry-hub-loop-"));
  private running: { hub: Hub; store: Store; life: { alive: boolean } } | null = null;

  constructor() {
    this.repository.commit("trust", signedFiles("root/1.json", ROOT), "root 1");
  }

  get hub(): Hub {
    if (this.running === null) throw new Error("the hub is not running");
    return this.running.hub;
  }

  get store(): Store {
    if (this.running === null) throw new Error("the hub is not running");
    return this.running.store;
  }

  async start(): Promise<void> {
    const journal: Journal = (effect, place) => {
      if (place === "after" && this.trace.at(-1) !== effect) this.trace.push(effect);
    };
    const store = sqliteStore({ file: join(this.dir, "hub.db"), journal });
    const state = await store.load();
    const life = { alive: true };
    const digest = sha256Hex(ROOT.body);
    const { roots, records } = reopen(state, digest, quiet);
    const hub = new Hub({
      fleet: FLEET,
      store,
      writer: this.failing(await writerOf(store)),
      memory: new Memory(state, roots, records),
      follower: new Follower({ source: this.repository.source, journal, digest, roots, records }),
      assignKey: keys.assign,
      lifetimeMs: 30 * 86_400_000,
      pollMs: 5_000,
      clock: {
        now: () => this.clock.now(),
        monotonic: () => this.clock.monotonic(),
        after: (ms, run) => this.clock.after(ms, () => life.alive && run()),
      },
      random: () => 0.5,
      journal,
      log: quiet,
    });
    this.running = { hub, store, life };
    hub.start(this.bus());
    await this.settle();
  }

  /** As SIGKILL does: nothing is finished, nothing is said, memory is gone. */
  async kill(): Promise<void> {
    const { running } = this;
    this.running = null;
    this.retained = new Map();
    if (running !== null) running.life.alive = false;
    await running?.store.close();
  }

  async end(): Promise<void> {
    await this.running?.hub.stop();
    await this.running?.store.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Its record is number `number`; a second one of a site replaces the first. */
  addSite(id: string, labels: Record<string, string>, otherKeys: readonly PrivateKey[] = [], number = 1): FakeSite {
    const key = siteKey(id);
    const document = signedSite({ id, number, labels, bundles: ["pos*"], reportKeys: [key, ...otherKeys].map(line) });
    const branch = recordBranch(sha256Hex(Buffer.from(id)));
    this.repository.add(branch, signedFiles(`sites/${id}.json`, document), `record of ${id}`);
    const known = this.sites.get(id);
    if (known !== undefined) return known;
    const send = async (message: { topic: string; client: string; frame: Uint8Array }) => {
      if (this.running === null) throw new AppError("unreachable", "no hub");
      await this.running.hub.onMessage(message);
    };
    const site = new FakeSite({ id, key, root: trustedRoot(), clock: this.clock, send });
    this.sites.set(id, site);
    return site;
  }

  site(id: string): FakeSite {
    const found = this.sites.get(id);
    if (found === undefined) throw new Error(`no site ${id}`);
    return found;
  }

  publish(
    seq: number,
    change: (files: Map<string, Uint8Array>) => void = () => {},
    changes: Partial<Bundle> = {},
  ): void {
    this.repository.commit("bundles/pos", this.bundleFiles(seq, changes, change), `1.${seq - 1}.0`);
  }

  bundleFiles(
    seq: number,
    changes: Partial<Bundle> = {},
    change: (files: Map<string, Uint8Array>) => void = () => {},
  ): Files {
    const bundle = signedBundle({ seq, ...changes });
    const files = new Map(bundle.files);
    change(files);
    const placed = [...files].map(([path, bytes]) => [`files/${path}`, bytes] as const);
    return { ...signedFiles("bundle.json", bundle.document), ...Object.fromEntries(placed) };
  }

  /** Writes `rollouts/pos.yaml`; null deletes it. */
  deploy(text: string | null): void {
    this.repository.commit("main", text === null ? { "README.md": "" } : { "rollouts/pos.yaml": text }, "deploy");
  }

  /** Second by second; every site reports in each. */
  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      this.clock.advance(1_000);
      await this.settle();
      for (const site of this.sites.values()) if (this.running !== null) await site.report().catch(() => {});
      await this.settle();
    }
  }

  /** All I/O here is immediate: two rounds of the event loop end whatever is under way. */
  async settle(): Promise<void> {
    await setImmediate();
    await setImmediate();
  }

  run(id: string): SeenRun {
    const found = this.hub.read().runs.find(({ run }) => run.id === id);
    if (found === undefined) throw new Error(`no run ${id}`);
    return found;
  }

  /** Words of the hub's own events, oldest first. */
  async notices(code?: string): Promise<string[]> {
    const events = await this.hub.events({ site: "", limit: 200 });
    const wanted = events.filter(({ event }) => code === undefined || event.code === code);
    return wanted.map(({ event }) => event.words ?? "").toReversed();
  }

  private failing(writer: Writer): Writer {
    return {
      ...writer,
      commit: async (effect, batch) => {
        if (this.faults.store) throw new AppError("storage", "the disk is full");
        await writer.commit(effect, batch);
        this.commits.push({ effect, batch });
      },
    };
  }

  private bus(): Bus {
    return {
      url: "mqtt://memory",
      publish: async (topic, frame, { retain }) => {
        if (this.faults.bus) throw new AppError("unreachable", "the bus is down");
        if (retain) this.retained.set(topic, frame);
        this.sites.get(parseTopic(topic).site)?.hear(topic, frame);
      },
      close: async () => {},
    };
  }
}

/** The report key of the site `s-<n>`. */
export function siteKey(id: string): PrivateKey {
  return ed25519FromSeed(new Uint8Array(32).fill(Number(id.replace(/\D/g, "")) + 100));
}

export function rollout(version: string, rest = ""): string {
  return `kind: Rollout/v1
bundle: pos
version: ${version}
sites: {}
waves:
  - { name: lab, sites: { ring: lab }, soak: 8s }
  - { name: rest }
site: { deadline: 60s, offlineAfter: 30s, reportEvery: 5s }
${rest}`;
}

export function signedFiles(path: string, document: SignedBytes): Record<string, Uint8Array | string> {
  const signatures = [...document.signatures].map(([key, text]) => [`${path}.${key}.sig`, text] as const);
  return { [path]: document.body, ...Object.fromEntries(signatures) };
}

/** A hub that runs, one site in the lab, one in a shop, and the first version. */
export async function hubOfTwo(): Promise<HubWorld> {
  const world = new HubWorld();
  world.addSite("s-1", { ring: "lab" });
  world.addSite("s-2", { ring: "shop" });
  world.publish(1);
  await world.start();
  return world;
}
