import { renameSync } from "node:fs";
import { join } from "node:path";
import { roomOf } from "../../agent/adopt/command.ts";
import { readAnswer, readRequest, writeRequest } from "../../agent/adopt/request.ts";
import { installed, isReported, untilSettled, V1, V2 } from "./agent.ts";
import { agentStory } from "./agent-story.ts";
import { clusterLosses } from "./left-behind.ts";
import { untilHolds } from "./scenario.ts";
import { notOnce, toldBy } from "./told.ts";

/** The source is out of reach, and somebody brings a stick: what is on it is taken up once, and whoever asked has an answer. */
export const stick = agentStory({
  name: "stick",
  before: (stage) => installed(stage, V1),
  now: async (stage, { told: from }) => {
    const { site, cluster, lives } = stage;
    const second = site.publish({ seq: 2, objects: V2 });
    const brought = join(site.dir, "stick");
    renameSync(join(site.dir, "mirror"), brought);
    const room = roomOf(site.dataDir);
    const id = writeRequest(room, brought);
    lives.begin();
    await untilHolds("an answer", lives, () => readAnswer(room, id) !== null);
    await untilHolds("v2 committed", lives, () => isReported(site, second, "committed"));
    await untilHolds("the request is gone", lives, () => readRequest(room) === null);
    await untilSettled(stage, 2, V2);
    const told = toldBy(site, from);
    const once = notOnce(told, [
      ["applying", second],
      ["committed", second],
    ]);
    const refused = readAnswer(room, id)?.failed === true ? ["the answer says that it failed"] : [];
    return [...(await clusterLosses(cluster, site, { pos: V2 })), ...told.lost, ...once, ...refused];
  },
});
