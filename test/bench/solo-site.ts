import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bundle } from "../../shared/bundle.ts";
import type { EventBatch } from "../../shared/event.ts";
import type { KubeObject } from "../../shared/live.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { formatEd25519 } from "../../shared/node/ssh-private-key.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import type { Answer } from "../../shared/protocol.ts";
import { digestOf, imagesOf } from "../../shared/render/images.ts";
import type { Report } from "../../shared/report.ts";
import { recordBranch } from "../../shared/source/source.ts";
import type { Cluster } from "../lab/demo/cluster.ts";
import { type Program, startProgram } from "../lab/demo/program.ts";
import { commitFiles, createRepository, type Files } from "../lab/git/repository.ts";
import { startGitServer } from "../lab/git/server.ts";
import { commitToMirror } from "../lab/mirror/folder.ts";
import { soloHub } from "../lab/solo/hub.ts";
import { keys, signedBundle, signedRoot, signedSite } from "../support/fleet.ts";

const DIST = join(import.meta.dirname, "../../dist");

/** One real agent with a real Git server, a real broker and a minimal hub that takes everything and acknowledges it. */
export interface SoloSite {
  dir: string;
  dataDir: string;
  config: string;
  agentLog: string;
  hubUrl: string;
  /** Asks it what a rehearsed version would change; the answers so far. */
  askDiff(diff: string): Promise<void>;
  answers: Answer[];
  /** All that came, in its order. */
  reports: Report[];
  batches: EventBatch[];
  /** Each number once. */
  events: EventBatch["events"];
  publish(version: Published): string;
  assign(digest: string, seq: number, options?: { reportEvery?: string; back?: boolean }): Promise<void>;
  /** As one set: versions of several bundles. */
  assignAll(
    versions: readonly { bundle: string; digest: string; seq: number; mode?: "run" | "prepare" }[],
  ): Promise<void>;
  /** Anything else that its source holds from now on. */
  commit(branch: string, files: Files, subject: string): void;
  start(script?: string, args?: readonly string[]): Program;
  /** Cuts off hub and sources: what is left is the disk and the cluster. */
  goDark(): Promise<void>;
  /** The newest report of the one bundle. */
  item(): Report["items"][number] | undefined;
  stop(): Promise<void>;
}

interface Published {
  /** Its name; `pos` where nothing is said. */
  bundle?: string;
  seq: number;
  objects: readonly KubeObject[];
  deadline?: string;
  more?: Partial<Bundle>;
}

export interface SoloOptions {
  /** Patterns of the bundles that the site may run; those of the tests' record where nothing is said. */
  bundles?: string[];
  /** How often the agent asks its source. */
  poll?: string;
  /** Its source is a folder that holds a mirror, in place of a Git server: a process less, which starts with every agent. */
  fromFolder?: boolean;
}

export async function soloSite(
  cluster: Cluster,
  { poll = "1s", bundles, fromFolder = false }: SoloOptions = {},
): Promise<SoloSite> {
  const dir = mkdtempSync(join(tmpdir(), "skerry-solo-"));
  const source = fromFolder ? folderSource(join(dir, "mirror")) : await gitServerSource(join(dir, "served"));
  const hub = await soloHub();
  const root = signedRoot({
    hubs: [{ url: hub.url, ca: "" }],
    bundles: [{ pattern: "pos*", keys: ["pos"], threshold: 1, epoch: 1, namespaces: ["*"], kinds: ["*"] }],
  });
  source.commit("trust", filesOf("root/1.json", root), "root");
  source.commit(
    recordBranch(sha256Hex(Buffer.from("s-1"))),
    filesOf("sites/s-1.json", signedSite(bundles === undefined ? {} : { bundles })),
    "s-1",
  );

  const dataDir = join(dir, "data");
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, "report.key"), formatEd25519(keys.report, "s-1"), { mode: 0o600 });
  writeFileSync(join(dir, "synced"), "");
  const config = join(dir, "agent.yaml");
  const { caFile, agentTokenFile } = cluster;
  writeFileSync(
    config,
    [
      "fleet: shops",
      "site: s-1",
      `dataDir: ${dataDir}`,
      `root: { digest: ${sha256Hex(root.body)} }`,
      `sources: [${source.line}]`,
      `poll: ${poll}`,
      `kube: { server: "${cluster.server}", tokenFile: ${agentTokenFile}${caFile === null ? "" : `, caFile: ${caFile}`} }`,
      "reconnect: { within: 0s, atMost: 2s }",
      `clock: { syncedFile: ${join(dir, "synced")} }`,
      'page: { listen: "127.0.0.1:0" }',
      "",
    ].join("\n"),
  );
  const agentLog = join(dir, "agent.log");
  const running: Program[] = [];
  let number = 0;
  let asked = 0;
  let up = true;
  const goDark = async () => {
    if (!up) return;
    up = false;
    await Promise.all([source.stop(), hub.close()]);
  };
  return {
    dir,
    dataDir,
    config,
    agentLog,
    hubUrl: hub.url,
    askDiff: (diff) => {
      asked += 1;
      return hub.send("down/ask", { id: `ask-${asked}`, deadline: "2099-01-01T00:00:00Z", what: "diff", diff });
    },
    answers: hub.answers,
    reports: hub.reports,
    batches: hub.batches,
    events: hub.events,
    publish: ({ bundle = "pos", seq, objects, deadline = "60s", more = {} }) => {
      const images = objects.flatMap(imagesOf).map(({ image }) => ({ ref: image, digest: digestOf(image) ?? "" }));
      const made = signedBundle({ name: bundle, seq, images, health: { holdFor: "0", deadline }, ...more }, objects);
      const files = Object.fromEntries([...made.files].map(([path, bytes]) => [`files/${path}`, bytes]));
      source.commit(`bundles/${bundle}`, { ...filesOf("bundle.json", made.document), ...files }, `1.${seq - 1}.0`);
      return made.digest;
    },
    assign: async (digest, seq, { reportEvery = "1s", back = false } = {}) => {
      number += 1;
      const item = {
        bundle: "pos",
        version: `1.${seq - 1}.0`,
        digest,
        pair: [1, seq],
        record: 1,
        mode: "run",
        run: "bench",
        wave: "all",
        values: {},
        reportEvery,
        ...(back ? { back } : {}),
      };
      const expires = "2099-01-01T00:00:00Z";
      const set = { fleet: "shops", site: "s-1", term: 1, number, root: 1, expires, items: [item] };
      await hub.send("down/assign", set, { retain: true });
    },
    assignAll: async (versions) => {
      number += 1;
      const items = versions.map(({ bundle, digest, seq, mode = "run" }) => {
        const version = `1.${seq - 1}.0`;
        const rest = { record: 1, mode, run: "bench", wave: "all", values: {}, reportEvery: "1s" };
        return { bundle, version, digest, pair: [1, seq], ...rest };
      });
      const set = { fleet: "shops", site: "s-1", term: 1, number, root: 1, expires: "2099-01-01T00:00:00Z", items };
      await hub.send("down/assign", set, { retain: true });
    },
    commit: (branch, files, subject) => source.commit(branch, files, subject),
    start: (script = join(DIST, "skerry-agent.js"), args = ["run", "--config", config]) => {
      const program = startProgram("the agent", script, args, agentLog);
      running.push(program);
      return program;
    },
    goDark,
    item: () => hub.reports.at(-1)?.items[0],
    stop: async () => {
      await Promise.all(running.map((program) => program.stop()));
      await goDark();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

interface FilledSource {
  /** As it is named in a configuration. */
  line: string;
  commit(branch: string, files: Files, subject: string): void;
  stop(): Promise<void>;
}

async function gitServerSource(served: string): Promise<FilledSource> {
  mkdirSync(served);
  const bare = createRepository(served, "fleet.git");
  const git = await startGitServer({ root: served });
  commitFiles(bare, "main", { "README.md": "fleet\n" }, "fleet");
  return {
    line: `{ git: "${git.url}/fleet.git" }`,
    commit: (branch, files, subject) => commitFiles(bare, branch, files, subject),
    stop: () => git.stop(),
  };
}

function folderSource(folder: string): FilledSource {
  return {
    line: `{ directory: "${folder}" }`,
    commit: (branch, files, subject) => commitToMirror(folder, branch, files, subject),
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A document and its signatures, as they lie in a branch. */
export function filesOf(path: string, { body, signatures }: SignedBytes): Record<string, string | Uint8Array> {
  return {
    [path]: body,
    ...Object.fromEntries([...signatures].map(([name, armored]) => [`${path}.${name}.sig`, armored])),
  };
}

/** Resident memory in MB of a process, and its highest so far. */
export function memoryOf(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) / 1000;
  return { now: read("VmRSS"), peak: read("VmHWM") };
}
