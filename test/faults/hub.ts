import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import type { Run } from "../../hub/rollout/run.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { formatEd25519 } from "../../shared/node/ssh-private-key.ts";
import { recordBranch } from "../../shared/source/source.ts";
import { filesOf } from "../bench/solo-site.ts";
import { commitFiles, createRepository } from "../lab/git/repository.ts";
import { startGitServer } from "../lab/git/server.ts";
import { keys, line, signedBundle, signedRoot, signedSite } from "../support/fleet.ts";
import { HubSite, keyOf } from "./hub-site.ts";
import { Lives, type Played, type Scenario, untilHolds } from "./scenario.ts";

const SITES = ["s-1", "s-2", "s-3", "s-4"];

const ROLLOUT = `kind: Rollout/v1
bundle: pos
version: VERSION
sites: {}
waves:
  - { name: lab, sites: { ring: lab }, soak: 0s }
  - { name: rest, soak: 0s }
site: { deadline: 60s, offlineAfter: 30s, reportEvery: 1s }
`;

/** Two rollouts in two waves each to four sites, which remember all that was confirmed to them. */
export const hub: Scenario = {
  program: "hub",
  play: async (victims, point) => {
    const dir = mkdtempSync(join(tmpdir(), "skerry-hub-"));
    const served = join(dir, "served");
    mkdirSync(served);
    const bare = createRepository(served, "fleet.git");
    const git = await startGitServer({ root: served });
    const port = await freePort();
    const root = signedRoot({ hubs: [{ url: `mqtt://127.0.0.1:${port}`, ca: "" }] });
    commitFiles(bare, "trust", filesOf("root/1.json", root), "root");
    const branches = new Map<string, Record<string, string | Uint8Array>>();
    for (const id of SITES) {
      const labels = { ring: id === "s-1" ? "lab" : "shop" };
      const record = signedSite({ id, labels, reportKeys: [line(keyOf(id))] });
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
    const deploy = (version: string) =>
      commitFiles(bare, "main", { "rollouts/pos.yaml": ROLLOUT.replace("VERSION", version) }, `Deploy ${version}`);
    writeFileSync(join(dir, "assign"), formatEd25519(keys.assign), { mode: 0o600 });
    const config = join(dir, "hub.yaml");
    writeFileSync(
      config,
      [
        "fleet: shops",
        "dataDir: data",
        `root: { digest: ${sha256Hex(root.body)} }`,
        `repository: { git: "${git.url}/fleet.git" }`,
        "poll: 1s",
        "assignKey: assign",
        `mqtt: { port: ${port} }`,
        "http: { port: 0 }",
        "",
      ].join("\n"),
    );
    const lives = new Lives(dir, point, (orders) => victims.start("hub", [config], orders, join(dir, "hub.log")));
    const sites = SITES.map((id) => new HubSite(id, port, root));
    const phase = (id: string) => runsOf(dir).find((run) => run.id === id)?.phase.kind;
    try {
      publish(1);
      deploy("1.0.0");
      lives.begin();
      await untilHolds("1.0.0 completed", lives, () => phase("pos-1") === "completed", 40_000);
      publish(2);
      deploy("1.1.0");
      await untilHolds("1.1.0 completed", lives, () => phase("pos-2") === "completed", 40_000);
      for (const site of sites) site.rest();
      do {
        await untilHolds("all events confirmed", lives, () => sites.every((site) => site.unconfirmed === 0));
        await untilHolds("what is stored is at the sites", lives, () => sites.every((site) => holdsStored(dir, site)));
      } while (!(await lives.endOrAgain()));
      return {
        lost: [...sites.flatMap((site) => site.lost), ...storeLosses(dir, sites)],
        reached: lives.reached,
        tally: lives.tally,
      };
    } catch (error) {
      const state = runsOf(dir)
        .map((run) => `${run.id} ${JSON.stringify(run.phase)}`)
        .join(", ");
      const lost = [`${(error as Error).message} (${state})`, ...sites.flatMap((site) => site.lost)];
      return { lost, reached: lives.reached, tally: lives.tally } satisfies Played;
    } finally {
      await Promise.all(sites.map((site) => site.close()));
      await lives.end();
      await git.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

/** Everything that was confirmed to a site is stored once; what is assigned is what the sites hold. */
function storeLosses(dir: string, sites: readonly HubSite[]): string[] {
  const lost: string[] = [];
  const ids = runsOf(dir)
    .map((run) => run.id)
    .join();
  if (ids !== "pos-1,pos-2") lost.push(`the runs are ${ids}`);
  const stored = read<{ site: string; number: number; body: string }>(
    dir,
    "SELECT site, number, body FROM events WHERE site <> ''",
  );
  for (const site of sites) {
    const own = new Map(stored.filter((row) => row.site === site.id).map((row) => [row.number, row.body]));
    for (const event of site.confirmed.values()) {
      const body = own.get(event.number);
      if (body === undefined) lost.push(`${site.id} event ${event.number} was confirmed and is not stored`);
      else if ((JSON.parse(body) as typeof event).words !== event.words)
        lost.push(`${site.id} event ${event.number} is stored with other content`);
    }
    const [entry] = read<{ body: string }>(dir, `SELECT body FROM sites WHERE id = '${site.id}'`);
    const number =
      entry === undefined
        ? 0
        : ((JSON.parse(entry.body) as { report: { body: { number: number } } | null }).report?.body.number ?? 0);
    if (number < site.confirmedReport)
      lost.push(`${site.id} report ${site.confirmedReport} was confirmed, ${number} is stored`);
    if (!holdsStored(dir, site)) lost.push(`${site.id} holds another assignment than is stored`);
  }
  const [meta] = read<{ term: number }>(dir, "SELECT term FROM meta");
  if (meta?.term !== 1) lost.push(`it took itself for a restored hub: term ${meta?.term}`);
  return lost;
}

function holdsStored(dir: string, site: HubSite): boolean {
  const [assigned] = read<{ frame: Buffer }>(dir, `SELECT frame FROM assignments WHERE site = '${site.id}'`);
  return assigned !== undefined && site.holds(assigned.frame);
}

function runsOf(dir: string): Run[] {
  return read<{ body: string }>(dir, "SELECT body FROM runs ORDER BY started_at").map(
    ({ body }) => JSON.parse(body) as Run,
  );
}

/** Nothing before the hub made its tables. */
function read<Row>(dir: string, sql: string): Row[] {
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

/** One that was free a moment ago: the sites must find the hub again where it was. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
