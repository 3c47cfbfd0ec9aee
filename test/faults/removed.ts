import { ask } from "../lab/demo/cluster.ts";
import { installed, isReported, untilSettled } from "./agent.ts";
import { agentStory } from "./agent-story.ts";
import { clusterLosses } from "./left-behind.ts";
import { untilHolds } from "./scenario.ts";
import { configMap, deployment, namespace } from "./till.ts";
import { notOnce, toldBy } from "./told.ts";

const OBJECTS = [configMap("a", "1"), configMap("b", "1"), deployment("1")];

/** A version that takes its bundle away: nothing of it stays, and each object that went is told. */
export const removed = agentStory({
  name: "removed",
  before: async (stage) => {
    await ask(stage.cluster, "POST", "/api/v1/namespaces", namespace(), "application/json");
    return installed(stage, OBJECTS);
  },
  now: async (stage, { told: from }) => {
    const { site, cluster, lives } = stage;
    const last = site.publish({ seq: 2, objects: [], more: { remove: true, prune: { share: "100%" } } });
    lives.begin();
    await site.assign(last, 2);
    await untilHolds("taken away", lives, () => isReported(site, last, "committed"));
    await untilSettled(stage, 2, []);
    const told = toldBy(site, from);
    const once = notOnce(told, [
      ["applying", last],
      ["committed", last],
    ]);
    for (const object of OBJECTS)
      if (told.times("pruned", { object }) === 0) once.push(`the end of ${object.metadata.name} was never told`);
    return [...(await clusterLosses(cluster, site, { pos: [] })), ...told.lost, ...once];
  },
});
