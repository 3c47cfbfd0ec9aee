import { installed, isReported, untilSettled, V1, V2 } from "./agent.ts";
import { agentStory } from "./agent-story.ts";
import { clusterLosses, read } from "./left-behind.ts";
import { untilHolds } from "./scenario.ts";
import { notOnce, toldBy } from "./told.ts";

/** The next version is rehearsed while the present one runs, and then run: the rehearsal changes nothing, and is told once. */
export const prepared = agentStory({
  name: "prepared",
  before: (stage) => installed(stage, V1),
  now: async (stage, { first, told: from }) => {
    const { site, cluster, lives } = stage;
    const second = site.publish({ seq: 2, objects: V2 });
    lives.begin();
    await site.assignAll([
      { bundle: "pos", digest: first, seq: 1 },
      { bundle: "pos", digest: second, seq: 2, mode: "prepare" },
    ]);
    await untilHolds("v2 is ready", lives, () => {
      const found = site.reports.at(-1)?.prepared?.[0];
      return found?.digest === second.slice(0, 32) && found.code === undefined && found.diff !== undefined;
    });
    const diff = site.reports.at(-1)?.prepared?.[0]?.diff ?? "";
    // As a hub does: whoever does not answer is asked again.
    await untilHolds("an answer", lives, async () => {
      if (site.answers.some((answer) => answer.diff !== undefined)) return true;
      await site.askDiff(diff);
      await new Promise((resolve) => setTimeout(resolve, 500));
      return false;
    });
    const lost = (await clusterLosses(cluster, site, { pos: V1 })).map((words) => `by the rehearsal: ${words}`);
    await site.assignAll([{ bundle: "pos", digest: second, seq: 2 }]);
    await untilHolds("v2 committed", lives, () => isReported(site, second, "committed"));
    await untilHolds("the rehearsal is forgotten", lives, () => read(site, "SELECT bundle FROM prepared").length === 0);
    await untilSettled(stage, 2, V2);
    const told = toldBy(site, from);
    const once = notOnce(told, [
      ["prepared", second],
      ["applying", second],
      ["committed", second],
    ]);
    return [...lost, ...(await clusterLosses(cluster, site, { pos: V2 })), ...told.lost, ...once];
  },
});
