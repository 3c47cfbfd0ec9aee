import { connect } from "../../agent/apply/connect.ts";
import type { Hold } from "../../agent/cache/cache.ts";
import type { Bundle } from "../../shared/bundle.ts";
import type { KubeObject } from "../../shared/live.ts";
import { ask, type Cluster } from "../lab/demo/cluster.ts";
import { held } from "./agent.ts";
import { type AgentStage, agentStory } from "./agent-story.ts";
import { clusterLosses, outboxOf } from "./left-behind.ts";
import { untilHolds } from "./scenario.ts";
import { configMap, deployment, migration, namespace, pathOf } from "./till.ts";
import { toldBy } from "./told.ts";

const GOES = configMap("goes-over", "1");
const FIRST: Versions = {
  "pos-a": [namespace(), configMap("a", "1"), configMap("old", "1"), GOES],
  "pos-b": [configMap("b", "1")],
};
/** A migration before all else but the namespace, a workload, one object less, and one that is the other bundle's now. */
const KEPT: Versions & Record<"pos-a" | "pos-b", KubeObject[]> = {
  "pos-a": [namespace(), configMap("a", "2"), deployment("2")],
  "pos-b": [configMap("b", "2"), GOES],
};
const SECOND: Versions = { "pos-a": [...KEPT["pos-a"], migration()], "pos-b": KEPT["pos-b"] };
const PHASES: Partial<Bundle> = {
  phases: [
    { name: "migrate", objects: { kind: "Job" } },
    { name: "back", objects: { kind: "Deployment" }, noReturn: true },
  ],
};

/** Two bundles move at once: phases, one without return, a migration that runs once, a removal, and an object that changes hands. */
export const ordered = agentStory({
  name: "ordered",
  site: { bundles: ["pos*"] },
  before: async (stage) => {
    await moved(stage, FIRST, 1);
    await untilTold(stage, FIRST);
    return uidOf(stage.cluster);
  },
  now: async (stage, uid) => {
    const { cluster, site } = stage;
    const migrations = await watchMigrations(cluster);
    try {
      await moved(stage, SECOND, 2, PHASES);
      await untilTold(stage, KEPT);
      const lost = await clusterLosses(cluster, site, KEPT);
      if ((await uidOf(cluster)) !== uid) lost.push("the object that changed hands was made anew");
      if (migrations.uids.size !== 1) lost.push(`the migration ran ${migrations.uids.size} times`);
      lost.push(...recordLosses(held(site)), ...toldBy(site).lost);
      const ran = site.reports.at(-1)?.items.find(({ bundle }) => bundle === "pos-a")?.jobs;
      if (ran?.join() !== "shop/migrate of 1.1.0: complete") lost.push(`reported of Jobs: ${ran?.join()}`);
      return lost;
    } finally {
      migrations.stop();
    }
  },
});

type Versions = Readonly<Record<string, readonly KubeObject[]>>;

/** Published before the agent begins: what lies in the folder is not written while it is read. */
async function moved({ site, lives }: AgentStage, versions: Versions, seq: number, more: Partial<Bundle> = {}) {
  const made = Object.entries(versions).map(([bundle, objects]) => {
    const digest = site.publish({ bundle, seq, objects, ...(bundle === "pos-a" && { more }) });
    return { bundle, digest, seq };
  });
  lives.begin();
  await site.assignAll(made);
  await untilHolds(`version ${seq} committed`, lives, () =>
    made.every(({ bundle, digest }) => {
      const item = site.reports.at(-1)?.items.find((each) => each.bundle === bundle);
      return item?.state === "committed" && item.digest === digest.slice(0, 32);
    }),
  );
}

async function untilTold({ site, cluster, lives }: AgentStage, kept: Versions): Promise<void> {
  do {
    await untilHolds("all settled", lives, async () => (await clusterLosses(cluster, site, kept)).length === 0);
    await untilHolds("all events confirmed", lives, () => outboxOf(site) === 0);
  } while (!(await lives.endOrAgain()));
}

async function uidOf(cluster: Cluster): Promise<unknown> {
  return ((await ask(cluster, "GET", pathOf(GOES))).body["metadata"] as { uid?: string } | undefined)?.uid;
}

function recordLosses(holds: readonly Hold[]): string[] {
  const lost = holds.filter(({ state }) => state !== "committed").map(({ bundle, state }) => `${bundle} is ${state}`);
  const jobs = holds.flatMap(({ jobs = [] }) => jobs.map(({ object, result }) => `${object.name} ${result}`));
  if (jobs.join() !== "migrate complete") lost.push(`on record of Jobs: ${jobs.join()}`);
  if (holds.some(({ passed }) => passed !== undefined)) lost.push("a phase without return outlived its move");
  return lost;
}

/** Every Job that ever was. */
async function watchMigrations({ server, agentTokenFile }: Cluster): Promise<{ uids: Set<string>; stop(): void }> {
  const kube = await connect({ server, tokenFile: agentTokenFile });
  const ends = new AbortController();
  const uids = new Set<string>();
  void kube
    .watch(
      { apiVersion: "batch/v1", kind: "Job" },
      {
        signal: ends.signal,
        onEvent: (event) => {
          if ("object" in event) uids.add(String(event.object.metadata["uid"]));
        },
      },
    )
    .catch(() => {});
  return {
    uids,
    stop: () => {
      ends.abort();
      kube.close();
    },
  };
}
