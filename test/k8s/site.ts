import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { CoreV1Api, Health } from "@kubernetes/client-node";
import type { Binaries, WorkloadBinaries } from "./binaries.ts";
import { apiServerFlags, controllerManagerFlags, kwokFlags, schedulerFlags } from "./flags.ts";
import type { Component, Processes } from "./processes.ts";
import { grantAgent } from "./rights.ts";
import { AGENT_USER, adminOf, type SiteAccess, writeAccess } from "./sites.ts";
import { leavingOutStuckPods } from "./stages.ts";

const READY_SECONDS = 120;
const NODES = ["node-1", "node-2"];

/** A cluster of its own: API server, controllers, scheduler and two nodes that kwok plays. */
export interface SiteCluster extends SiteAccess {
  /** Kills the API server if it runs, starts it again on the same port, and resolves when it is ready. */
  restartApiServer(): Promise<void>;
  /** SIGKILL: connections break at once. Controllers and nodes stay, and wait for it. */
  killApiServer(): Promise<void>;
}

interface Surroundings {
  /** 127.0.0.1, free. */
  port: number;
  /** URL of a running etcd; the site keeps to the prefix of its name. */
  etcd: string;
  folder: string;
  binaries: Binaries;
  processes: Processes;
}

/** Starts one site; resolves when its nodes are ready, or its API server where there are no nodes. */
export async function startSite(name: string, surroundings: Surroundings): Promise<SiteCluster> {
  const { port, etcd, binaries, processes } = surroundings;
  const folder = path.join(surroundings.folder, name);
  await mkdir(folder);
  const files = {
    certificates: folder,
    tokens: path.join(folder, "tokens.csv"),
    serviceAccountKey: path.join(folder, "service-accounts.pem"),
  };
  const adminToken = randomBytes(16).toString("hex");
  const agentToken = randomBytes(16).toString("hex");
  const tokens = `${adminToken},admin,admin,system:masters\n${agentToken},${AGENT_USER},${AGENT_USER}\n`;
  await writeFile(files.tokens, tokens, { mode: 0o600 });
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await writeFile(files.serviceAccountKey, privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 });
  const caFile = path.join(folder, "apiserver.crt");
  const server = `https://127.0.0.1:${port}`;
  const workloads = binaries.workloads !== null;
  const access = await writeAccess({ name, server, caFile, adminToken, agentToken, workloads }, folder);

  const flags = apiServerFlags(port, etcd, `/${name}`, files);
  const apiServer = processes.start(`${name}-kube-apiserver`, binaries.apiServer, flags);
  await untilReady(apiServer, access, processes);
  const agent = { apiGroup: "rbac.authorization.k8s.io", kind: "User", name: AGENT_USER };
  await grantAgent(adminOf(access), AGENT_USER, agent);
  if (binaries.workloads !== null) {
    await startWorkloads(access, binaries.workloads, files.serviceAccountKey, folder, processes);
  }
  return {
    ...access,
    async restartApiServer() {
      await processes.kill(apiServer);
      processes.restart(apiServer);
      await untilReady(apiServer, access, processes);
    },
    async killApiServer() {
      await processes.kill(apiServer);
    },
  };
}

async function startWorkloads(
  site: SiteAccess,
  binaries: WorkloadBinaries,
  serviceAccountKey: string,
  folder: string,
  processes: Processes,
): Promise<void> {
  const { controllerManager, scheduler, kwok } = binaries;
  const stages = path.join(folder, "stages.yaml");
  await writeFile(stages, leavingOutStuckPods(await readFile(binaries.stages, "utf8")));
  const managerFlags = controllerManagerFlags(site.kubeconfig, site.caFile, serviceAccountKey);
  processes.start(`${site.name}-kube-controller-manager`, controllerManager, managerFlags);
  processes.start(`${site.name}-kube-scheduler`, scheduler, schedulerFlags(site.kubeconfig));
  const nodes = processes.start(`${site.name}-kwok`, kwok, kwokFlags(site.kubeconfig, stages));
  const core = adminOf(site).makeApiClient(CoreV1Api);
  for (const name of NODES) await core.createNode({ body: { metadata: { name } } });
  await processes.until(nodes, "playing ready nodes", READY_SECONDS, () => canRunPods(core));
}

/** Nodes are ready and untainted, and the namespace "default" has the service account that its pods run as. */
async function canRunPods(core: CoreV1Api): Promise<boolean> {
  const { items: nodes } = await core.listNode();
  const { items: accounts } = await core.listNamespacedServiceAccount({ namespace: "default" });
  const ready = nodes.filter(({ spec, status }) => {
    const isReady = status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True");
    return isReady === true && (spec?.taints ?? []).length === 0;
  });
  return ready.length === NODES.length && accounts.length > 0;
}

async function untilReady(apiServer: Component, site: SiteAccess, processes: Processes): Promise<void> {
  await processes.until(apiServer, "ready", READY_SECONDS, async () => {
    try {
      return await new Health(adminOf(site)).readyz({});
    } catch {
      // No certificate yet, or nobody listens yet.
      return false;
    }
  });
}
