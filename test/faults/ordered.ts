import { connect } from "../../agent/apply/connect.ts";
import type { Hold } from "../../agent/cache/cache.ts";
import type { Bundle } from "../../shared/bundle.ts";
import { soloSite } from "../bench/solo-site.ts";
import { ask, type Cluster } from "../lab/demo/cluster.ts";
import { labClusters } from "../lab/demo/clusters.ts";
import { Undo } from "../lab/demo/undo.ts";
import { clusterLosses, outboxOf, read } from "./left-behind.ts";
import { Lives, type Played, type Scenario, untilHolds } from "./scenario.ts";
import { configMap, deployment, migration, namespace, pathOf } from "./till.ts";

const GOES = configMap("goes-over", "1");
const FIRST = {
  "pos-a": [namespace(), configMap("a", "1"), configMap("old", "1"), GOES],
  "pos-b": [configMap("b", "1")],
};
/** A migration before all else but the namespace, a workload, one object less, and one that is the other bundle's now. */
const KEPT = { "pos-a": [namespace(), configMap("a", "2"), deployment("2")], "pos-b": [configMap("b", "2"), GOES] };
const SECOND = { "pos-a": [...KEPT["pos-a"], migration()], "pos-b": KEPT["pos-b"] };
const PHASES: Partial<Bundle> = {
  phases: [
    { name: "migrate", objects: { kind: "Job" } },
    { name: "back", objects: { kind: "Deployment" }, noReturn: true },
  ],
};

/** Two bundles move at once: phases, one without return, a migration that runs once, a removal, and an object that changes hands. */
export const ordered: Scenario = {
  program: "agent",
  story: "ordered",
  play: async (victims, point) => {
    const undo = new Undo();
    const [cluster] = (await labClusters(1, undo)) as [Cluster];
    const site = await soloSite(cluster, { bundles: ["pos*"] });
    const lives = new Lives(site.dir, point, (orders) => victims.start("agent", [site.config], orders, site.agentLog));
    const migrations = await watchMigrations(cluster);
    const assign = async (versions: typeof FIRST | typeof SECOND, seq: number, more: Partial<Bundle> = {}) => {
      const made = Object.entries(versions).map(([bundle, objects]) => {
        const digest = site.publish({ bundle, seq, objects, ...(bundle === "pos-a" && { more }) });
        return { bundle, digest, seq };
      });
      await site.assignAll(made);
      await untilHolds(`version ${seq} committed`, lives, () =>
        made.every(({ bundle, digest }) => {
          const item = site.reports.at(-1)?.items.find((each) => each.bundle === bundle);
          return item?.state === "committed" && item.digest === digest.slice(0, 32);
        }),
      );
    };
    const uid = async () => (await ask(cluster, "GET", pathOf(GOES))).body["metadata"] as { uid?: string } | undefined;
    try {
      lives.begin();
      await assign(FIRST, 1);
      const before = (await uid())?.uid;
      await assign(SECOND, 2, PHASES);
      do {
        await untilHolds("all settled", lives, async () => (await clusterLosses(cluster, site, KEPT)).length === 0);
        await untilHolds("all events confirmed", lives, () => outboxOf(site) === 0);
      } while (!(await lives.endOrAgain()));
      const lost = await clusterLosses(cluster, site, KEPT);
      if ((await uid())?.uid !== before) lost.push("the object that changed hands was made anew");
      if (migrations.uids.size !== 1) lost.push(`the migration ran ${migrations.uids.size} times`);
      lost.push(
        ...recordLosses(read<{ body: string }>(site, "SELECT body FROM holds").map(({ body }) => JSON.parse(body))),
      );
      const ran = site.reports.at(-1)?.items.find(({ bundle }) => bundle === "pos-a")?.jobs;
      if (ran?.join() !== "shop/migrate of 1.1.0: complete") lost.push(`reported of Jobs: ${ran?.join()}`);
      return { lost, reached: lives.reached, tally: lives.tally };
    } catch (error) {
      return { lost: [(error as Error).message], reached: lives.reached, tally: lives.tally } satisfies Played;
    } finally {
      migrations.stop();
      await lives.end();
      await site.stop();
      await undo.all();
    }
  },
};

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
