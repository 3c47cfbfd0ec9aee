import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connect } from "../../agent/apply/connect.ts";
import type { Kube } from "../../agent/apply/kube.ts";
import { type KubeObject, refOf } from "../../shared/live.ts";
import type { Act, Edit } from "../agent/drift/edits.ts";
import { heals } from "../agent/drift/healing.ts";
import { sendTo } from "../agent/drift/lab.ts";
import { CONFIG, DEPLOYMENT, SERVICE } from "../agent/drift/objects.ts";
import { type Cluster, type DriftSite, driftSite, pathOf, placed } from "../agent/drift/site.ts";
import { at, metaOf, until } from "../contract/kube/objects.ts";
import { IMAGE } from "../shared/render/sample.ts";
import { findBinaries } from "./binaries.ts";
import { type SiteAccess, sitesOfThisRun } from "./sites.ts";

/** kubectl itself, the controllers themselves: what they are called and how they write is theirs to say. */

const ADMIN = { manager: "tester", force: true, dryRun: false };
const run = promisify(execFile);

let access: SiteAccess;
let kube: Kube & { close(): void };
let kubectl: string;
beforeAll(async () => {
  const [first] = await sitesOfThisRun();
  if (first === undefined) throw new Error("a run has sites");
  access = first;
  kube = await connect({ kubeconfig: access.agentKubeconfig });
  kubectl = (await findBinaries()).kubectl;
}, 60_000);
afterAll(() => kube.close());

let cluster: Cluster;
let site: DriftSite;
let namespace = "";
async function begin(): Promise<void> {
  namespace = `hands-${randomBytes(4).toString("hex")}`;
  await kube.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }, ADMIN);
  cluster = { kube, send: sendTo({ ...access, agentTokenFile: "" }), namespace };
  site = driftSite(cluster);
}
async function end(): Promise<void> {
  site.close();
  const found = await kube.get({ apiVersion: "v1", kind: "Namespace", namespace: "", name: namespace });
  if (found !== null) await kube.remove(refOf(found), { uid: metaOf(found, "uid"), propagation: "Background" });
}

async function ctl(args: readonly string[], { input = "", editor = "" } = {}): Promise<void> {
  const environment = { ...process.env, KUBE_EDITOR: editor };
  const asked = run(kubectl, ["--kubeconfig", access.kubeconfig, "-n", namespace, ...args], { env: environment });
  asked.child.stdin?.end(input);
  await asked;
}

const does =
  (args: string, rest: { input?: KubeObject; editor?: string } = {}): Act =>
  async () => {
    const input = rest.input === undefined ? "" : JSON.stringify(placed(rest.input, namespace));
    await ctl(args.split(" "), { input, editor: rest.editor ?? "" });
  };

const HANDS: readonly Edit[] = [
  ["label", CONFIG, "", does("label cm/config team=x --overwrite"), /\.labels\.team changed by kubectl-label/],
  ["a new label", CONFIG, "", does("label cm/config extra=x"), /\.labels\.extra added by kubectl-label/],
  [
    "annotate",
    CONFIG,
    "",
    does("annotate cm/config note=x --overwrite"),
    /\.annotations\.note changed by kubectl-annotate/,
  ],
  ["set image", DEPLOYMENT, "", does("set image deploy/till till=other"), /\.image changed by kubectl-set/],
  ["set env", DEPLOYMENT, "", does("set env deploy/till A=9"), /\.env\[name="A"\]\S* changed by kubectl-set/],
  [
    "set resources",
    DEPLOYMENT,
    "",
    does("set resources deploy/till --limits=cpu=3"),
    /\.limits\.cpu added by kubectl-set/,
  ],
  [
    "patch, merge",
    CONFIG,
    "",
    does('patch cm/config --type=merge -p={"data":{"a":"9"}}'),
    /\.data\.a changed by kubectl-patch/,
  ],
  [
    "patch, strategic",
    DEPLOYMENT,
    "",
    does('patch deploy/till -p={"spec":{"replicas":5}}'),
    /\.spec\.replicas changed by kubectl-patch/,
  ],
  [
    "patch, JSON",
    SERVICE,
    "",
    does('patch svc/till --type=json -p=[{"op":"replace","path":"/spec/ports/0/port","value":81}]'),
    /\.spec\.ports\[port=80\S* removed/,
  ],
  [
    "edit",
    CONFIG,
    "",
    does("edit cm/config", { editor: 'sed -i "s/a: .1./a: nine/"' }),
    /\.data\.a changed by kubectl-edit/,
  ],
  [
    "apply",
    CONFIG,
    "",
    does("apply -f -", { input: { ...CONFIG, data: { a: "9", c: "3" } } }),
    /\.data\.a changed by kubectl-client-side-apply.*\.data\.c added|added by kubectl-client-side-apply/,
  ],
  [
    "apply --server-side",
    CONFIG,
    "",
    does("apply --server-side --force-conflicts -f -", { input: { ...CONFIG, data: { a: "9" } } }),
    /\.data\.a changed by kubectl/,
  ],
  [
    "replace",
    CONFIG,
    "",
    does("replace -f -", { input: { ...CONFIG, data: { x: "9" } } }),
    /\.data.* by kubectl-replace/,
  ],
  [
    "replace --force",
    CONFIG,
    "",
    does("replace --force -f -", { input: { ...CONFIG, data: { x: "9" } } }),
    /the object (changed by kubectl-replace|removed)/,
  ],
  ["delete", CONFIG, "", does("delete cm/config"), /the object removed, which leaves no trace/],
  [
    "rollout undo",
    DEPLOYMENT,
    "",
    async () => {
      await ctl(["set", "image", "deploy/till", "till=undone"]);
      const image = async () => JSON.stringify(await kube.get(refOf(placed(DEPLOYMENT, namespace))));
      await site.until("put back", async () => (await image()).includes(IMAGE));
      site.events();
      await ctl(["rollout", "undo", "deploy/till"]);
    },
    /\.image changed by kubectl/,
  ],
];

describe("what somebody does with kubectl is put back, and told by its name", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    await begin();
    await site.take(1, [CONFIG, SERVICE, DEPLOYMENT]);
  }, 60_000);
  afterAll(end);

  it.each([...HANDS])("%s", async (...edit) => await heals(site, cluster, edit));
});

it("what somebody made by another version of its API: labels and what the bundle says become ours, the rest stays", async () => {
  await begin();
  const target = { apiVersion: "apps/v1", kind: "Deployment", name: "till" };
  const metadata = { name: "till", labels: { team: "x" } };
  const old: KubeObject = {
    apiVersion: "autoscaling/v1",
    kind: "HorizontalPodAutoscaler",
    metadata,
    spec: { minReplicas: 2, maxReplicas: 5, targetCPUUtilizationPercentage: 70, scaleTargetRef: target },
  };
  await ctl(["apply", "-f", "-"], { input: JSON.stringify(placed(old, namespace)) });
  const wanted: KubeObject = {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "till" },
    spec: { maxReplicas: 6, scaleTargetRef: target },
  };
  await site.take(1, [wanted]);
  const found = (await kube.get(refOf(placed(wanted, namespace)))) ?? {};
  expect([at(found, "spec", "maxReplicas"), at(found, "spec", "minReplicas")]).toEqual([6, 2]);
  expect(at(found, "spec", "metrics", 0, "resource", "target", "averageUtilization")).toBe(70);
  expect(at(found, "metadata", "labels")).not.toHaveProperty("team");
  expect(at(found, "metadata", "annotations") ?? {}).not.toHaveProperty(
    "kubectl.kubernetes.io/last-applied-configuration",
  );
  // Adopted once, and at rest after that.
  expect([await site.writesMeanwhile(async () => {}), (await site.run())?.drifted]).toEqual([0, 0]);
  await end();
});

describe("what is nobody's wish for another content is left alone: no write", { timeout: 60_000 }, () => {
  beforeEach(begin);

  it("kubectl scale, and kubectl rollout restart", async () => {
    await site.take(1, [DEPLOYMENT]);
    site.events();
    const writes = await site.writesMeanwhile(async () => {
      await ctl(["scale", "deploy/till", "--replicas=5"]);
      await ctl(["rollout", "restart", "deploy/till"]);
    });
    expect([writes, site.events(), (await site.run())?.drifted]).toEqual([0, [], 0]);
    await end();
  });

  it("the autoscaler of Kubernetes", async (context) => {
    if (!access.workloads) context.skip("no controllers run here");
    const scaler: KubeObject = {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: "till" },
      spec: {
        minReplicas: 4,
        maxReplicas: 5,
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "till" },
        metrics: [
          { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
        ],
      },
    };
    await site.take(1, [DEPLOYMENT, scaler]);
    const replicas = async () => at((await kube.get(refOf(placed(DEPLOYMENT, namespace)))) ?? {}, "spec", "replicas");
    site.events();
    const before = site.requests.apply.length;
    await until("scaled", async () => (await replicas()) === 4);
    expect(await site.writesMeanwhile(async () => {})).toBe(0);
    expect([site.requests.apply.length - before, site.events(), (await site.run())?.drifted]).toEqual([0, [], 0]);
    const more = { ...DEPLOYMENT, metadata: { ...DEPLOYMENT.metadata, labels: { more: "x" } } };
    await site.take(2, [more, scaler]);
    expect(await replicas()).toBe(4);
    await end();
  });

  it("a certificate put into a webhook", async () => {
    const name = `till-${randomBytes(4).toString("hex")}.example.com`;
    const webhook: KubeObject = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name, namespace: "" },
      webhooks: [
        {
          name,
          clientConfig: { url: "https://127.0.0.1:1/nobody" },
          rules: [
            { apiGroups: ["nobody.example"], apiVersions: ["v1"], resources: ["things"], operations: ["CREATE"] },
          ],
          failurePolicy: "Ignore",
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
        },
      ],
    };
    await site.take(1, [webhook]);
    site.events();
    const ref = refOf(placed(webhook, namespace));
    const certificate = Buffer.from(
      "-----BEGIN CERTIFICATE-----\nMIIBdzCCAR2gAwIBAgIBADAKBggqhkjOPQQDAjAjMSEwHwYDVQQDDBhrM3Mtc2Vy\n-----END CERTIFICATE-----\n",
    ).toString("base64");
    const writes = await site.writesMeanwhile(() =>
      cluster.send(
        "cainjector",
        "PATCH",
        pathOf(ref),
        [{ op: "add", path: "/webhooks/0/clientConfig/caBundle", value: certificate }],
        "application/json-patch+json",
      ),
    );
    expect([writes, site.events(), (await site.run())?.drifted]).toEqual([0, [], 0]);
    const found = await kube.get(ref);
    expect(JSON.stringify(found)).toContain(certificate);
    if (found !== null) await kube.remove(ref, { uid: metaOf(found, "uid"), propagation: "Background" });
    await end();
  });
});
