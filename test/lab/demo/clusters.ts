import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startControlPlane } from "../../k8s/cluster.ts";
import type { SiteAccess } from "../../k8s/sites.ts";
import { startLabCluster } from "../kube/cluster.ts";
import type { Cluster } from "./cluster.ts";

export interface Clusters {
  list: Cluster[];
  stop(): Promise<void>;
}

/** One of the lab's API servers for each site, on a port of its own. */
export async function labClusters(count: number): Promise<Clusters> {
  const dir = mkdtempSync(join(tmpdir(), "skerry-lab-"));
  const list = await Promise.all(
    Array.from({ length: count }, async (_value, index): Promise<Cluster> => {
      const lab = await startLabCluster({});
      const agentTokenFile = join(dir, `${index}.token`);
      writeFileSync(agentTokenFile, lab.token, { mode: 0o600 });
      return { server: lab.server, agentTokenFile, adminToken: lab.token, caFile: null, stop: () => lab.stop() };
    }),
  );
  return {
    list,
    stop: async () => {
      await Promise.all(list.map((cluster) => cluster.stop()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Real control planes: several API servers on one etcd. */
export async function realClusters(count: number): Promise<Clusters> {
  const plane = await startControlPlane({ sites: count });
  const clusters = clustersOf(plane.sites);
  return {
    list: clusters.list,
    stop: async () => {
      await clusters.stop();
      await plane.stop();
    },
  };
}

/** Control planes that somebody else started, and will stop. */
export function clustersOf(sites: readonly SiteAccess[]): Clusters {
  const dir = mkdtempSync(join(tmpdir(), "skerry-real-"));
  const list = sites.map(({ server, agentToken, adminToken, caFile }, index): Cluster => {
    const agentTokenFile = join(dir, `${index}.token`);
    writeFileSync(agentTokenFile, agentToken, { mode: 0o600 });
    return { server, agentTokenFile, adminToken, caFile, stop: async () => {} };
  });
  return { list, stop: async () => rmSync(dir, { recursive: true, force: true }) };
}
