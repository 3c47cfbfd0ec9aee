import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { ask } from "../lab/demo/cluster.ts";
import { installed, untilSettled, V1 } from "./agent.ts";
import { agentStory } from "./agent-story.ts";
import { clusterLosses } from "./left-behind.ts";
import { untilHolds } from "./scenario.ts";
import { configMap, pathOf } from "./till.ts";
import { toldBy } from "./told.ts";

/** What runs is not on the disk any more as it was signed: it is dropped, told once, fetched anew, and heals what was deleted meanwhile. */
export const rotten = agentStory({
  name: "rotten",
  before: async (stage) => {
    const installation = await installed(stage, V1);
    await stage.lives.end();
    const database = new Sqlite(join(stage.site.dataDir, "agent.db"));
    database.exec("UPDATE blobs SET bytes = zeroblob(length(bytes))");
    database.close();
    await ask(stage.cluster, "DELETE", pathOf(configMap("a", "1")));
    return installation;
  },
  now: async (stage, { first, told: from }) => {
    const { site, cluster, lives } = stage;
    lives.begin();
    await untilHolds("healed", lives, async () => (await clusterLosses(cluster, site, { pos: V1 })).length === 0);
    await untilSettled(stage, 1, V1);
    const told = toldBy(site, from);
    const times = told.times("refused", { digest: first });
    return [...told.lost, ...(times === 1 ? [] : [`that it is rotten was told ${times} times`])];
  },
});
