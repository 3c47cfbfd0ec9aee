import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startControlPlane } from "../../k8s/cluster.ts";
import type { SiteAccess } from "../../k8s/sites.ts";
import { startLabCluster } from "../kube/cluster.ts";
import type { Cluster } from "./cluster.ts";
import type { Undo } from "./undo.ts";

/** One of the lab's API servers for each site, on a port of its own. */
export async function labClusters(count: number, undo: Undo): Promise<Cluster[]> {
  const dir = tokenFolder(undo);
  const starting = Array.from({ length: count }, async (_value, index): Promise<Cluster> => {
    const lab = await startLabCluster({});
    undo.add(() => lab.stop());
    return {
      server: lab.server,
      agentTokenFile: tokenFile(dir, index, lab.token),
      adminToken: lab.token,
      caFile: null,
    };
  });
  return Promise.all(starting);
}

/** Real control planes: several API servers on one etcd. */
export async function realClusters(count: number, undo: Undo): Promise<Cluster[]> {
  const plane = await startControlPlane({ sites: count });
  undo.add(() => plane.stop());
  return clustersOf(plane.sites, undo);
}

/** One cluster, as a bench's `--k8s lab|real` says. */
export async function clustersFor(where: string, undo: Undo): Promise<Cluster[]> {
  if (where !== "lab" && where !== "real") throw new Error(`--k8s ${where}: lab or real`);
  return where === "lab" ? labClusters(1, undo) : realClusters(1, undo);
}

/** Control planes that somebody else started, and will stop. */
export function clustersOf(sites: readonly SiteAccess[], undo: Undo): Cluster[] {
  const dir = tokenFolder(undo);
  return sites.map(({ server, agentToken, adminToken, caFile }, index) => {
    return { server, agentTokenFile: tokenFile(dir, index, agentToken), adminToken, caFile };
  });
}

function tokenFolder(undo: Undo): string {
  const dir = mkdtempSync(join(tmpdir(), "skerry-tokens-"));
  undo.add(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function tokenFile(dir: string, index: number, token: string): string {
  const file = join(dir, `${index}.token`);
  writeFileSync(file, token, { mode: 0o600 });
  return file;
}
