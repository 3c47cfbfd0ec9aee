import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { AGENT_USER } from "../k8s/sites.ts";
import { ask, type Cluster } from "../lab/demo/cluster.ts";
import { realClusters } from "../lab/demo/clusters.ts";
import { until } from "../lab/demo/stage.ts";
import { Undo } from "../lab/demo/undo.ts";
import { type BenchResult, figureOf, machine } from "./figures.ts";
import { manyObjects } from "./forty.ts";
import { soloSite } from "./solo-site.ts";

const FLOW = "skerry-bench";

/**
 * An agent at rest with 500 objects on Kubernetes 1.36, connected to its hub, its source polled as always: what it asks of its API server,
 * counted there by a FlowSchema of its own, syncs of its disk, and its processor time.
 */
export async function noop(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({ args, options: { minutes: { type: "string", default: "10" } } });
  const minutes = Number(values.minutes);
  const before = machine();
  const undo = new Undo();
  try {
    const [cluster] = (await realClusters(1, undo)) as [Cluster];
    await countAgent(cluster);
    const site = await soloSite(cluster, { poll: "1m" });
    undo.add(() => site.stop());
    await site.assign(site.publish({ seq: 1, objects: manyObjects(500), deadline: "300s" }), 1, { reportEvery: "6h" });
    const agent = site.start();
    await until("the install", 300_000, async () => site.item()?.state === "committed");
    // What follows an install: acknowledgements, the copy of the marks in the cluster, the Git child's end.
    await new Promise((resolve) => setTimeout(resolve, 90_000));
    const syncs = traceSyncs(agent.pid);
    const requests = await requestsOf(cluster);
    const cpu = cpuOf(agent.pid);
    const started = performance.now();
    await new Promise((resolve) => setTimeout(resolve, minutes * 60_000));
    const seconds = (performance.now() - started) / 1000;
    const asked = (await requestsOf(cluster)) - requests;
    const share = ((cpuOf(agent.pid) - cpu) / seconds) * 100;
    const synced = await syncs.stop();
    const figures = [
      figureOf("requests, open watches not counted", "requests", [asked], { goal: { of: "max", atMost: 0 } }),
      figureOf("processor time, of one core", "%", [share], { goal: { of: "max", atMost: 0.2 } }),
      // Not counted where nothing can count them: that fails too.
      figureOf("fsyncs", "a minute", [synced === null ? Number.NaN : synced / (seconds / 60)], {
        goal: { of: "max", atMost: 1 },
      }),
    ];
    return { name: "noop", machine: before, runs: 1, figures };
  } finally {
    await undo.all();
  }
}

/** All that the agent asks goes through a flow of its own, which the server counts. */
async function countAgent(cluster: Cluster): Promise<void> {
  const schema = {
    apiVersion: "flowcontrol.apiserver.k8s.io/v1",
    kind: "FlowSchema",
    metadata: { name: FLOW },
    spec: {
      priorityLevelConfiguration: { name: "workload-low" },
      matchingPrecedence: 100,
      rules: [
        {
          subjects: [{ kind: "User", user: { name: AGENT_USER } }],
          resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] }],
          nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
        },
      ],
    },
  };
  const path = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas";
  const { status } = await ask(cluster, "POST", path, schema, "application/json");
  if (status !== 201) throw new Error(`the FlowSchema was answered with ${status}`);
}

/** Requests of the agent that the server took so far; a watch counts once, when it is opened. */
async function requestsOf(cluster: Cluster): Promise<number> {
  const { request } = await import("node:https");
  const text = await new Promise<string>((resolve, reject) => {
    const ca = cluster.caFile === null ? [] : [readFileSync(cluster.caFile)];
    const headers = { authorization: `Bearer ${cluster.adminToken}` };
    const call = request(new URL("/metrics", cluster.server), { ca, headers }, async (response) => {
      resolve((await response.toArray()).join(""));
    });
    call.on("error", reject);
    call.end();
  });
  const lines = text.split("\n").filter((line) => {
    return line.startsWith("apiserver_flowcontrol_dispatched_requests_total{") && line.includes(`"${FLOW}"`);
  });
  if (lines.length === 0) throw new Error("the server counts nothing of the agent");
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** Seconds of processor time of a process, its children not counted. */
function cpuOf(pid: number): number {
  const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const [user, system] = fields.split(" ").slice(11, 13).map(Number);
  return ((user ?? 0) + (system ?? 0)) / 100;
}

/** Counts syncs by `strace`, which makes the processor time a little more than it is; null where there is none. */
function traceSyncs(pid: number): { stop(): Promise<number | null> } {
  const child = spawn("strace", ["-f", "-e", "trace=fsync,fdatasync,sync_file_range,msync", "-p", String(pid)]);
  let seen = "";
  let missing = false;
  child.on("error", () => {
    missing = true;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    seen += chunk.toString();
  });
  return {
    stop: async () => {
      if (missing) return null;
      child.kill("SIGINT");
      await new Promise((resolve) => child.once("exit", resolve));
      return [...seen.matchAll(/\b(?:fsync|fdatasync|msync)\(/g)].length;
    },
  };
}
