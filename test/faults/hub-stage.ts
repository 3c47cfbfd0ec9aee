import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import type { Run } from "../../hub/rollout/run.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { formatEd25519 } from "../../shared/node/ssh-private-key.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { recordBranch } from "../../shared/source/source.ts";
import { filesOf } from "../bench/solo-site.ts";
import { commitFiles, createRepository } from "../lab/git/repository.ts";
import { startGitServer } from "../lab/git/server.ts";
import { keys, line, signedBundle, signedRoot, signedSite } from "../support/fleet.ts";
import { keyOf } from "./hub-site.ts";

export const SITES = ["s-1", "s-2", "s-3"];

const ROLLOUT = `kind: Rollout/v1
bundle: pos
version: VERSION
sites: {}
waves:
  - { name: lab, sites: { ring: lab }, soak: 0s }
  - { name: rest, soak: 0s }
site: { deadline: 60s, offlineAfter: 30s, reportEvery: 1s }
`;

/** A fleet repository that is served, and hubs that follow it. */
export interface HubStage {
  root: SignedBytes;
  /** Configuration files, one for each port, all of them on one store. */
  configs: readonly string[];
  /** Returns the digest. */
  publish(seq: number): string;
  deploy(version: string): void;
  stop(): Promise<void>;
}

/** `more`: lines of the configurations; `status`: what they say of the Git server that takes commit statuses. */
export async function stageHubs(
  dir: string,
  ports: readonly number[],
  { more = [], status }: { more?: readonly string[]; status?: string } = {},
): Promise<HubStage> {
  const served = join(dir, "served");
  mkdirSync(served);
  const bare = createRepository(served, "fleet.git");
  const git = await startGitServer({ root: served });
  const root = signedRoot({ hubs: ports.map((port) => ({ url: `mqtt://127.0.0.1:${port}`, ca: "" })) });
  commitFiles(bare, "trust", filesOf("root/1.json", root), "root");
  const branches = new Map<string, Record<string, string | Uint8Array>>();
  for (const id of SITES) {
    const labels = { ring: id === "s-1" ? "lab" : "shop" };
    // The last one has a newer record than it knows of.
    const number = id === SITES.at(-1) ? 2 : 1;
    const record = signedSite({ id, number, labels, reportKeys: [line(keyOf(id))] });
    const branch = recordBranch(sha256Hex(Buffer.from(id)));
    branches.set(branch, { ...branches.get(branch), ...filesOf(`sites/${id}.json`, record) });
  }
  for (const [branch, files] of branches) commitFiles(bare, branch, files, "records");
  const publish = (seq: number) => {
    const made = signedBundle({ seq });
    const files = Object.fromEntries([...made.files].map(([path, bytes]) => [`files/${path}`, bytes]));
    commitFiles(bare, "bundles/pos", { ...filesOf("bundle.json", made.document), ...files }, `1.${seq - 1}.0`);
    return made.digest;
  };
  const deploy = (version: string) => {
    commitFiles(bare, "main", { "rollouts/pos.yaml": ROLLOUT.replace("VERSION", version) }, `Deploy ${version}`);
  };
  writeFileSync(join(dir, "assign"), formatEd25519(keys.assign), { mode: 0o600 });
  const configs = ports.map((port, index) => {
    const config = join(dir, `hub-${index}.yaml`);
    const lines = [
      "fleet: shops",
      "dataDir: data",
      `root: { digest: ${sha256Hex(root.body)} }`,
      `repository: { git: "${git.url}/fleet.git"${status === undefined ? "" : `, status: ${status}`} }`,
      "poll: 1s",
      "assignKey: assign",
      `mqtt: { port: ${port} }`,
      "http: { port: 0 }",
      ...more,
      "",
    ];
    writeFileSync(config, lines.join("\n"));
    return config;
  });
  return { root, configs, publish, deploy, stop: () => git.stop() };
}

export function runsOf(dir: string): Run[] {
  return read<{ body: string }>(dir, "SELECT body FROM runs ORDER BY started_at").map(
    ({ body }) => JSON.parse(body) as Run,
  );
}

/** Nothing before the hub made its tables. */
export function read<Row>(dir: string, sql: string): Row[] {
  let database: Sqlite.Database | undefined;
  try {
    database = new Sqlite(join(dir, "data/hub.db"), { readonly: true, timeout: 2000 });
    return database.prepare<[], Row>(sql).all();
  } catch (error) {
    if (error instanceof Error && /no such table|unable to open|directory does not exist/.test(error.message))
      return [];
    throw error;
  } finally {
    database?.close();
  }
}

/** Below those that systems give to whoever asks for any: while a hub is killed, nobody else's sites may find another hub at its port. */
let nextPort = 20_000 + (process.pid % 100) * 100;

/** One that is free, and is given once: the sites must find the hub again where it was. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = nextPort;
    nextPort += 1;
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise<void>((resolve) => server.close(() => resolve()));
    if (isFree) return port;
  }
}
