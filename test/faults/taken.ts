import type { KubeObject } from "../../shared/live.ts";
import { ask, type Cluster } from "../lab/demo/cluster.ts";
import { installed, isReported, untilSettled } from "./agent.ts";
import { agentStory } from "./agent-story.ts";
import { clusterLosses } from "./left-behind.ts";
import { untilHolds } from "./scenario.ts";
import { configMap, deployment, namespace, pathOf, service, servicePath } from "./till.ts";
import { notOnce, toldBy } from "./told.ts";

const V1 = [namespace(), deployment("1"), service("ClientIP")];
const TAKEN = configMap("taken", "1");
/** The workload cannot become this one without being made anew, the config map is somebody's, the service has a field in the way. */
const V2 = [namespace(), deployment("2", "other"), service("None"), TAKEN];

/** A version that has to take over what is another's, to take a field out of the way, and to make an object anew. */
export const taken = agentStory({
  name: "taken",
  before: async (stage) => {
    const { cluster } = stage;
    const installation = await installed(stage, V1);
    await stage.lives.end();
    const theirs = { ...TAKEN, data: { gone: "x" } };
    const path = pathOf(TAKEN);
    await ask(cluster, "POST", `${path.slice(0, path.lastIndexOf("/"))}?fieldManager=helm`, theirs, "application/json");
    const moved = [{ op: "replace", path: "/spec/ports/0/port", value: 81 }];
    await ask(cluster, "PATCH", `${servicePath()}?fieldManager=operator`, moved, "application/json-patch+json");
    return installation;
  },
  now: async (stage, { told: from }) => {
    const { site, cluster, lives } = stage;
    const second = site.publish({ seq: 2, objects: V2, more: { recreate: [{ kind: "Deployment" }] } });
    await site.assign(second, 2);
    lives.begin();
    await untilHolds("v2 committed", lives, () => isReported(site, second, "committed"));
    await untilSettled(stage, 2, V2);
    const told = toldBy(site, from);
    const once = notOnce(told, [
      ["applying", second],
      ["committed", second],
    ]);
    return [...(await clusterLosses(cluster, site, { pos: V2 })), ...(await foreign(cluster)), ...told.lost, ...once];
  },
});

/** What should have gone with its owner. */
async function foreign(cluster: Cluster): Promise<string[]> {
  const { body } = await ask(cluster, "GET", pathOf(TAKEN));
  const { data } = body as unknown as KubeObject & { data?: Record<string, string> };
  return data !== undefined && "gone" in data ? ["what was another's stays in it"] : [];
}
