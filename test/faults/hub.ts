import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Diff } from "../../shared/diff.ts";
import { HubSite } from "./hub-site.ts";
import { freePort, read, runsOf, SITES, stageHubs } from "./hub-stage.ts";
import { Lives, type Played, type Scenario, untilHolds } from "./scenario.ts";

const DIFF: Diff = { objects: [{ object: "v1 ConfigMap shop/a", action: "create" }], unchanged: 1 };

/**
 * Two rollouts in two waves each to four sites, which remember all that was confirmed to them; one of them learns of a newer record, all show
 * what would change, and the Git server is told how it ended.
 */
export const hub: Scenario = {
  program: "hub",
  story: "rollouts",
  play: async (victims, kills) => {
    const dir = mkdtempSync(join(tmpdir(), "skerry-hub-"));
    const port = await freePort();
    const forge = await startForge();
    writeFileSync(join(dir, "token"), "t0ken", { mode: 0o600 });
    const { root, configs, publish, deploy, stop } = await stageHubs(dir, [port], {
      more: ["lease: 3s"],
      status: `{ kind: gitea, api: "${forge.url}", project: shops/fleet, tokenFile: token }`,
    });
    const lives = new Lives(
      dir,
      kills,
      (orders) => victims.start("hub", [...configs], orders, join(dir, "hub.log")),
      () => victims.resume("hub", configs[0] ?? "", join(dir, "hub.log")),
    );
    const sites = SITES.map((id) => new HubSite(id, [port], root));
    const phase = (id: string) => runsOf(dir).find((run) => run.id === id)?.phase.kind;
    const rollOut = (seq: number) => {
      const digest = publish(seq);
      for (const site of sites) site.prepare(digest, DIFF);
      deploy(`1.${seq - 1}.0`);
    };
    try {
      rollOut(1);
      lives.begin();
      await untilHolds("1.0.0 completed", lives, () => phase("pos-1") === "completed", 40_000);
      await untilHolds("the Git server is told of the first", lives, () => forge.well() === 1);
      rollOut(2);
      await untilHolds("1.1.0 completed", lives, () => phase("pos-2") === "completed", 40_000);
      for (const site of sites) site.rest();
      do {
        await untilHolds("all events confirmed", lives, () => sites.every((site) => site.unconfirmed === 0));
        await untilHolds("what is stored is at the sites", lives, () => sites.every((site) => holdsStored(dir, site)));
        await untilHolds("the Git server is told of both", lives, () => forge.well() === 2 && isToldStored(dir));
      } while (!(await lives.endOrAgain()));
      const lost = [...sites.flatMap((site) => site.lost), ...storeLosses(dir, sites)];
      if (sites.at(-1)?.relayed === 0) lost.push("the newer record was not relayed");
      return { lost, killed: lives.killed, tally: lives.tally };
    } catch (error) {
      const state = runsOf(dir)
        .map((run) => `${run.id} ${JSON.stringify(run.phase)}`)
        .join(", ");
      const lost = [`${(error as Error).message} (${state})`, ...sites.flatMap((site) => site.lost)];
      return { lost, killed: lives.killed, tally: lives.tally } satisfies Played;
    } finally {
      await Promise.all(sites.map((site) => site.close()));
      await lives.end();
      await Promise.all([stop(), forge.stop()]);
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

/** What was told last is kept as told. */
function isToldStored(dir: string): boolean {
  return read<{ body: string }>(dir, "SELECT body FROM statuses").some(({ body }) => body.includes('"success"'));
}

/** A Git server that takes commit statuses. `well`: of how many commits it was last told that all went well. */
async function startForge(): Promise<{ url: string; well(): number; stop(): Promise<void> }> {
  const states = new Map<string, string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { state } = JSON.parse(Buffer.concat(chunks).toString()) as { state: string };
      states.set(request.url ?? "", state);
      response.writeHead(201, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    well: () => [...states.values()].filter((state) => state === "success").length,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
