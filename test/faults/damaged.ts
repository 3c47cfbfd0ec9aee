import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installed, isReported, untilSettled, V1 } from "./agent.ts";
import { agentStory } from "./agent-story.ts";
import { clusterLosses } from "./left-behind.ts";
import { untilHolds } from "./scenario.ts";
import { toldBy } from "./told.ts";

/** The database is damaged: it is kept aside, a new one is filled from cluster and source, and that is told once. */
export const damaged = agentStory({
  name: "damaged",
  before: async (stage) => {
    const installation = await installed(stage, V1);
    await stage.lives.end();
    writeFileSync(join(stage.site.dataDir, "agent.db"), "this was a database once".repeat(400));
    return installation;
  },
  now: async (stage, { first }) => {
    const { site, cluster, lives } = stage;
    const before = site.reports.length;
    lives.begin();
    await untilHolds(
      "v1 committed again",
      lives,
      () => site.reports.length > before && isReported(site, first, "committed"),
    );
    await untilSettled(stage, 1, V1);
    const told = toldBy(site, 0, "lost");
    const times = told.times("started", { code: "storage" });
    const lost = times === 1 ? [] : [`that it was damaged was told ${times} times`];
    const aside = readdirSync(site.dataDir).filter((name) => /\.damaged-\d$/.test(name));
    if (aside.join() !== "agent.db.damaged-1") lost.push(`set aside are ${aside.join()}`);
    return [...(await clusterLosses(cluster, site, { pos: V1 })), ...told.lost, ...lost];
  },
});
