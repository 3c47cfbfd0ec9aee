import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connect } from "../../agent/apply/connect.ts";
import type { Kube } from "../../agent/apply/kube.ts";
import { diffOf } from "../../agent/prepare/diff.ts";
import { type Found, type Rehearsal, rehearse } from "../../agent/rehearse.ts";
import { FIELD_MANAGER, type JsonObject, type KubeObject, refOf } from "../../shared/live.ts";
import { metaOf } from "../contract/kube/objects.ts";
import { IMAGE, rendered } from "../shared/render/sample.ts";
import { sitesOfThisRun } from "./sites.ts";

/** What only a real API server tells of a rehearsal: what it warns of, what it proves, and that it changes nothing. */

const ID = randomBytes(4).toString("hex");
const [HERE, COMING, GROUP] = [`prepare-${ID}`, `coming-${ID}`, `${ID}.example.com`];
const ADMIN = { manager: "tester", force: true, dryRun: false };
const OURS = { ...ADMIN, manager: FIELD_MANAGER };

let kube: Kube & { close(): void };
beforeAll(async () => {
  const [site] = await sitesOfThisRun();
  if (site === undefined) throw new Error("a run has sites");
  kube = await connect({ kubeconfig: site.kubeconfig });
  const labels = { "pod-security.kubernetes.io/warn": "restricted" };
  await kube.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: HERE, labels } }, ADMIN);
});
afterAll(async () => {
  const found = await kube.get({ apiVersion: "v1", kind: "Namespace", namespace: "", name: HERE });
  if (found !== null) await kube.remove(refOf(found), { uid: metaOf(found, "uid"), propagation: "Background" });
  kube.close();
});

const object = (apiVersion: string, kind: string, name: string, rest: JsonObject, namespace = HERE): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace },
  ...rest,
});
const map = (name: string, data: JsonObject, namespace = HERE) => object("v1", "ConfigMap", name, { data }, namespace);
const service = (port: number) =>
  object("v1", "Service", "till", { spec: { selector: { app: "till" }, ports: [{ name: "http", port }] } });
const deployment = (name: string, env: string, more: JsonObject = {}) => {
  const container = { name: "till", image: IMAGE, env: [{ name: "MODE", value: env }] };
  const template = { metadata: { labels: { app: name } }, spec: { containers: [container] } };
  return object("apps/v1", "Deployment", name, {
    spec: { replicas: 0, selector: { matchLabels: { app: name } }, template, ...more },
  });
};
const definition: KubeObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `tills.${GROUP}` },
  spec: {
    group: GROUP,
    scope: "Namespaced",
    names: { kind: "Till", plural: "tills", singular: "till", listKind: "TillList" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: { spec: { type: "object", properties: { size: { type: "integer" } } } },
          },
        },
      },
    ],
  },
};

const bundle = (...objects: KubeObject[]) =>
  rendered(objects, {
    namespaces: [HERE, COMING],
    kinds: ["*", "Namespace", "CustomResourceDefinition.apiextensions.k8s.io"],
    podSecurity: "privileged",
  });

async function rehearsed(wanted: ReturnType<typeof bundle>, running: Rehearsal["running"] = null): Promise<Found> {
  const manifest = { prune: { share: "100%" } } as Rehearsal["manifest"];
  const live = { objects: new Map(), unseen: new Map() };
  const jobs = { run: true, records: [] };
  return await rehearse({
    manifest,
    wanted,
    running,
    live,
    inventory: [],
    jobs,
    others: new Map(),
    kube,
    isOver: () => false,
  });
}

/** Every object of these kinds, at its version. */
async function versions(): Promise<string[]> {
  const kinds = [
    ["v1", "Namespace"],
    ["v1", "ConfigMap"],
    ["v1", "Service"],
    ["apps/v1", "Deployment"],
    ["v1", "ResourceQuota"],
    ["apiextensions.k8s.io/v1", "CustomResourceDefinition"],
  ].map(([apiVersion = "", kind = ""]) => ({ apiVersion, kind }));
  const lists = await Promise.all(kinds.map((kind) => kube.list(kind, {})));
  return lists
    .flatMap(({ objects }) => objects)
    .filter(({ metadata }) => [metadata.name, metadata["namespace"]].some((name) => String(name).includes(ID)))
    .map(({ kind, metadata }) => `${kind} ${metadata.name} ${metaOf({ metadata } as KubeObject, "resourceVersion")}`)
    .toSorted();
}

it("a dry run of a whole bundle tells what would change, warns, proves no quota, and changes nothing", async () => {
  const before = bundle(map("same", { a: "1" }), map("other", { a: "1" }), service(80), deployment("till", "day"));
  for (const each of before.objects) await kube.apply(each.object, OURS);
  // Room for one more beside these two and the one that every namespace has.
  const quota = object("v1", "ResourceQuota", "few", { spec: { hard: { configmaps: "4" } } });
  await kube.apply(quota, ADMIN);
  // The controllers have seen all of it once nothing moves any more.
  const used = async () => (await kube.get(refOf(quota)))?.["status"];
  await expect.poll(used, { timeout: 30_000 }).toMatchObject({ used: { configmaps: "3" } });
  await expect
    .poll(async () => (await kube.get(refOf(deployment("till", "day"))))?.["status"], { timeout: 30_000 })
    .toHaveProperty("observedGeneration");
  const wanted = bundle(
    map("same", { a: "1" }),
    map("other", { a: "2" }),
    map("last-of-the-quota", { a: "1" }),
    map("beyond-the-quota", { a: "1" }),
    service(8080),
    deployment("till", "night"),
    deployment("wrong", "day", { replica: 1 }),
    { apiVersion: "v1", kind: "Namespace", metadata: { name: COMING } },
    map("away", { a: "1" }, COMING),
    definition,
    object(`${GROUP}/v1`, "Till", "one", { spec: { size: 1 } }),
  );
  const standing = await versions();
  const found = await rehearsed(wanted, before);
  expect(await versions()).toEqual(standing);

  const byObject = new Map(found.changes.map((each) => [each.object, each]));
  const of = (name: string) => byObject.get(name);
  expect(of(`v1 ConfigMap ${HERE}/same`)?.action).toBe("unchanged");
  expect(of(`v1 ConfigMap ${HERE}/other`)).toMatchObject({
    action: "change",
    fields: [{ path: "/data/a", from: '"1"', to: '"2"' }],
  });
  // Each for itself would fit.
  expect(of(`v1 ConfigMap ${HERE}/last-of-the-quota`)?.action).toBe("create");
  expect(of(`v1 ConfigMap ${HERE}/beyond-the-quota`)?.action).toBe("create");
  expect(of(`v1 Service ${HERE}/till`)?.action).toBe("change");
  const till = of(`apps/v1 Deployment ${HERE}/till`);
  expect(till?.fields).toEqual([
    { path: "/spec/template/spec/containers[name=till]/env[name=MODE]/value", from: '"day"', to: '"night"' },
  ]);
  expect(till?.warnings.join()).toContain("would violate PodSecurity");
  expect(of(`apps/v1 Deployment ${HERE}/wrong`)).toMatchObject({
    action: "refused",
    words: expect.stringContaining("schema"),
  });
  expect(of(`v1 Namespace ${COMING}`)?.action).toBe("create");
  expect(of(`v1 ConfigMap ${COMING}/away`)?.action).toBe("not-checked");
  expect(of(`apiextensions.k8s.io/v1 CustomResourceDefinition tills.${GROUP}`)?.action).toBe("create");
  expect(of(`${GROUP}/v1 Till ${HERE}/one`)).toMatchObject({
    action: "not-checked",
    words: "its definition comes with this bundle",
  });
  expect(found.refused?.words).toContain("wrong");
  expect(JSON.stringify(diffOf(found.changes))).not.toMatch(/clusterIP|resourceVersion|uid|creationTimestamp/);
});

it("of what is applied afterwards nothing would change, whatever the server made of it", async () => {
  const wanted = bundle(
    object("v1", "Service", "odd", {
      spec: { ports: [{ port: 80 }, { port: 53, protocol: "UDP", name: "dns" }], selector: {} },
    }),
    deployment("odd", "day", {
      template: {
        metadata: { labels: { app: "odd" } },
        spec: {
          containers: [
            {
              name: "till",
              image: IMAGE,
              args: [],
              resources: { requests: { cpu: "1000m", memory: "1024Mi" }, limits: {} },
              ports: [{ containerPort: 80 }],
            },
          ],
        },
      },
    }),
  );
  const [service] = wanted.objects;
  if (service === undefined) throw new Error("no service");
  // A port without a name beside one with a name is refused: what the server would say is said beforehand.
  expect((await rehearsed(wanted)).refused?.words).toContain("Service");
  const right = bundle(
    ...wanted.objects.slice(1).map(({ object: each }) => each),
    object("v1", "Service", "odd", { spec: { ports: [{ port: 80 }], selector: {} } }),
  );
  for (const each of right.objects) await kube.apply(each.object, OURS);
  const again = await rehearsed(right);
  expect(again.changes.map(({ action, fields }) => [action, fields])).toEqual([
    ["unchanged", []],
    ["unchanged", []],
  ]);
});
