import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, it } from "vitest";
import { connect } from "../../agent/apply/connect.ts";
import type { Kube } from "../../agent/apply/kube.ts";
import { refOf } from "../../shared/live.ts";
import { EDITS } from "../agent/drift/edits.ts";
import { heals } from "../agent/drift/healing.ts";
import { sendTo } from "../agent/drift/lab.ts";
import { ALL, HELD } from "../agent/drift/objects.ts";
import { play, SCRIPTS } from "../agent/drift/others.ts";
import { type Cluster, type DriftSite, driftSite, pathOf, placed } from "../agent/drift/site.ts";
import { metaOf } from "../contract/kube/objects.ts";
import { sitesOfThisRun } from "./sites.ts";

const NAMESPACE = `drift-${randomBytes(4).toString("hex")}`;
const ADMIN = { manager: "tester", force: true, dryRun: false };
const SPACE = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } };

let kube: Kube & { close(): void };
let cluster: Cluster;
let site: DriftSite;
beforeAll(async () => {
  const [access] = await sitesOfThisRun();
  if (access === undefined) throw new Error("a run has sites");
  kube = await connect({ kubeconfig: access.agentKubeconfig });
  await kube.apply(SPACE, ADMIN);
  cluster = { kube, send: sendTo({ ...access, agentTokenFile: "" }), namespace: NAMESPACE };
  site = driftSite(cluster);
  await site.take(1, ALL);
}, 60_000);
afterAll(async () => {
  site?.close();
  const held = refOf(placed(HELD, NAMESPACE));
  await cluster.send("tester", "PATCH", pathOf(held), { metadata: { finalizers: null } }).catch(() => {});
  const found = await kube.get(refOf(SPACE));
  if (found !== null) await kube.remove(refOf(found), { uid: metaOf(found, "uid"), propagation: "Background" });
  kube.close();
});

describe("on a real server, somebody's edit is healed, and told by its field and manager", { timeout: 60_000 }, () => {
  it.each([...EDITS])("%s (%#)", async (...edit) => await heals(site, cluster, edit));
});

describe("beside others, on a real server", { timeout: 120_000 }, () => {
  it.each(Object.entries(SCRIPTS))("%s", async (_title, script) => {
    const namespace = `${NAMESPACE}-${randomBytes(2).toString("hex")}`;
    const space = { ...SPACE, metadata: { name: namespace } };
    await kube.apply(space, ADMIN);
    try {
      await play(script, { ...cluster, namespace });
    } finally {
      const found = await kube.get(refOf(space));
      if (found !== null) await kube.remove(refOf(found), { uid: metaOf(found, "uid"), propagation: "Background" });
    }
  });
});
