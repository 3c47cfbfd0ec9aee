import "../shared/node/require-node.ts";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { milliseconds } from "../shared/names.ts";
import { systemClock } from "../shared/node/clock.ts";
import { runDaemon } from "../shared/node/daemon.ts";
import { stdoutLog } from "../shared/node/log.ts";
import { machine } from "../shared/node/machine.ts";
import { readAccess } from "../shared/node/web-access.ts";
import { type Clock, type Journal, type Log, type Random, silent } from "../shared/ports.ts";
import { gitSource } from "../shared/source/git.ts";
import { VERSION } from "../shared/version.ts";
import { apiServer } from "./api/server.ts";
import { embeddedBroker } from "./broker/embedded.ts";
import { type HubConfig, readAssignKey, readConfig, readToken } from "./config.ts";
import { Follower } from "./follow/follow.ts";
import { standBy } from "./lead.ts";
import { Hub } from "./loop.ts";
import { Memory } from "./memory.ts";
import { forge } from "./notify/forge.ts";
import { StatusSender } from "./notify/sender.ts";
import type { CommitStatus } from "./notify/status.ts";
import { sqliteStore } from "./registry/sqlite.ts";
import { reopen } from "./reopen.ts";
import { inWordsBecause } from "./rollout/because.ts";
import { tokenCommand } from "./token-command.ts";

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
  /** Resolves when another hub has taken over: this one is to be stopped, and may stand by again. */
  lost: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Builds a hub out of its parts, once the lease of its store is its own, and runs it until `stop`; null where `signal` came before
 * that. Throws `AppError` for what keeps it from starting.
 */
export async function runHub(config: HubConfig, world: HubWorld, signal: AbortSignal): Promise<RunningHub | null> {
  const { journal, log, clock, random } = world;
  const assignKey = readAssignKey(config.assignKey);
  const { tokenFile, hookSecretFile } = config.http;
  const token = tokenFile === undefined ? undefined : readToken(tokenFile);
  const hookSecret = hookSecretFile === undefined ? undefined : readToken(hookSecretFile);
  mkdirSync(config.dataDir, { recursive: true });
  const ending: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of ending.splice(0).toReversed()) await end();
  };
  try {
    const store = sqliteStore({ file: join(config.dataDir, "hub.db"), journal });
    ending.push(() => store.close());
    const lead = await standBy({ store, holder: machine.self, ms: milliseconds(config.lease), clock, log }, signal);
    if (lead === null) {
      await stop();
      return null;
    }
    ending.push(() => lead.stop());
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
    const memory = new Memory(state, roots, records);
    const hub = new Hub({
      fleet: config.fleet,
      store,
      writer: lead,
      memory,
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
      ...(hookSecret === undefined ? {} : { hookSecret }),
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
      diff: (run, hash) => store.diff(run, hash),
      wayBack: (run) => memory.wayBack(run),
      person: (hash) => store.person(hash),
      wake: () => hub.wake(),
      act: (act) => hub.act(act),
      startAgain: (start) => hub.startAgain(start),
    });
    ending.push(() => api.stop());
    const { status } = config.repository;
    if (status !== undefined) {
      const { auth, ca } = readAccess({ tokenFile: status.tokenFile, caFile: status.caFile });
      const token = auth !== undefined && "bearer" in auth ? auth.bearer : "";
      const { send, close } = forge({ ...status, token, proxy: process.env, ...(ca !== undefined && { ca }) });
      const onSent = (sent: CommitStatus) => hub.statusSent(sent);
      const sender = new StatusSender({ unsent: () => memory.unsent(), send, onSent, clock, random, journal, log });
      const end = hub.subscribe(() => sender.changed());
      ending.push(async () => (end(), close(), sender.stop()));
      sender.changed();
    }
    hub.start(lead.guard(bus));
    return { url: api.url, mqttUrl: bus.url, lost: lead.lost, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Leads, stands by, leads again, until `signal`. Rejects with what keeps it from starting. */
export async function runHubs(config: HubConfig, world: HubWorld, signal: AbortSignal): Promise<void> {
  for (;;) {
    const hub = await runHub(config, world, signal);
    if (hub === null) return;
    world.log.info({ http: hub.url, mqtt: hub.mqttUrl, pid: process.pid }, "ready");
    const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    await (signal.aborted ? undefined : Promise.race([stopped, hub.lost]));
    if (!signal.aborted) world.log.warn({}, "another hub took over: this one stops, and stands by");
    await hub.stop();
    if (signal.aborted) return;
  }
}

if (import.meta.main) {
  await runDaemon({
    name: "skerry-hub",
    description: "moves a fleet of sites to the versions that its owners signed for",
    version: VERSION,
    readConfig,
    commands: [
      (program) =>
        tokenCommand(program, (file) => {
          const { dataDir } = readConfig(file);
          mkdirSync(dataDir, { recursive: true });
          return sqliteStore({ file: join(dataDir, "hub.db"), journal: silent });
        }),
    ],
    start: async (config) => {
      const log = stdoutLog("skerry-hub", config.log);
      const beside = (path: string) => fileURLToPath(new URL(path, import.meta.url));
      const world = { journal: silent, log, clock: systemClock, random: Math.random };
      const end = new AbortController();
      const ended = runHubs(config, { ...world, gitChild: beside("skerry-git.js"), assets: beside("ui") }, end.signal);
      return { ended, stop: () => (end.abort(), ended) };
    },
  });
}
