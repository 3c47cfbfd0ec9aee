import { rmSync } from "node:fs";
import { formatEd25519 } from "../../shared/node/ssh-private-key.ts";
import { keys } from "../support/fleet.ts";
import { isReported } from "./agent.ts";
import { agentStory } from "./agent-story.ts";
import { keptOf } from "./kept.ts";
import { outboxOf, read } from "./left-behind.ts";
import { untilHolds } from "./scenario.ts";
import { configMap, namespace } from "./till.ts";

const KEY = formatEd25519(keys.report, "s-1");

/** A site loses its disk: what it had committed, and its key, come back from its cluster before anything may run again. */
export const wiped = agentStory({
  name: "wiped",
  before: async ({ site, cluster, lives }) => {
    const digests = [1, 2, 3].map((seq) => site.publish({ seq, objects: [namespace(), configMap("a", String(seq))] }));
    lives.begin();
    for (const [index, digest] of digests.entries()) {
      await site.assign(digest, index + 1);
      await untilHolds(`v${index + 1} committed`, lives, () => isReported(site, digest, "committed"));
    }
    await untilHolds("kept in the cluster", lives, async () => (await keptOf(cluster))?.seq === 3);
    await lives.end();
    rmSync(site.dataDir, { recursive: true });
    const [first = "", , third = ""] = digests;
    return { first, third, told: site.events.length };
  },
  now: async ({ site, cluster, lives }, { first, third, told }) => {
    await site.assign(first, 1);
    lives.begin();
    const since = () => site.events.slice(told);
    const refused = () => since().filter(({ kind, code }) => kind === "refused" && code === "rollback");
    await untilHolds("the rollback refused", lives, () => refused().length > 0);
    await site.assign(third, 3);
    await untilHolds("v3 committed again", lives, () => isReported(site, third, "committed"));
    do {
      await untilHolds("all events confirmed", lives, () => outboxOf(site) === 0);
    } while (!(await lives.endOrAgain()));
    const lost: string[] = [];
    if (refused().length !== 1) lost.push(`the refusal was told ${refused().length} times`);
    if (since().some(({ kind, digest }) => kind === "applying" && digest !== third.slice(0, 32)))
      lost.push("it moved to something else than v3");
    const marks = JSON.stringify(read(site, "SELECT seq, floor_seq FROM marks"));
    if (marks !== '[{"seq":3,"floor_seq":2}]') lost.push(`its marks are ${marks}`);
    const kept = await keptOf(cluster);
    if (kept?.seq !== 3 || kept.reportKey !== KEY) lost.push(`the cluster keeps ${JSON.stringify(kept)}`);
    return lost;
  },
});
