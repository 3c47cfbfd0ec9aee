import "../shared/node/require-node.ts";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { milliseconds } from "../shared/names.ts";
import { systemClock } from "../shared/node/clock.ts";
import { runDaemon } from "../shared/node/daemon.ts";
import { stdoutLog } from "../shared/node/log.ts";
import { readAccess } from "../shared/node/web-access.ts";
import { type Clock, type Journal, type Log, type Random, silent } from "../shared/ports.ts";
import { gitSource } from "../shared/source/git.ts";
import { VERSION } from "../shared/version.ts";
import { apiServer } from "./api/server.ts";
import { embeddedBroker } from "./broker/embedded.ts";
import { type HubConfig, readAssignKey, readConfig, readToken } from "./config.ts";
import { Follower } from "./follow/follow.ts";
import { Hub } from "./loop.ts";
import { Memory } from "./memory.ts";
import { sqliteStore } from "./registry/sqlite.ts";
import { reopen } from "./reopen.ts";
import { inWordsBecause } from "./rollout/because.ts";

export interface HubWorld {
  journal: Journal;
  log: Log;
  clock: Clock;
  random: Random;
  /** Script of the Git child process. */
  gitChild: string;
  /** Folder of the built page. */
  assets: string;
}

export interface RunningHub {
  /** Of the API and the page. */
  url: string;
  mqttUrl: string;
  stop(): Promise<void>;
}

/** Builds a hub out of its parts and runs it until `stop`. Throws `AppError` for what keeps it from starting. */
export async function runHub(config: HubConfig, world: HubWorld): Promise<RunningHub> {
  const { journal, log, clock, random } = world;
  const assignKey = readAssignKey(config.assignKey);
  const { tokenFile } = config.http;
  const token = tokenFile === undefined ? undefined : readToken(tokenFile);
  mkdirSync(config.dataDir, { recursive: true });
  const ending: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of ending.splice(0).toReversed()) await end();
  };
  try {
    const store = sqliteStore({ file: join(config.dataDir, "hub.db"), journal });
    ending.push(() => store.close());
    const state = await store.load();
    const { roots, records } = reopen(state, config.root.digest, log);
    const source = gitSource({
      url: config.repository.git,
      dir: join(config.dataDir, "git"),
      child: world.gitChild,
      proxy: process.env,
      ...readAccess(config.repository),
    });
    ending.push(() => source.close());
    const hub = new Hub({
      fleet: config.fleet,
      store,
      memory: new Memory(state, roots, records),
      follower: new Follower({ source, journal, digest: config.root.digest, roots, records }),
      assignKey,
      lifetimeMs: milliseconds(config.assignmentsExpire),
      pollMs: milliseconds(config.poll),
      clock,
      random,
      journal,
      log,
    });
    const bus = await embeddedBroker(
      { ...config.mqtt, fleet: config.fleet, allows: (site) => hub.knows(site), log },
      hub,
    );
    ending.push(() => bus.close());
    ending.push(() => hub.stop());
    const api = await apiServer({
      ...(token === undefined ? {} : { token }),
      host: config.http.host,
      port: config.http.port,
      ...(config.http.names === undefined ? {} : { names: config.http.names }),
      assets: world.assets,
      clock,
      log,
      inWords: inWordsBecause,
      read: () => hub.read(),
      subscribe: (onChange) => hub.subscribe(onChange),
      events: (query) => hub.events(query),
      act: (act) => hub.act(act),
    });
    ending.push(() => api.stop());
    hub.start(bus);
    return { url: api.url, mqttUrl: bus.url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

if (import.meta.main) {
  await runDaemon({
    name: "skerry-hub",
    description: "moves a fleet of sites to the versions that its owners signed for",
    version: VERSION,
    readConfig,
    start: async (config) => {
      const log = stdoutLog("skerry-hub", config.log);
      const beside = (path: string) => fileURLToPath(new URL(path, import.meta.url));
      const world = { journal: silent, log, clock: systemClock, random: Math.random };
      const hub = await runHub(config, { ...world, gitChild: beside("skerry-git.js"), assets: beside("ui") });
      log.info({ http: hub.url, mqtt: hub.mqttUrl, pid: process.pid }, "ready");
      return hub;
    },
  });
}
