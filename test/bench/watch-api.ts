import { readFileSync } from "node:fs";
import { request as plain } from "node:http";
import { request as tls } from "node:https";
import { createInterface } from "node:readline";
import type { KubeObject } from "../../shared/live.ts";
import type { Cluster } from "../lab/demo/cluster.ts";

export interface Seen {
  type: "ADDED" | "MODIFIED" | "DELETED";
  object: KubeObject;
  /** `performance.now()` when its line was whole. */
  at: number;
}

/** Watches collections as an administrator, apart from the agent. Resolves when all of them answered. */
export async function watchApi(
  cluster: Cluster,
  collections: readonly string[],
  onSeen: (seen: Seen) => void,
): Promise<{ stop(): void }> {
  const stops = await Promise.all(collections.map((path) => watchOne(cluster, path, onSeen)));
  return { stop: () => stops.forEach((stop) => stop()) };
}

function watchOne(cluster: Cluster, path: string, onSeen: (seen: Seen) => void): Promise<() => void> {
  const url = new URL(`${path}?watch=1&timeoutSeconds=3600`, cluster.server);
  const send = url.protocol === "https:" ? tls : plain;
  const ca = cluster.caFile === null ? {} : { ca: readFileSync(cluster.caFile) };
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${cluster.adminToken}` };
    const call = send(url, { headers, ...ca, agent: false }, (response) => {
      const lines = createInterface({ input: response });
      // A watch that broke shows nothing any more, and who waits for it says so.
      lines.on("error", () => {});
      lines.on("line", (line) => {
        const at = performance.now();
        onSeen({ ...(JSON.parse(line) as Omit<Seen, "at">), at });
      });
      resolve(() => call.destroy());
    });
    call.on("error", reject);
    call.end();
  });
}
