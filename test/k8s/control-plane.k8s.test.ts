import { readFileSync } from "node:fs";
import { request } from "node:https";
import { AuthenticationV1Api, KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startControlPlane } from "./cluster.ts";
import { adminOf, type SiteAccess, sitesOfThisRun } from "./sites.ts";
import { apis, deployment, eventually, isComplete, isGone } from "./workload.ts";

const sites = await sitesOfThisRun();
const NAMESPACE = `control-plane-${process.pid}`;

describe.each(sites)("site $name", (site) => {
  const agent = new KubeConfig();
  agent.loadFromFile(site.agentKubeconfig);
  const { apps, core } = apis(agent);

  beforeAll(async () => {
    await core.createNamespace({ body: { metadata: { name: NAMESPACE } } });
  });
  afterAll(async () => {
    await core.deleteNamespace({ name: NAMESPACE });
  });

  test("its certificate verifies with its own authority alone", async () => {
    expect(await versionStatus(site, readFileSync(site.caFile))).toBe(200);
    await expect(versionStatus(site, undefined)).rejects.toThrow(/certificate/);
  });

  test("the agent is an ordinary user", async () => {
    const authentication = agent.makeApiClient(AuthenticationV1Api);
    const { status } = await authentication.createSelfSubjectReview({ body: {} });
    expect(status?.userInfo?.username).toMatch(/skerry-agent$/);
    expect(status?.userInfo?.groups).toContain("system:authenticated");
    expect(status?.userInfo?.groups).not.toContain("system:masters");
  });

  test("rollouts complete and deletions finish, unless a pod is labelled stuck", async ({ skip }) => {
    skip(!site.workloads, "no controllers and nodes here");
    const namespace = NAMESPACE;
    await apps.createNamespacedDeployment({ namespace, body: deployment("stuck", 1, "skerry.dev/a:1", true) });
    await apps.createNamespacedDeployment({ namespace, body: deployment("well", 3, "skerry.dev/a:1", false) });
    const complete = async () => isComplete(await apps.readNamespacedDeployment({ namespace, name: "well" }));
    await eventually("well is available", complete);
    await apps.replaceNamespacedDeployment({
      namespace,
      name: "well",
      body: deployment("well", 3, "skerry.dev/a:2", false),
    });
    await eventually("well is rolled out again", complete);

    const { items: pods } = await core.listNamespacedPod({ namespace, labelSelector: "app=stuck" });
    expect(pods.map(({ spec, status }) => ({ scheduled: spec?.nodeName !== undefined, phase: status?.phase }))).toEqual(
      [{ scheduled: true, phase: "Pending" }],
    );
    const stuck = await apps.readNamespacedDeployment({ namespace, name: "stuck" });
    expect(stuck.status?.availableReplicas).toBeUndefined();

    for (const name of ["stuck", "well"]) {
      await apps.deleteNamespacedDeployment({ namespace, name, propagationPolicy: "Foreground" });
      await eventually(`${name} is gone`, () => isGone(apps.readNamespacedDeployment({ namespace, name })));
    }
    const left = await core.listNamespacedPod({ namespace });
    expect(left.items).toEqual([]);
  });
});

test("what is in one site is not in another", async ({ skip }) => {
  const [first, second] = sites;
  skip(second === undefined, "only one site here");
  const metadata = { name: "mark", namespace: "default" };
  const core = (site: SiteAccess | undefined) => apis(adminOf(site ?? expect.unreachable())).core;
  await core(first).createNamespacedConfigMap({ namespace: "default", body: { metadata } });
  expect(await isGone(core(second).readNamespacedConfigMap(metadata))).toBe(true);
  await core(first).deleteNamespacedConfigMap(metadata);
});

test("a killed API server comes back with what it held; stop leaves no process", async ({ skip }) => {
  skip(
    (process.env["SKERRY_TEST_KUBECONFIG"] ?? "") !== "",
    "the cluster of SKERRY_TEST_KUBECONFIG is not ours to end",
  );
  const plane = await startControlPlane({ sites: 1 });
  const running = plane.running();
  try {
    const [site] = plane.sites;
    if (site === undefined) expect.unreachable();
    const { core } = apis(adminOf(site));
    const metadata = { name: "kept", namespace: "default" };
    await core.createNamespacedConfigMap({ namespace: "default", body: { metadata } });
    await site.killApiServer();
    await expect(core.readNamespacedConfigMap(metadata)).rejects.toThrow();
    await site.restartApiServer();
    expect((await core.readNamespacedConfigMap(metadata)).metadata?.name).toBe("kept");
  } finally {
    await plane.stop();
  }
  expect(running.map(({ name }) => name)).toContain("s1-kube-apiserver");
  for (const { pid } of running) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

async function versionStatus(site: SiteAccess, ca: Buffer | undefined): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const options = { headers: { authorization: `Bearer ${site.agentToken}` }, ...(ca === undefined ? {} : { ca }) };
    request(`${site.server}/version`, options, (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end();
  });
}
