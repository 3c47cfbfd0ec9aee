import { parseArgs } from "node:util";
import { ask, type Cluster } from "../lab/demo/cluster.ts";
import { labClusters } from "../lab/demo/clusters.ts";
import { until } from "../lab/demo/stage.ts";
import { Undo } from "../lab/demo/undo.ts";
import { type BenchResult, figureOf, machine, percentile } from "./figures.ts";
import { buildFloor, timeOf } from "./floor.ts";
import { COLLECTIONS, fortyObjects, pathOf } from "./forty.ts";
import { soloSite } from "./solo-site.ts";
import { type Seen, watchApi } from "./watch-api.ts";

/**
 * From the start of the process to its first verified reconcile, with neither hub nor sources in reach. It is seen from
 * outside: one object was edited while the agent was down, and the time ends when a watch shows it healed. So the whole of
 * the 40 objects' bundle was read from disk, verified and compared with the cluster.
 */
export async function startup(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({ args, options: { runs: { type: "string", default: "10" } } });
  const runs = Number(values.runs);
  const before = machine();
  const undo = new Undo();
  const [cluster] = (await labClusters(1, undo)) as [Cluster];
  const site = await soloSite(cluster);
  const floor = await buildFloor();
  try {
    const objects = fortyObjects();
    const digest = site.publish({ seq: 1, objects });
    await site.assign(digest, 1);
    const first = site.start();
    await until("the first install", 60_000, async () => site.item()?.state === "committed");
    await first.stop();
    await site.goDark();
    const edited = objects.find((object) => object.kind === "ConfigMap");
    if (edited === undefined) throw new Error("no config map");
    const ours: number[] = [];
    const bare: number[] = [];
    const libraries: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      bare.push(await timeOf(floor.bare));
      libraries.push(await timeOf(floor.libraries));
      await ask(cluster, "PATCH", pathOf(edited), { data: { greeting: `edited ${run}` } });
      const healed = Promise.withResolvers<Seen>();
      const watch = await watchApi(cluster, COLLECTIONS.slice(0, 1), (seen) => {
        const { metadata, data } = seen.object;
        if (metadata.name !== edited.metadata.name) return;
        if (JSON.stringify(data) === JSON.stringify(edited["data"])) healed.resolve(seen);
      });
      const started = performance.now();
      const agent = site.start();
      const failed = setTimeout(() => healed.reject(new Error(`not healed; see ${site.agentLog}`)), 30_000);
      ours.push((await healed.promise).at - started);
      clearTimeout(failed);
      watch.stop();
      await agent.stop();
    }
    const limit = { name: "bare node -e 0", value: percentile(bare, 0.5) };
    return {
      name: "startup",
      machine: before,
      runs,
      figures: [
        figureOf("start to first verified reconcile, 40 objects, no network", "ms", ours, {
          limit,
          goal: { of: "median", atMost: 1000 },
        }),
        figureOf("node with mqtt and better-sqlite3 loaded, to its end", "ms", libraries, { limit }),
      ],
    };
  } finally {
    floor.remove();
    await site.stop();
    await undo.all();
  }
}
