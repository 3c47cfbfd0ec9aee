import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Link } from "../../agent/link/link.ts";
import { mqttLink } from "../../agent/link/mqtt.ts";
import type { FleetView } from "../../hub/api/contract.ts";
import type { HubConfig } from "../../hub/config.ts";
import { type RunningHub, runHub } from "../../hub/main.ts";
import { systemClock } from "../../shared/node/clock.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { formatEd25519 } from "../../shared/node/ssh-private-key.ts";
import { type SignedBytes, silent } from "../../shared/ports.ts";
import { parseTopic } from "../../shared/protocol.ts";
import { recordBranch } from "../../shared/source/source.ts";
import { commitFiles, createRepository, type Files } from "../lab/git/repository.ts";
import { type GitServer, startGitServer } from "../lab/git/server.ts";
import { keys, signedBundle, signedRoot, signedSite, trustedRoot } from "../support/fleet.ts";
import { FakeSite, FLEET } from "./loop/site.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const ROOT = signedRoot();
const SOON = { timeout: 30_000, interval: 50 };

let dir: string;
let git: GitServer;
let config: HubConfig;
let hub: RunningHub | null = null;
let link: Link | null = null;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "skerry-hub-main-"));
  const repository = createRepository(dir, "fleet.git");
  const { document, files } = signedBundle();
  const content = Object.fromEntries([...files].map(([path, bytes]) => [`files/${path}`, bytes]));
  commitFiles(repository, "trust", signedFiles("root/1.json", ROOT), "root 1");
  commitFiles(
    repository,
    recordBranch(sha256Hex(Buffer.from("s-1"))),
    signedFiles("sites/s-1.json", signedSite()),
    "s-1",
  );
  commitFiles(repository, "bundles/pos", { ...signedFiles("bundle.json", document), ...content }, "1.0.0");
  const rollout = "kind: Rollout/v1\nbundle: pos\nversion: 1.0.0\nsites: {}\nwaves: [{ name: all, soak: 1s }]\n";
  commitFiles(repository, "main", { "rollouts/pos.yaml": rollout }, "deploy");
  git = await startGitServer({ root: dir });
  mkdirSync(join(dir, "ui"));
  for (const file of ["app.js", "app.css"]) writeFileSync(join(dir, "ui", file), "");
  writeFileSync(join(dir, "assign"), formatEd25519(keys.assign));
  config = {
    fleet: FLEET,
    dataDir: join(dir, "hub"),
    root: { digest: sha256Hex(ROOT.body) },
    repository: { git: `${git.url}/fleet.git` },
    poll: "1s",
    assignKey: join(dir, "assign"),
    mqtt: { host: "127.0.0.1", port: 0 },
    http: { host: "127.0.0.1", port: 0 },
    lease: "15s",
    assignmentsExpire: "30d",
    log: "error",
  };
});

afterEach(async () => {
  await link?.close();
  await hub?.stop();
  await git.stop();
  rmSync(dir, { recursive: true, force: true });
});

function signedFiles(path: string, document: SignedBytes): Files {
  const signatures = [...document.signatures].map(([key, text]) => [`${path}.${key}.sig`, text] as const);
  return { [path]: document.body, ...Object.fromEntries(signatures) };
}

async function start(): Promise<RunningHub> {
  const world = {
    journal: silent,
    log: quiet,
    clock: systemClock,
    random: Math.random,
    gitChild: join(import.meta.dirname, "../../shared/source/git-child.ts"),
    assets: join(dir, "ui"),
  };
  const hub = await runHub(config, world, new AbortController().signal);
  if (hub === null) throw new Error("it was told to stop");
  return hub;
}

async function view(): Promise<FleetView> {
  const response = await fetch(`${hub?.url}/api/v1/fleet`);
  return (await response.json()) as FleetView;
}

function connect(url: string): FakeSite {
  const site = new FakeSite({
    id: "s-1",
    key: keys.report,
    root: trustedRoot(),
    clock: systemClock,
    send: async ({ topic, frame }) => link?.publish(parseTopic(topic).kind, frame),
  });
  link = mqttLink(
    {
      url,
      fleet: FLEET,
      site: "s-1",
      clock: systemClock,
      random: Math.random,
      will: site.frame("presence", { online: false, boot: site.boot }),
      keepaliveSeconds: 60,
      backoff: { firstSpreadMs: 0, baseMs: 50, maxMs: 200 },
    },
    {
      onConnect: () => void site.hello().catch(() => {}),
      onDisconnect: () => {},
      onMessage: (_kind, frame, topic) => site.hear(topic, frame),
    },
  );
  return site;
}

test("a hub on real sockets follows Git, moves a site over MQTT, shows it over HTTP, and goes on without Git", async () => {
  hub = await start();
  await vi.waitUntil(async () => (await view()).sites.length === 1, SOON);
  const site = connect(hub.mqttUrl);
  await vi.waitUntil(() => site.version("pos") === "1.0.0", SOON);
  await vi.waitUntil(async () => {
    await site.report().catch(() => {});
    return (await view()).runs.some((run) => run.phase === "completed");
  }, SOON);
  expect(site.acks.at(-1)?.report).toBeGreaterThan(0);

  await link?.close();
  await hub.stop();
  await git.stop();
  hub = await start();
  const { sites, runs } = await view();
  expect(sites.map(({ id }) => id)).toEqual(["s-1"]);
  expect(runs.map(({ id }) => id)).toEqual(["pos-1"]);
  const again = connect(hub.mqttUrl);
  await vi.waitUntil(() => again.version("pos") === "1.0.0", SOON);
  git = await startGitServer({ root: dir });
});

/** A Git server's API that takes what it is told. */
async function forgeServer(): Promise<{ url: string; told: string[]; stop(): void }> {
  const told: string[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const { state, description } = JSON.parse(text) as { state: string; description: string };
      told.push(`${request.url?.split("/").at(-1)} ${state} ${description}`);
      response.writeHead(201, { "content-length": 2 }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, told, stop: () => void server.close() };
}

test("a signed webhook brings a commit at once, its author is told what became of it, and a hub that was stopped tells the rest", async () => {
  const api = await forgeServer();
  writeFileSync(join(dir, "secret"), "a-long-random-word");
  const status = { kind: "github", api: api.url, project: "shops/fleet", tokenFile: join(dir, "secret") } as const;
  const http = { ...config.http, hookSecretFile: join(dir, "secret") };
  config = { ...config, poll: "1h", repository: { ...config.repository, status }, http };
  try {
    hub = await start();
    await vi.waitUntil(async () => (await view()).runs.length === 1, SOON);
    const repository = join(dir, "fleet.git");
    const broken = "kind: Rollout/v1\nbundle: pos\nversion: 1.0.0\nsites: {}\nwaves: [{ name: all, soack: 1s }]\n";
    commitFiles(repository, "main", { "rollouts/pos.yaml": broken }, "break it");
    const head = execFileSync("git", ["-C", repository, "rev-parse", "main"]).toString().trim();
    const sent = await fetch(`${hub.url}/hooks/git`, {
      method: "POST",
      headers: { "x-gitlab-token": "a-long-random-word" },
    });
    expect(sent.status).toBe(202);
    const words = `${head} error schema: unknown key "soack" (rollouts/pos.yaml:5 /waves/0/soack)`;
    await vi.waitUntil(() => api.told.some((each) => each.startsWith(words)), SOON);
    await hub.stop();
    hub = await start();
    const count = api.told.length;
    commitFiles(repository, "main", { "rollouts/pos.yaml": broken.replace("soack", "soak") }, "mend it");
    await fetch(`${hub.url}/hooks/git`, {
      method: "POST",
      headers: { "x-gitlab-token": "a-long-random-word" },
      body: "2",
    });
    await vi.waitUntil(() => api.told.length > count, SOON);
    // What was told before the restart was not told again.
    expect(api.told[count]).toMatch(/^[0-9a-f]{40} pending pos-\d: pos 1\.0\.0 moves through wave all, 1 of 1$/);
  } finally {
    api.stop();
  }
});

test("a hub that cannot start says why and leaves nothing open", async () => {
  hub = await start();
  const taken = Number(new URL(hub.url).port);
  config = { ...config, dataDir: join(dir, "second"), http: { host: "127.0.0.1", port: taken } };
  await expect(start()).rejects.toMatchObject({ code: "busy" });
  config = { ...config, assignKey: join(dir, "none") };
  await expect(start()).rejects.toMatchObject({ code: "config", where: join(dir, "none") });
});
