import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { z } from "zod";
import { AppError } from "../../shared/errors.ts";

export const AGENT_USER = "skerry-agent";

/** How to reach one site's cluster, as data: what `SKERRY_K8S_SITES` names is a JSON list of these. */
const SiteAccess = z.object({
  /** `s1`, `s2`, ... */
  name: z.string(),
  /** `https://127.0.0.1:PORT`; elsewhere only where `SKERRY_TEST_KUBECONFIG` says so. */
  server: z.string(),
  /** PEM; the server's certificate verifies with it. */
  caFile: z.string(),
  adminToken: z.string(),
  agentToken: z.string(),
  /** Path of the administrator's kubeconfig. */
  kubeconfig: z.string(),
  /** Path of the agent's: an ordinary user with the rights of rights.ts, not in system:masters. */
  agentKubeconfig: z.string(),
  /** Whether controllers, a scheduler and nodes run: without them nothing becomes ready and no namespace goes away. */
  workloads: z.boolean(),
});

export type SiteAccess = z.infer<typeof SiteAccess>;

/** The sites that run.ts started, for the tests it runs. Throws `AppError` "config" outside of it. */
export async function sitesOfThisRun(environment: NodeJS.ProcessEnv = process.env): Promise<SiteAccess[]> {
  const file = environment["SKERRY_K8S_SITES"];
  if (file === undefined) {
    throw new AppError("config", "this test needs a Kubernetes control plane", { fix: "run it by: npm run test:k8s" });
  }
  return z.array(SiteAccess).parse(JSON.parse(await readFile(file, "utf8")));
}

export type SiteSecrets = Pick<SiteAccess, "name" | "server" | "caFile" | "adminToken" | "agentToken" | "workloads">;

/** Writes the two kubeconfigs into `folder`. The file of the CA need not be there yet. */
export async function writeAccess(site: SiteSecrets, folder: string): Promise<SiteAccess> {
  const kubeconfig = path.join(folder, "admin.kubeconfig");
  const agentKubeconfig = path.join(folder, "agent.kubeconfig");
  await writeFile(kubeconfig, kubeconfigOf(site, "admin", site.adminToken), { mode: 0o600 });
  await writeFile(agentKubeconfig, kubeconfigOf(site, AGENT_USER, site.agentToken), { mode: 0o600 });
  return { ...site, kubeconfig, agentKubeconfig };
}

/** The administrator's client configuration. */
export function adminOf(site: SiteAccess): KubeConfig {
  const admin = new KubeConfig();
  admin.loadFromFile(site.kubeconfig);
  return admin;
}

/** JSON, which is YAML. */
function kubeconfigOf(site: SiteSecrets, user: string, token: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: site.name, cluster: { server: site.server, "certificate-authority": site.caFile } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: site.name, context: { cluster: site.name, user } }],
    "current-context": site.name,
  });
}
