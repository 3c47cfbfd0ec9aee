import { rmSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { formatEd25519 } from "../../shared/node/ssh-private-key.ts";
import { type SoloSite, soloSite } from "../bench/solo-site.ts";
import type { Cluster } from "../lab/demo/cluster.ts";
import { labClusters } from "../lab/demo/clusters.ts";
import { Undo } from "../lab/demo/undo.ts";
import { keys } from "../support/fleet.ts";
import { keptOf } from "./kept.ts";
import { Lives, type Played, type Scenario, untilHolds } from "./scenario.ts";
import { configMap, namespace } from "./till.ts";

const KEY = formatEd25519(keys.report, "s-1");

/** A site loses its disk: what it had committed, and its key, come back from its cluster before anything may run again. */
export const wiped: Scenario = {
  program: "agent",
  story: "wiped",
  play: async (victims, point) => {
    const undo = new Undo();
    const [cluster] = (await labClusters(1, undo)) as [Cluster];
    const site = await soloSite(cluster);
    const start: ConstructorParameters<typeof Lives>[2] = (orders) =>
      victims.start("agent", [site.config], orders, site.agentLog);
    const before = new Lives(site.dir, null, start);
    const lives = new Lives(site.dir, point, start);
    const committed = (digest: string) => () => {
      const item = site.item();
      return item?.state === "committed" && item.digest === digest.slice(0, 32);
    };
    try {
      const digests = [1, 2, 3].map((seq) =>
        site.publish({ seq, objects: [namespace(), configMap("a", String(seq))] }),
      );
      const [first = "", , third = ""] = digests;
      before.begin();
      for (const [index, digest] of digests.entries()) {
        await site.assign(digest, index + 1);
        await untilHolds(`v${index + 1} committed`, before, committed(digest));
      }
      await untilHolds("kept in the cluster", before, async () => (await keptOf(cluster))?.seq === 3);
      await before.end();
      rmSync(site.dataDir, { recursive: true });
      const told = site.events.length;
      await site.assign(first, 1);
      lives.begin();
      const since = () => site.events.slice(told);
      const refused = () => since().filter(({ kind, code }) => kind === "refused" && code === "rollback");
      await untilHolds("the rollback refused", lives, () => refused().length > 0);
      await site.assign(third, 3);
      await untilHolds("v3 committed again", lives, committed(third));
      do {
        await untilHolds("all events confirmed", lives, () => read(site, "SELECT id FROM outbox").length === 0);
      } while (!(await lives.endOrAgain()));
      const lost: string[] = [];
      if (refused().length !== 1) lost.push(`the refusal was told ${refused().length} times`);
      if (since().some(({ kind, digest }) => kind === "applying" && digest !== third.slice(0, 32)))
        lost.push("it moved to something else than v3");
      const marks = JSON.stringify(read(site, "SELECT seq, floor_seq FROM marks"));
      if (marks !== '[{"seq":3,"floor_seq":2}]') lost.push(`its marks are ${marks}`);
      const kept = await keptOf(cluster);
      if (kept?.seq !== 3 || kept.reportKey !== KEY) lost.push(`the cluster keeps ${JSON.stringify(kept)}`);
      return { lost, reached: lives.reached, tally: lives.tally };
    } catch (error) {
      return { lost: [`${(error as Error).message}`], reached: lives.reached, tally: lives.tally } satisfies Played;
    } finally {
      await before.end();
      await lives.end();
      await site.stop();
      await undo.all();
    }
  },
};

function read<Row>(site: SoloSite, sql: string): Row[] {
  const database = new Sqlite(join(site.dataDir, "agent.db"), { readonly: true, timeout: 2000 });
  try {
    return database.prepare<[], Row>(sql).all();
  } finally {
    database.close();
  }
}
