import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import os from "node:os";
import path from "node:path";
import { connect } from "../../../agent/apply/connect.ts";
import { type KubeObject, refOf } from "../../../shared/live.ts";
import { type SiteAccess, sitesOfThisRun } from "../../k8s/sites.ts";
import { definition, metaOf, OURS, patiently, thing } from "./objects.ts";
import { type KubeUnderTest, kubeContract } from "./suite.ts";

const [site] = await sitesOfThisRun();
if (site === undefined) throw new Error("no site was started");
const foreign = (process.env["SKERRY_TEST_KUBECONFIG"] ?? "") !== "";

kubeContract("a real control plane", async () => await setup(site), {
  ...(site.workloads ? {} : { controllers: "no controllers or nodes run here" }),
  ...(foreign ? { stuck: "nodes of a cluster that is not ours run every pod" } : {}),
});

async function setup(site: SiteAccess): Promise<KubeUnderTest> {
  const namespace = `kube-contract-${randomBytes(4).toString("hex")}`;
  const folder = await mkdtemp(path.join(os.tmpdir(), "skerry-kube-"));
  const tokenFile = path.join(folder, "token");
  const { server, caFile } = site;
  const admin = await connect({ kubeconfig: site.kubeconfig });
  const { object } = await admin.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }, OURS);
  let defined: KubeObject | undefined;
  return {
    namespace,
    connect: async (as) => {
      if (as === "agent") return await connect({ kubeconfig: site.agentKubeconfig });
      await writeFile(tokenFile, await tokenOf(site, namespace));
      return await connect({ server, tokenFile, caFile });
    },
    // What the server remembers of a kind begins with the kind's definition.
    expired: async () => {
      const { resourceVersion } = await admin.list({ apiVersion: "v1", kind: "ConfigMap" }, { namespace });
      const group = `late.${namespace}.example`;
      defined = (await admin.apply(definition(group), OURS)).object;
      await patiently(() => admin.apply(thing(group, namespace, "one", {}), OURS));
      return { kind: { apiVersion: `${group}/v1`, kind: "Thing" }, resourceVersion };
    },
    cleanup: async () => {
      for (const each of defined === undefined ? [object] : [defined, object]) {
        await admin.remove(refOf(each), { uid: metaOf(each, "uid"), propagation: "Background" });
      }
      admin.close();
      await rm(folder, { recursive: true });
    },
  };

  /** A token of a service account to which nothing is bound. */
  async function tokenOf(site: SiteAccess, namespace: string): Promise<string> {
    const metadata = { name: "stranger", namespace };
    await admin.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata }, OURS);
    const url = new URL(`/api/v1/namespaces/${namespace}/serviceaccounts/stranger/token`, site.server);
    const ca = await readFile(site.caFile);
    const headers = { authorization: `Bearer ${site.adminToken}`, "content-type": "application/json" };
    const text = await new Promise<string>((resolve, reject) => {
      const asked = request(url, { method: "POST", ca, headers }, async (response) => {
        resolve((await response.toArray()).join(""));
      });
      asked.on("error", reject).end(JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest" }));
    });
    const { status } = JSON.parse(text) as { status: { token: string } };
    return status.token;
  }
}
