import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { readConfig } from "../../agent/config.ts";
import { runAgent } from "../../agent/main.ts";
import type { Assignment } from "../../shared/assignment.ts";
import type { SiteEvent } from "../../shared/event.ts";
import { rfc3339 } from "../../shared/names.ts";
import { formatAgeIdentity } from "../../shared/node/age-key.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { PrivateKey } from "../../shared/node/ssh-key.ts";
import { formatEd25519 } from "../../shared/node/ssh-private-key.ts";
import { type SignedBytes, silent } from "../../shared/ports.ts";
import type { ReportItem } from "../../shared/report.ts";
import { recordBranch } from "../../shared/source/source.ts";
import { ask } from "../lab/demo/cluster.ts";
import { commitFiles, createRepository } from "../lab/git/repository.ts";
import { type GitServer, startGitServer } from "../lab/git/server.ts";
import { type LabCluster, startLabCluster } from "../lab/kube/cluster.ts";
import { type SoloHub, soloHub } from "../lab/solo/hub.ts";
import { JumpingClock } from "../support/clock.ts";
import { configMap, keys, type SignedBundle, signedBundle, signedRoot, signedSite } from "../support/fleet.ts";
import { box } from "../support/secrets.ts";

/**
 * A whole agent as its program runs it (`runAgent`): its sources over real HTTP, its hub over a real broker, its cluster the
 * lab's API. Who attacks holds the Git server, the broker, or keys; a test mounts the attack and looks at the cluster and at what the site says.
 */
export interface AttackedSite {
  hub: SoloHub;
  git: GitServer;
  cluster: LabCluster;
  dataDir: string;
  /** The agent's configuration file. */
  config: string;
  /** All that it logged, at every level, each line as JSON. */
  logged: string[];
  /** The agent's. `ahead`: added to its wall clock alone, ms. */
  clock: JumpingClock & { ahead: number };
  owner: Owner;
  /** The pinned root. */
  root: SignedBytes;
  /** As a hub assigns: the item is merged over one that runs `bundle` for record 1. */
  assign(
    bundle: SignedBundle,
    changes?: SetChanges & Partial<Assignment>,
    others?: readonly SignedBundle[],
  ): Promise<void>;
  /** The greeting that a config map of the cluster has, `till` if none is named; null where there is none. */
  greeting(name?: string): Promise<string | null>;
  events(kind: SiteEvent["kind"]): SiteEvent[];
  /** Codes of what was refused so far, each once, in order. */
  refused(): (string | undefined)[];
  item(bundle?: string): ReportItem | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Stops the agent and forgets its disk. */
  wipeDisk(): Promise<void>;
}

export interface SetChanges {
  term?: number;
  number?: number;
  key?: PrivateKey;
  expires?: string;
  boot?: string;
}

/** Who publishes to the fleet's Git server: the owners, or whoever took it over. */
export interface Owner {
  root(number: number, document: SignedBytes): void;
  record(document: SignedBytes): void;
  /** `files` in place of those that were signed. */
  publish(
    bundle: SignedBundle,
    options?: { name?: string; files?: ReadonlyMap<string, Uint8Array>; anew?: boolean },
  ): void;
  files(branch: string, files: Readonly<Record<string, string | Uint8Array>>, anew?: boolean): void;
}

/** The version with this sequence number: one config map that greets with it. */
export function v(
  seq: number,
  changes: Parameters<typeof signedBundle>[0] = {},
  signers?: Record<string, PrivateKey>,
): SignedBundle {
  return signedBundle({ seq, ...changes }, [configMap("till", { greeting: `v${seq}` })], signers);
}

/** Publishes by `commit`, to Git as `commitFiles` does, or to a folder as `commitToMirror` does. */
export function ownerOf(
  commit: (
    branch: string,
    files: Readonly<Record<string, string | Uint8Array>>,
    subject: string,
    anew?: boolean,
  ) => void,
): Owner {
  const roots = new Map<number, SignedBytes>();
  return {
    root: (number, document) => {
      roots.set(number, document);
      const files = Object.assign({}, ...[...roots].map(([each, signed]) => filesOf(`root/${each}.json`, signed)));
      commit("trust", files, `root ${number}`);
    },
    record: (document) =>
      commit(recordBranch(sha256Hex(Buffer.from("s-1"))), filesOf("sites/s-1.json", document), "s-1"),
    publish: (bundle, { name = "pos", files = bundle.files, anew = false } = {}) => {
      const content = Object.fromEntries([...files].map(([path, bytes]) => [`files/${path}`, bytes]));
      const { version } = JSON.parse(Buffer.from(bundle.document.body).toString());
      commit(`bundles/${name}`, { ...filesOf("bundle.json", bundle.document), ...content }, version, anew);
    },
    files: (branch, files, anew = false) => commit(branch, files, branch, anew),
  };
}

/** It has committed the first version. */
export async function siteOnFirst(): Promise<AttackedSite> {
  const site = await attackedSite();
  site.owner.publish(v(1));
  await site.assign(v(1));
  await until(
    () => site.item()?.state,
    (state) => state === "committed",
    "v1 is not committed",
  );
  return site;
}

export async function attackedSite(
  options: {
    root?: Parameters<typeof signedRoot>[0];
    synced?: boolean;
    sources?: (git: string) => string[];
    poll?: string;
    /** What stands before its API server: its address, for that of the server. */
    before?: (server: string) => Promise<string>;
    /** More lines of its configuration. */
    more?: readonly string[];
  } = {},
): Promise<AttackedSite> {
  const dir = mkdtempSync(join(tmpdir(), "skerry-attack-"));
  const served = join(dir, "served");
  mkdirSync(served);
  const bare = createRepository(served, "fleet.git");
  const [git, hub, cluster] = await Promise.all([startGitServer({ root: served }), soloHub(), startLabCluster()]);
  const first = signedRoot({ hubs: [{ url: hub.url, ca: "" }], ...options.root });
  const owner = ownerOf((branch, files, subject, anew) => commitFiles(bare, branch, files, subject, anew));
  owner.files("main", { "README.md": "a fleet\n" });
  owner.root(1, first);
  owner.record(signedSite());

  const api = (await options.before?.(cluster.server)) ?? cluster.server;
  const dataDir = join(dir, "data");
  const config = join(dir, "agent.yaml");
  const token = join(dir, "token");
  writeFileSync(token, cluster.token);
  if (options.synced !== false) writeFileSync(join(dir, "synced"), "");
  writeFileSync(
    config,
    [
      "fleet: shops",
      "site: s-1",
      "dataDir: data",
      `root: { digest: ${sha256Hex(first.body)} }`,
      `sources: [${(options.sources ?? ((url) => [`{ git: "${url}/fleet.git" }`]))(git.url).join(", ")}]`,
      `poll: ${options.poll ?? "1s"}`,
      `kube: { server: "${api}", tokenFile: token }`,
      "reconnect: { within: 0s, atMost: 1s }",
      "clock: { syncedFile: synced }",
      'page: { listen: "127.0.0.1:0" }',
      ...(options.more ?? []),
      "",
    ].join("\n"),
  );
  const withKey = () => {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(join(dataDir, "report.key"), formatEd25519(keys.report, "s-1"), { mode: 0o600 });
    writeFileSync(join(dataDir, "box.key"), formatAgeIdentity(box), { mode: 0o600 });
  };
  withKey();
  const clock = Object.assign(new JumpingClock(), { ahead: 0 });
  const logged: string[] = [];
  const note = (...line: unknown[]) => {
    logged.push(JSON.stringify(line));
  };
  let agent: { stop(): Promise<void> } | null = null;
  let number = 0;
  const site: AttackedSite = {
    hub,
    git,
    cluster,
    dataDir,
    config,
    logged,
    clock,
    owner,
    root: first,
    assign: async (
      bundle,
      { term = 1, number: given, key, expires = "2099-01-01T00:00:00Z", boot, ...changes } = {},
      others = [],
    ) => {
      number = given ?? number + 1;
      const items = [bundle, ...others].map((each): Assignment => {
        const manifest = JSON.parse(Buffer.from(each.document.body).toString());
        return {
          bundle: manifest.name,
          version: manifest.version,
          digest: each.digest,
          pair: [manifest.epoch, manifest.seq],
          record: 1,
          mode: "run",
          run: `run-${number}`,
          wave: "all",
          values: {},
          reportEvery: "1s",
          ...changes,
        };
      });
      const set = { fleet: "shops", site: "s-1", term, number, root: 1, expires, items };
      await hub.send("down/assign", boot === undefined ? set : { ...set, boot }, {
        retain: true,
        ...(key === undefined ? {} : { key }),
      });
    },
    greeting: async (name = "till") => {
      const at = { ...cluster, agentTokenFile: token, adminToken: cluster.token, caFile: null };
      const { status, body } = await ask(at, "GET", `/api/v1/namespaces/shop/configmaps/${name}`);
      const data = body["data"] as Record<string, string> | undefined;
      return status === 200 ? (data?.["greeting"] ?? "") : null;
    },
    events: (kind) => hub.events.filter((event) => event.kind === kind),
    refused: () => [...new Set(site.events("refused").map(({ code }) => code))],
    item: (bundle = "pos") => hub.reports.at(-1)?.items.find((item) => item.bundle === bundle),
    start: async () => {
      agent = await runAgent(readConfig(config), {
        journal: silent,
        log: { debug: note, info: note, warn: note, error: note },
        clock: {
          now: () => clock.now() + clock.ahead,
          monotonic: () => clock.monotonic(),
          after: (ms, run) => clock.after(ms, run),
        },
        random: Math.random,
        gitChild: join(import.meta.dirname, "../../shared/source/git-child.ts"),
      });
    },
    stop: async () => {
      await agent?.stop();
      agent = null;
    },
    wipeDisk: async () => {
      await site.stop();
      rmSync(dataDir, { recursive: true });
    },
  };
  await createNamespace(cluster);
  onTestFinished(async () => {
    await site.stop();
    await Promise.all([git.stop(), hub.close(), cluster.stop()]);
    rmSync(dir, { recursive: true, force: true });
  });
  await site.start();
  return site;
}

async function createNamespace(cluster: LabCluster): Promise<void> {
  const at = { ...cluster, agentTokenFile: "", adminToken: cluster.token, caFile: null };
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
  await ask(at, "POST", "/api/v1/namespaces", namespace, "application/json");
}

function filesOf(path: string, { body, signatures }: SignedBytes): Record<string, string | Uint8Array> {
  return {
    [path]: body,
    ...Object.fromEntries([...signatures].map(([name, armored]) => [`${path}.${name}.sig`, armored])),
  };
}

/** Waits until `look` gives something, or fails with what it saw last. */
export async function until<T>(
  look: () => T | Promise<T>,
  holds: (seen: T) => boolean,
  what: string,
  withinMs = 30_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > end) throw new Error(`${what}; last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** So much of the site's own time passes, ms, and in each quarter of a second of it there is time to do what is due. */
export async function passes(site: AttackedSite, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    site.clock.jump(250);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Waits where the site has nothing to do but to wait: ten seconds of its own pass in each. */
export async function soon<T>(site: AttackedSite, waiting: Promise<T>): Promise<T> {
  const hurry = setInterval(() => site.clock.jump(225), 25);
  try {
    return await waiting;
  } finally {
    clearInterval(hurry);
  }
}

/** RFC 3339 so many ms from now. */
export function at(ms: number): string {
  return rfc3339(Date.now() + ms);
}
