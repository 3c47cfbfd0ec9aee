import { readFile } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import { KubeConfig } from "@kubernetes/client-node";
import { AppError, inWords } from "../../shared/errors.ts";
import { type ControlPlane, startControlPlane } from "./cluster.ts";
import type { SiteCluster } from "./site.ts";
import { apis, deployment, eventually, isComplete, isGone } from "./workload.ts";

/** `node test/k8s/selfcheck.ts`: whether the control plane of the tests behaves, how fast it is and what it weighs. */

const SITES = 3;
const NAMESPACE = "selfcheck";

async function main(): Promise<void> {
  const plane = await timed(`${SITES} sites ready`, () => startControlPlane({ sites: SITES }));
  try {
    await Promise.all(plane.sites.map((site) => checkSite(site)));
    const [first] = plane.sites;
    if (first !== undefined && plane.running().length > 0) {
      await timed(`${first.name}: API server killed and ready again`, () => first.restartApiServer());
      await timed(`${first.name}: a Deployment of 3 after that`, () => rollout(first, "default", "after"));
    }
    await printMemory(plane);
  } finally {
    await timed("stopped", () => plane.stop());
  }
}

async function checkSite(site: SiteCluster): Promise<void> {
  const { apps, core } = agentApis(site);
  await core.createNamespace({ body: { metadata: { name: NAMESPACE } } });
  const say = (what: string): string => `${site.name}: ${what}`;
  await apps.createNamespacedDeployment({ namespace: NAMESPACE, body: deployment("stuck", 1, "skerry.dev/a:1", true) });
  await timed(say("a Deployment of 3 available"), () => rollout(site, NAMESPACE, "well"));
  await timed(say("a new image rolled out"), async () => {
    const body = deployment("well", 3, "skerry.dev/a:2", false);
    await apps.replaceNamespacedDeployment({ namespace: NAMESPACE, name: "well", body });
    await untilComplete(site, NAMESPACE, "well");
  });
  // What was created before, and has had two rollouts' time, would be available by now if it ever were.
  const { items: pods } = await core.listNamespacedPod({ namespace: NAMESPACE, labelSelector: "app=stuck" });
  const stuck = await apps.readNamespacedDeployment({ namespace: NAMESPACE, name: "stuck" });
  const scheduled = pods.length === 1 && pods.every((pod) => pod.spec?.nodeName !== undefined);
  if (!scheduled || (stuck.status?.availableReplicas ?? 0) > 0) {
    throw new AppError("internal", say("the stuck pod is not scheduled and unready, as its label asks"));
  }
  await timed(say("a Deployment and its pods deleted"), async () => {
    await apps.deleteNamespacedDeployment({ namespace: NAMESPACE, name: "well", propagationPolicy: "Foreground" });
    await eventually(say("deleted"), () =>
      isGone(apps.readNamespacedDeployment({ namespace: NAMESPACE, name: "well" })),
    );
  });
  await timed(say("its namespace deleted"), async () => {
    await core.deleteNamespace({ name: NAMESPACE });
    await eventually(say("namespace gone"), () => isGone(core.readNamespace({ name: NAMESPACE })));
  });
}

async function rollout(site: SiteCluster, namespace: string, name: string): Promise<void> {
  await agentApis(site).apps.createNamespacedDeployment({
    namespace,
    body: deployment(name, 3, "skerry.dev/a:1", false),
  });
  await untilComplete(site, namespace, name);
}

async function untilComplete(site: SiteCluster, namespace: string, name: string): Promise<void> {
  const { apps } = agentApis(site);
  await eventually(`${site.name}: ${name} rolled out`, async () => {
    return isComplete(await apps.readNamespacedDeployment({ namespace, name }));
  });
}

function agentApis(site: SiteCluster): ReturnType<typeof apis> {
  const agent = new KubeConfig();
  agent.loadFromFile(site.agentKubeconfig);
  return apis(agent);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  const result = await work();
  process.stdout.write(`${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s  ${what}\n`);
  return result;
}

async function printMemory(plane: ControlPlane): Promise<void> {
  let total = 0;
  for (const { name, pid } of plane.running()) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const megabytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
    total += megabytes;
    process.stdout.write(`${megabytes.toFixed(0).padStart(6)} MB ${name}\n`);
  }
  process.stdout.write(`${total.toFixed(0).padStart(6)} MB all (resident; counted only where there is a /proc)\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${inWords(error)}\n`);
  process.exitCode = 1;
}
