import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventView, FleetView, RunView, SiteView } from "../../../hub/api/contract.ts";
import { createRepository } from "../git/repository.ts";
import type { Cluster } from "./cluster.ts";
import { type Cable, layCable } from "./cut.ts";
import { type Fleet, makeFleet } from "./fleet.ts";
import { type Program, startProgram } from "./program.ts";
import type { Undo } from "./undo.ts";

const DIST = join(import.meta.dirname, "../../../dist");

/** Everything that the story needs, as real processes on real sockets of 127.0.0.1, in one temporary folder. */
export interface Stage {
  dir: string;
  fleet: Fleet;
  sites: readonly Site[];
  hub: Hub;
}

export interface Site {
  id: string;
  labels: Record<string, string>;
  cluster: Cluster;
  logFile: string;
  /** Both links: to the Git server and to the hub. */
  cut(): void;
  mend(): void;
  start(): Promise<void>;
  kill(): Promise<void>;
}

export interface Hub {
  url: string;
  start(): Promise<void>;
  kill(): Promise<void>;
  view(): Promise<FleetView>;
  events(query?: string): Promise<EventView[]>;
}

export interface StageOptions {
  clusters: readonly Cluster[];
  rollout: string;
  say(words: string): void;
  undo: Undo;
}

/** Starts all of it; the sites have joined when it resolves. */
export async function setStage({ clusters, rollout, say, undo }: StageOptions): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), "skerry-demo-"));
  undo.add(() => rmSync(dir, { recursive: true, force: true }));
  const served = join(dir, "served");
  mkdirSync(served);
  const bare = createRepository(served, "fleet.git");
  const git = startProgram(
    "the Git server",
    join(import.meta.dirname, "../git/main.ts"),
    ["--root", served],
    join(dir, "git.log"),
  );
  undo.add(() => git.stop());
  const gitUrl = `${String((await git.line((entry) => typeof entry["url"] === "string", 10_000))["url"])}/fleet.git`;
  const [mqttPort, httpPort] = [await freePort(), await freePort()];
  const fleet = await makeFleet({
    dir: join(dir, "fleet"),
    bare,
    url: gitUrl,
    hubUrl: `mqtt://127.0.0.1:${mqttPort}`,
    skerry: join(DIST, "skerry.js"),
    rollout,
  });
  say(`a fleet repository with a signed root, served at ${gitUrl}`);
  const hub = makeHub({ dir, gitUrl, fleet, mqttPort, httpPort });
  undo.add(() => hub.stop());
  const gitPort = Number(new URL(gitUrl).port);
  const syncedFile = join(dir, "clock-is-synced");
  writeFileSync(syncedFile, "");
  const sites: Site[] = [];
  for (const [index, cluster] of clusters.entries()) {
    const site = await makeSite({ dir, index, cluster, gitPort, mqttPort, fleet, syncedFile });
    undo.add(() => site.stop());
    sites.push(site);
  }
  await Promise.all(sites.map((site) => site.start()));
  say(`${sites.length} agents started; each made its own report key`);
  for (const site of sites as (Site & { reportKey(): string })[]) {
    await fleet.signSite({ id: site.id, labels: site.labels, reportKey: site.reportKey() });
  }
  await fleet.publishTrust();
  say(`${sites.length} site records signed with skerry and published`);
  await hub.start();
  return { dir, fleet, sites, hub };
}

function makeHub(options: {
  dir: string;
  gitUrl: string;
  fleet: Fleet;
  mqttPort: number;
  httpPort: number;
}): Hub & { stop(): Promise<void> } {
  const { dir, gitUrl, fleet, mqttPort, httpPort } = options;
  const config = join(dir, "hub.yaml");
  writeFileSync(
    config,
    [
      "fleet: demo",
      `dataDir: ${join(dir, "hub")}`,
      `root: { digest: ${fleet.rootDigest} }`,
      `repository: { git: "${gitUrl}" }`,
      "poll: 1s",
      `assignKey: ${join(fleet.keys, "assign")}`,
      `mqtt: { host: 127.0.0.1, port: ${mqttPort} }`,
      `http: { host: 127.0.0.1, port: ${httpPort} }`,
      "",
    ].join("\n"),
  );
  const url = `http://127.0.0.1:${httpPort}`;
  let program: Program | null = null;
  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(`${url}${path}`);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    url,
    start: async () => {
      program = startProgram("the hub", join(DIST, "skerry-hub.js"), ["run", "--config", config], join(dir, "hub.log"));
      await program.line((entry) => entry["msg"] === "ready", 20_000);
    },
    kill: async () => program?.kill(),
    stop: async () => program?.stop(),
    view: async () => (await get("/api/v1/fleet")) as FleetView,
    events: async (query = "limit=200") => ((await get(`/api/v1/events?${query}`)) as { events: EventView[] }).events,
  };
}

async function makeSite(options: {
  dir: string;
  index: number;
  cluster: Cluster;
  gitPort: number;
  mqttPort: number;
  fleet: Fleet;
  syncedFile: string;
}): Promise<Site & { reportKey(): string; stop(): Promise<void> }> {
  const { dir, index, cluster, gitPort, mqttPort, fleet, syncedFile } = options;
  const id = `s-${index + 1}`;
  const toGit: Cable = await layCable(() => gitPort);
  const toHub: Cable = await layCable(() => mqttPort);
  const config = join(dir, `${id}.yaml`);
  const logFile = join(dir, `${id}.log`);
  writeFileSync(
    config,
    [
      "fleet: demo",
      `site: ${id}`,
      `dataDir: ${join(dir, id)}`,
      `root: { digest: ${fleet.rootDigest} }`,
      `sources: [{ git: "http://127.0.0.1:${toGit.port}/fleet.git" }]`,
      "poll: 1s",
      `kube: { server: "${cluster.server}", tokenFile: ${cluster.agentTokenFile}${cluster.caFile === null ? "" : `, caFile: ${cluster.caFile}`} }`,
      `hub: { url: "mqtt://127.0.0.1:${toHub.port}" }`,
      "reconnect: { within: 0s, atMost: 2s }",
      "keepalive: 5s",
      `clock: { syncedFile: ${syncedFile} }`,
      'page: { listen: "127.0.0.1:0" }',
      "",
    ].join("\n"),
  );
  let program: Program | null = null;
  let key = "";
  return {
    id,
    labels: { ring: index === 0 ? "lab" : "shop", region: index % 2 === 0 ? "north" : "south" },
    cluster,
    logFile,
    reportKey: () => key,
    cut: () => {
      toGit.cut();
      toHub.cut();
    },
    mend: () => {
      toGit.mend();
      toHub.mend();
    },
    start: async () => {
      program = startProgram(`agent ${id}`, join(DIST, "skerry-agent.js"), ["run", "--config", config], logFile);
      if (key === "")
        key = String((await program.line((entry) => typeof entry["reportKey"] === "string", 20_000))["reportKey"]);
    },
    kill: async () => program?.kill(),
    stop: async () => {
      await program?.stop();
      await Promise.all([toGit.stop(), toHub.stop()]);
    },
  };
}

/** A port that was free a moment ago: the hub must come back at the same one after it was killed. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

export function siteOf(view: FleetView, id: string): SiteView | undefined {
  return view.sites.find((site) => site.id === id);
}

/** The run that was started last. */
export function lastRun(view: FleetView): RunView | undefined {
  return view.runs.at(-1);
}

/** Asks again until it holds. Throws what was seen last where it never did. */
export async function until<T>(
  what: string,
  withinMs: number,
  look: () => Promise<T | null | undefined | false>,
): Promise<T> {
  const end = performance.now() + withinMs;
  let last: unknown = "nothing";
  for (;;) {
    try {
      const found = await look();
      if (found !== null && found !== undefined && found !== false) return found;
      last = "it did not hold";
    } catch (error) {
      last = error instanceof Error ? error.message : error;
    }
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs / 1000} s (${String(last)})`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
