import { askFilesOf, takeBack, writeAsk } from "../../agent/hold/ask-file.ts";
import type { SoloSite } from "../bench/solo-site.ts";
import { ask } from "../lab/demo/cluster.ts";
import { installed, isReported, untilSettled, V1, V2 } from "./agent.ts";
import { agentStory } from "./agent-story.ts";
import { clusterLosses } from "./left-behind.ts";
import { untilHolds } from "./scenario.ts";
import { notOnce, toldBy } from "./told.ts";

const LEASES = "/apis/coordination.k8s.io/v1/namespaces/skerry-system/leases";
const LEASE = {
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name: "skerry-hold", namespace: "skerry-system" },
  spec: { holderIdentity: "stocktaking" },
};

/** Somebody holds the site, something in the cluster does as well: nothing new starts before both have let go, and each is told once. */
export const heldBack = agentStory({
  name: "held",
  before: (stage) => installed(stage, V1),
  now: async (stage, { told: from }) => {
    const { site, cluster, lives } = stage;
    const files = askFilesOf({ dataDir: site.dataDir });
    const second = site.publish({ seq: 2, objects: V2 });
    writeAsk(files, { by: "command", reason: "busy", forMs: null });
    lives.begin();
    await untilHolds("held", lives, () => site.reports.at(-1)?.held !== undefined);
    await ask(cluster, "POST", LEASES, LEASE, "application/json");
    await site.assign(second, 2);
    await untilHolds("v2 taken", lives, () => site.reports.at(-1)?.assignment?.[1] === 2);
    await untilHolds("both are seen", lives, () => says(site, "busy") && says(site, "stocktaking"));
    takeBack(files);
    await untilHolds("one is left", lives, () => !says(site, "busy") && says(site, "stocktaking"));
    const lost = site.events.some(({ kind, number }) => kind === "applying" && number > from) ? ["it moved, held"] : [];
    await ask(cluster, "DELETE", `${LEASES}/skerry-hold`);
    await untilHolds("v2 committed", lives, () => isReported(site, second, "committed"));
    await untilSettled(stage, 2, V2);
    const told = toldBy(site, from);
    for (const kind of ["held", "released"] as const)
      if (told.times(kind) !== 1) lost.push(`${kind} was told ${told.times(kind)} times`);
    const once = notOnce(told, [
      ["applying", second],
      ["committed", second],
    ]);
    return [...lost, ...(await clusterLosses(cluster, site, { pos: V2 })), ...told.lost, ...once];
  },
});

function says(site: SoloSite, words: string): boolean {
  return site.reports.at(-1)?.held?.includes(words) === true;
}
