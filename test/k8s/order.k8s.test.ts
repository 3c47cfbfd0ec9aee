import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, it } from "vitest";
import { connect } from "../../agent/apply/connect.ts";
import type { Kube } from "../../agent/apply/kube.ts";
import { siteOn } from "../agent/cycle/lab-site.ts";
import { ORDER_ROOT, ownWebhook, SCRIPTS } from "../agent/cycle/order.ts";
import { metaOf } from "../contract/kube/objects.ts";
import { type SiteAccess, sitesOfThisRun } from "./sites.ts";

const made: string[] = [];
let access: SiteAccess;
let kube: Kube & { close(): void };
beforeAll(async () => {
  const [first] = await sitesOfThisRun();
  if (first === undefined) throw new Error("a run has sites");
  access = first;
  kube = await connect({ kubeconfig: first.agentKubeconfig });
});
afterAll(async () => {
  for (const name of made) {
    const found = await kube.get({ apiVersion: "v1", kind: "Namespace", namespace: "", name });
    if (found === null) continue;
    const ref = { apiVersion: "v1", kind: "Namespace", namespace: "", name };
    await kube.remove(ref, { uid: metaOf(found, "uid"), propagation: "Background" });
  }
  kube.close();
});

async function stage() {
  const unique = `u${randomBytes(4).toString("hex")}`;
  const namespace = `${unique}-shop`;
  made.push(namespace);
  return { site: await siteOn(kube, { namespace, root: ORDER_ROOT(unique) }), namespace, unique };
}

describe("in order, on a real server", { timeout: 180_000 }, () => {
  it.each(Object.entries({ ...SCRIPTS, "a bundle brings the webhook that its own pods are asked about": ownWebhook }))(
    "%s",
    async (_title, script) => {
      if (!access.workloads) throw new Error("no controllers or nodes run here: give the other binaries");
      await script(await stage());
    },
  );
});
