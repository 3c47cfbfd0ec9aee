import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HubSite } from "./hub-site.ts";
import { freePort, read, runsOf, SITES, stageHubs } from "./hub-stage.ts";
import { Lives, type Played, type Scenario, untilHolds } from "./scenario.ts";

/** Two rollouts in two waves each to four sites, which remember all that was confirmed to them. */
export const hub: Scenario = {
  program: "hub",
  play: async (victims, point) => {
    const dir = mkdtempSync(join(tmpdir(), "skerry-hub-"));
    const port = await freePort();
    const { root, configs, publish, deploy, stop } = await stageHubs(dir, [port]);
    const lives = new Lives(dir, point, (orders) => victims.start("hub", [...configs], orders, join(dir, "hub.log")));
    const sites = SITES.map((id) => new HubSite(id, [port], root));
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
      await stop();
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
