import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import type { Cluster } from "../lab/demo/cluster.ts";
import { clustersFor } from "../lab/demo/clusters.ts";
import { until } from "../lab/demo/stage.ts";
import { Undo } from "../lab/demo/undo.ts";
import { type BenchResult, type Figure, figureOf, machine, percentile } from "./figures.ts";
import { buildFloor, type Floor } from "./floor.ts";
import { manyObjects } from "./forty.ts";
import { memoryOf, soloSite } from "./solo-site.ts";

/**
 * Resident memory of the bundled agent: at rest with one bundle of 500 objects, connected to a hub, nothing to do; and at most while it
 * installs one of 2,000 files. The source is polled once, at the start; its Git runs in a child process, which ends after a minute without
 * a question and is not counted.
 */
export async function agentMemory(args: string[]): Promise<BenchResult> {
  const options = {
    seconds: { type: "string", default: "60" },
    k8s: { type: "string", default: "real" },
  } as const;
  const { values } = parseArgs({ args, options });
  const before = machine();
  const floor = await buildFloor();
  try {
    const steady = await atRest(values.k8s, Number(values.seconds), floor);
    const peak = await installing(values.k8s);
    return { name: "agent-memory", machine: before, runs: Number(values.seconds), figures: [...steady, peak] };
  } finally {
    floor.remove();
  }
}

async function atRest(where: string, seconds: number, floor: Floor): Promise<Figure[]> {
  return withAgent(where, 500, async (pid) => {
    const bare = await restOf(["-e", "setInterval(() => {}, 1 << 30)"]);
    const libraries = await restOf([...floor.libraries, "stay"]);
    const samples: number[] = [];
    for (let second = 0; second < seconds; second += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      samples.push(memoryOf(pid).now);
    }
    const peer = { name: "bare Node", value: percentile(bare, 0.5) };
    return [
      figureOf("resident at rest, 500 objects", "MB", samples.slice(Math.floor(samples.length / 2)), {
        peer,
        limit: { name: "Node with mqtt and better-sqlite3", value: percentile(libraries, 0.5) },
        goal: { of: "median", atMost: 80 },
      }),
      figureOf("highest of that since its start, the install included", "MB", [memoryOf(pid).peak], { peer }),
    ];
  });
}

async function installing(where: string): Promise<Figure> {
  return withAgent(where, 2000, async (pid) => {
    return figureOf("highest while 2,000 files are installed", "MB", [memoryOf(pid).peak], {
      goal: { of: "max", atMost: 120 },
    });
  });
}

/** A new cluster and agent that has just installed so many objects. */
async function withAgent<T>(where: string, objects: number, measure: (pid: number) => Promise<T>): Promise<T> {
  const undo = new Undo();
  try {
    const [cluster] = (await clustersFor(where, undo)) as [Cluster];
    const site = await soloSite(cluster, { poll: "1h" });
    try {
      const digest = site.publish({ seq: 1, objects: manyObjects(objects), deadline: "300s" });
      await site.assign(digest, 1, { reportEvery: "60s" });
      const agent = site.start();
      await until("the install", 300_000, async () => site.item()?.state === "committed");
      return await measure(agent.pid);
    } finally {
      await site.stop();
    }
  } finally {
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
