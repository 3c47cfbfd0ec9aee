import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import type { Cluster } from "../lab/demo/cluster.ts";
import { labClusters } from "../lab/demo/clusters.ts";
import { until } from "../lab/demo/stage.ts";
import { Undo } from "../lab/demo/undo.ts";
import { type BenchResult, figureOf, machine, percentile } from "./figures.ts";
import { buildFloor } from "./floor.ts";
import { fortyObjects } from "./forty.ts";
import { memoryOf, soloSite } from "./solo-site.ts";

/**
 * Resident memory of the agent at rest: one bundle of 40 objects, connected to a hub, nothing to do. The source is polled
 * once, at the start; its Git runs in a child process, which ends after a minute without a question and is not counted.
 */
export async function agentMemory(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({ args, options: { seconds: { type: "string", default: "60" } } });
  const seconds = Number(values.seconds);
  const before = machine();
  const undo = new Undo();
  const [cluster] = (await labClusters(1, undo)) as [Cluster];
  const site = await soloSite(cluster, { poll: "1h" });
  const floor = await buildFloor();
  try {
    const digest = site.publish({ seq: 1, objects: fortyObjects() });
    await site.assign(digest, 1, { reportEvery: "60s" });
    const agent = site.start();
    await until("the install", 60_000, async () => site.item()?.state === "committed");
    const bare = await restOf(["-e", "setInterval(() => {}, 1 << 30)"]);
    const libraries = await restOf([...floor.libraries, "stay"]);
    const samples: number[] = [];
    for (let second = 0; second < seconds; second += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      samples.push(memoryOf(agent.pid).now);
    }
    const steady = samples.slice(Math.floor(samples.length / 2));
    const peer = { name: "bare Node", value: percentile(bare, 0.5) };
    return {
      name: "agent-memory",
      machine: before,
      runs: samples.length,
      figures: [
        figureOf("resident, one bundle of 40 objects, at rest", "MB", steady, {
          peer,
          limit: { name: "Node with mqtt and better-sqlite3", value: percentile(libraries, 0.5) },
          goal: { of: "median", atMost: 90 },
        }),
        figureOf("highest since its start, the install included", "MB", [memoryOf(agent.pid).peak], { peer }),
      ],
    };
  } finally {
    floor.remove();
    await site.stop();
    await undo.all();
  }
}

/** Resident memory of a process that does nothing, after two seconds, three times. */
async function restOf(args: readonly string[]): Promise<number[]> {
  const samples: number[] = [];
  for (let run = 0; run < 3; run += 1) {
    const child = spawn(process.execPath, args, { stdio: "ignore" });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    samples.push(memoryOf(child.pid ?? 0).now);
    child.kill("SIGKILL");
  }
  return samples;
}
