import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { connect } from "../../../agent/apply/connect.ts";
import type { JsonObject } from "../../../shared/live.ts";
import { ask } from "../../lab/demo/cluster.ts";
import { startLabCluster } from "../../lab/kube/cluster.ts";
import type { Cluster } from "./site.ts";

/** The lab's API server, as the drift tests see any cluster. `stop` it yourself, or it goes with the test that called. */
export async function labCluster(): Promise<Cluster & { stop(): Promise<void> }> {
  const lab = await startLabCluster({ podDelayMs: 5 });
  const folder = mkdtempSync(join(tmpdir(), "skerry-drift-"));
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, lab.token);
  const kube = await connect({ server: lab.server, tokenFile });
  const send = sendTo({ server: lab.server, adminToken: lab.token, caFile: null, agentTokenFile: "" });
  await kube.apply(
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
    { manager: "tester", force: true, dryRun: false },
  );
  const stop = async () => {
    kube.close();
    await lab.stop();
    rmSync(folder, { recursive: true });
  };
  return { kube, send, namespace: "shop", stop };
}

export async function labClusterOfTest(): Promise<Cluster> {
  const cluster = await labCluster();
  onTestFinished(() => cluster.stop());
  return cluster;
}

export function sendTo(cluster: Parameters<typeof ask>[0]): Cluster["send"] {
  return async (manager, method, path, body, type) => {
    const query = `${path.includes("?") ? "&" : "?"}fieldManager=${manager}`;
    const { status, body: answer } = await ask(cluster, method, method === "DELETE" ? path : path + query, body, type);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${String(answer["message"])}`);
    return answer as JsonObject;
  };
}
