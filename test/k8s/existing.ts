import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { CoreV1Api, KubeConfig, RbacAuthorizationV1Api } from "@kubernetes/client-node";
import { AppError } from "../../shared/errors.ts";
import { bindClusterRole, grantAgent } from "./rights.ts";
import type { SiteCluster } from "./site.ts";
import { AGENT_USER, writeAccess } from "./sites.ts";

const TOKEN_SECONDS = 6 * 3600;

/**
 * One site on a cluster that is already there, whatever way its kubeconfig authenticates: two service accounts in a
 * namespace of their own become the administrator and the agent. `leave` deletes that namespace and the rights; nothing
 * else of the cluster is touched. Throws `AppError` "config" where the kubeconfig names no CA.
 */
export async function useExistingCluster(
  kubeconfig: string,
): Promise<{ site: SiteCluster; folder: string; leave: () => Promise<void> }> {
  const owner = new KubeConfig();
  owner.loadFromFile(kubeconfig);
  const { server, ca } = await serverAndCa(owner, kubeconfig);
  const core = owner.makeApiClient(CoreV1Api);
  const rbac = owner.makeApiClient(RbacAuthorizationV1Api);
  const name = `skerry-test-${randomUUID().slice(0, 8)}`;
  const folder = await mkdtemp(path.join(os.tmpdir(), "skerry-k8s-"));

  async function leave(): Promise<void> {
    const left = await Promise.allSettled([
      rm(folder, { recursive: true, force: true }),
      core.deleteNamespace({ name }),
      rbac.deleteClusterRoleBinding({ name }),
      rbac.deleteClusterRoleBinding({ name: `${name}-admin` }),
      rbac.deleteClusterRole({ name }),
    ]);
    for (const one of left) if (one.status === "rejected") process.stderr.write(`k8s: leaving: ${one.reason}\n`);
  }

  async function tokenOf(account: string): Promise<string> {
    await core.createNamespacedServiceAccount({ namespace: name, body: { metadata: { name: account } } });
    const body = { spec: { audiences: [], expirationSeconds: TOKEN_SECONDS } };
    const request = await core.createNamespacedServiceAccountToken({ namespace: name, name: account, body });
    return request.status?.token ?? "";
  }

  try {
    const caFile = path.join(folder, "ca.crt");
    await writeFile(caFile, ca);
    await core.createNamespace({ body: { metadata: { name } } });
    const adminToken = await tokenOf("admin");
    const agentToken = await tokenOf(AGENT_USER);
    await bindClusterRole(owner, `${name}-admin`, "cluster-admin", subject(name, "admin"));
    await grantAgent(owner, name, subject(name, AGENT_USER));
    const access = await writeAccess({ name: "s1", server, caFile, adminToken, agentToken, workloads: true }, folder);
    return { site: { ...access, restartApiServer: notOurs, killApiServer: notOurs }, folder, leave };
  } catch (error) {
    await leave();
    throw error;
  }
}

async function serverAndCa(owner: KubeConfig, kubeconfig: string): Promise<{ server: string; ca: Buffer }> {
  const cluster = owner.getCurrentCluster();
  if (cluster?.caData !== undefined) return { server: cluster.server, ca: Buffer.from(cluster.caData, "base64") };
  if (cluster?.caFile !== undefined) return { server: cluster.server, ca: await readFile(cluster.caFile) };
  throw new AppError("config", "SKERRY_TEST_KUBECONFIG names no cluster with a certificate authority", {
    where: kubeconfig,
    fix: "use a kubeconfig whose current context has certificate-authority or certificate-authority-data",
  });
}

function subject(namespace: string, name: string): { kind: string; namespace: string; name: string } {
  return { kind: "ServiceAccount", namespace, name };
}

async function notOurs(): Promise<never> {
  throw new AppError("unsupported", "the API server of SKERRY_TEST_KUBECONFIG is not ours to end", {
    fix: "unset SKERRY_TEST_KUBECONFIG to run on a control plane of the tests' own",
  });
}
