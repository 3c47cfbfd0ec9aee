import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import type { JsonObject, KubeObject, ObjectRef } from "../../../shared/live.ts";
import { refOf } from "../../../shared/live.ts";
import { IMAGE } from "../../shared/render/sample.ts";
import { deployment, type siteOn } from "./lab-site.ts";

/** What a bundle needs in order, and what becomes of Jobs and of what leaves: played on the lab's API server and on a real one. */

export type OrderSite = Awaited<ReturnType<typeof siteOn>>;

const JOB = { apiVersion: "batch/v1", kind: "Job" };
const WAIT: Partial<Bundle> = { health: { holdFor: "0", deadline: "10m" } };

interface Stage {
  site: OrderSite;
  namespace: string;
  /** In a name that no other run has. */
  unique: string;
}

const map = (namespace: string, name: string, v = "1", annotations: JsonObject = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace, annotations },
  data: { v },
});

function job(namespace: string, fate: "ready" | "stuck", rest: JsonObject = {}): KubeObject {
  const pod = { restartPolicy: "Never", containers: [{ name: "till", image: IMAGE }] };
  const template = { metadata: { labels: { "skerry.dev/test": fate } }, spec: pod };
  return { ...JOB, metadata: { name: "migrate", namespace }, spec: { backoffLimit: 0, ...rest, template } };
}

const committed = (site: OrderSite, version: string) =>
  site.until(
    `committed ${version}`,
    async () => (await site.run())?.drifted === 0 && site.state() === `committed ${version}`,
  );

const uidOf = async ({ kube }: OrderSite, ref: ObjectRef) => String((await kube.get(ref))?.metadata["uid"] ?? "");

async function gone(site: OrderSite, ...refs: ObjectRef[]): Promise<void> {
  await site.until("gone", async () =>
    (await Promise.all(refs.map((ref) => site.kube.get(ref)))).every((each) => each === null),
  );
}

async function podsOf({ kube }: OrderSite, namespace: string): Promise<number> {
  const { objects } = await kube.list(
    { apiVersion: "v1", kind: "Pod" },
    { namespace, labels: "batch.kubernetes.io/job-name" },
  );
  return objects.length;
}

export const SCRIPTS: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  "a bundle brings its own namespace, definition, rights and custom resource, and takes them away where it may":
    async ({ site, unique }) => {
      const inside = `${unique}-own`;
      const group = `${unique}.example.com`;
      const names = { plural: "tills", singular: "till", kind: "Till", listKind: "TillList" };
      const version = {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        },
      };
      const definition: KubeObject = {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: `tills.${group}` },
        spec: { group, scope: "Namespaced", names, versions: [version] },
      };
      const space: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name: inside } };
      const account: KubeObject = {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "till", namespace: inside },
      };
      const till: KubeObject = {
        apiVersion: `${group}/v1`,
        kind: "Till",
        metadata: { name: "one", namespace: inside },
        spec: { drawers: 1 },
      };
      const health = {
        ...WAIT.health,
        holdFor: "0",
        deadline: "10m",
        rules: [{ apiVersion: `${group}/v1`, kind: "Till", cel: "true" }],
      };
      // As nobody would write them.
      const all = [till, deployment("back", "ready", {}, inside), map(inside, "conf"), account, definition, space];
      site.assign(1, all, { health });
      await committed(site, "1.0.0");
      site.assign(2, [], { remove: true, files: [], prune: { share: "0%" } });
      await site.until("all but those are gone", async () => {
        const waits = (await site.run())?.waitingOn ?? "";
        return waits.includes("only where the bundle says so") && site.state() === "committed 1.1.0";
      });
      expect(await site.kube.get(refOf(till))).toBeNull();
      expect(await uidOf(site, refOf(definition))).not.toBe("");
      const allow = [{ kind: "Namespace", name: inside }, { kind: "CustomResourceDefinition" }];
      site.assign(3, [], { remove: true, files: [], prune: { share: "0%", allow } });
      await committed(site, "1.2.0");
      await gone(site, refOf(definition), refOf(space));
      expect(site.cache.inventory("pos")).toEqual([]);
    },

  "a Job runs once, without its TTL, is deleted with its pods when it is done, and again only with the next version":
    async ({ site, namespace }) => {
      const phases = [{ name: "migrate", objects: { kind: "Job" } }];
      const of = (v: string) => [job(namespace, "ready", { ttlSecondsAfterFinished: 0 }), map(namespace, "conf", v)];
      site.assign(1, of("1"), { ...WAIT, phases });
      await committed(site, "1.0.0");
      expect(site.hold()?.jobs).toMatchObject([{ version: "1.0.0", result: "complete" }]);
      const ref = { ...JOB, namespace, name: "migrate" };
      await gone(site, ref);
      await site.until("its pods are gone", async () => (await podsOf(site, namespace)) === 0);
      site.restart();
      await site.until("seen", async () => (await site.run())?.summary.healthy === 2);
      await site.remove("conf");
      await site.until("healed", async () => (await site.data("conf")) !== undefined);
      expect(await site.kube.get(ref)).toBeNull();
      const before = site.hold()?.jobs?.[0]?.uid;
      site.assign(2, of("2"), { ...WAIT, phases });
      await committed(site, "1.1.0");
      expect(site.hold()?.jobs).toMatchObject([
        { version: "1.1.0", result: "complete", uid: expect.not.stringMatching(String(before)) },
      ]);
    },

  "a Job that fails is the end of the move, and goes with its pods": async ({ site, namespace }) => {
    const phases = [{ name: "migrate", objects: { kind: "Job" } }];
    site.assign(1, [map(namespace, "conf", "1")], WAIT);
    await committed(site, "1.0.0");
    site.assign(2, [job(namespace, "stuck", { activeDeadlineSeconds: 1 }), map(namespace, "conf", "2")], {
      ...WAIT,
      phases,
    });
    await site.until("reverted", async () => (await site.run())?.drifted === 0 && site.state() === "reverted 1.0.0");
    expect([await site.data("conf"), site.hold()?.failed]).toMatchObject([{ v: "1" }, [{ code: "unhealthy" }]]);
    expect(site.hold()?.jobs).toMatchObject([{ version: "1.1.0", result: "failed" }]);
    await gone(site, { ...JOB, namespace, name: "migrate" });
    await site.until("its pods are gone", async () => (await podsOf(site, namespace)) === 0);
  },

  "a Job that vanished leaves the site stuck, by name, until it is told to retry": async ({ site, namespace }) => {
    const of = (fate: "ready" | "stuck") => [job(namespace, fate), map(namespace, "conf", "2")];
    site.assign(1, [map(namespace, "conf", "1")], WAIT);
    await committed(site, "1.0.0");
    site.assign(2, of("stuck"), WAIT);
    await site.until("begun", () => (site.hold()?.jobs ?? []).some(({ uid }) => uid !== null));
    const ref = { ...JOB, namespace, name: "migrate" };
    const uid = await uidOf(site, ref);
    await site.kube.remove(ref, { uid, propagation: "Background" });
    await site.until("stuck", () => site.state() === "stuck 1.1.0");
    expect((await site.run())?.waitingOn).toContain("Job");
    site.restart();
    await site.until("still stuck", async () => (await site.run())?.waitingOn?.includes("nobody saw it end") === true);
    site.assign(2, of("stuck"), WAIT, { retry: true, run: "pos-2" });
    await site.until("begun again", async () => ![uid, ""].includes(await uidOf(site, ref)));
  },

  "phases wait for health, one without return keeps the site where it is": async ({ site, namespace }) => {
    const phases = [
      { name: "first", objects: { name: "conf" }, noReturn: true },
      { name: "back", objects: { kind: "Deployment" } },
    ];
    const of = (v: string, fate: "ready" | "stuck") => [
      map(namespace, "last", v),
      deployment("back", fate, {}, namespace),
      map(namespace, "conf", v),
    ];
    site.assign(1, of("1", "ready"), { ...WAIT, phases });
    await committed(site, "1.0.0");
    site.assign(2, of("2", "stuck"), { ...WAIT, phases });
    await site.until(
      "it waits",
      async () => (await site.run())?.waitingOn?.includes("phase back is not through") === true,
    );
    expect([await site.data("conf"), await site.data("last"), site.hold()?.passed?.phase]).toEqual([
      { v: "2" },
      { v: "1" },
      "first",
    ]);
    site.skip(600_000);
    await site.until("stuck", () => site.state() === "stuck 1.1.0");
    site.assign(3, of("3", "ready"), { ...WAIT, phases });
    await committed(site, "1.2.0");
    expect(await site.data("last")).toEqual({ v: "3" });
  },

  "what leaves goes by its UID: what says never, and what is another object by now, stays": async ({
    site,
    namespace,
  }) => {
    const never = { "skerry.dev/prune": "never" };
    site.assign(
      1,
      [map(namespace, "stays"), map(namespace, "goes"), map(namespace, "kept", "1", never), map(namespace, "taken")],
      WAIT,
    );
    await committed(site, "1.0.0");
    // Somebody deletes one and makes another of its name.
    const ref = { apiVersion: "v1", kind: "ConfigMap", namespace, name: "taken" };
    await site.kube.remove(ref, { uid: await uidOf(site, ref), propagation: "Background" });
    await site.edit(map(namespace, "taken", "theirs"));
    const theirs = await uidOf(site, ref);
    site.assign(2, [map(namespace, "stays", "2")], { ...WAIT, prune: { share: "100%" } });
    await site.until("committed", () => site.state() === "committed 1.1.0");
    await gone(site, { ...ref, name: "goes" });
    expect([await site.data("kept"), await site.data("taken"), await uidOf(site, ref)]).toEqual([
      { v: "1" },
      { v: "theirs" },
      theirs,
    ]);
    expect((await site.run())?.waitingOn).toBe(
      `v1 ConfigMap ${namespace}/kept is kept: it says skerry.dev/prune: never`,
    );
    await sleep(1);
  },
};

/** Where pods are admitted by webhooks: the one of a bundle must not refuse the pods that answer it. */
export async function ownWebhook({ site, namespace, unique }: Stage): Promise<void> {
  const gate: KubeObject = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: `${unique}-gate` },
    webhooks: [
      {
        name: "gate.example.com",
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy: "Fail",
        timeoutSeconds: 1,
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
        clientConfig: { service: { namespace, name: "gate" } },
      },
    ],
  };
  const service: KubeObject = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "gate", namespace },
    spec: { selector: { app: "gate" }, ports: [{ port: 443 }] },
  };
  site.assign(1, [gate, service, deployment("gate", "ready", {}, namespace)], WAIT);
  await committed(site, "1.0.0");
  expect(await uidOf(site, refOf(gate))).not.toBe("");
  site.assign(2, [], { remove: true, files: [], prune: { share: "0%" } });
  await committed(site, "1.1.0");
  await gone(site, refOf(gate), refOf(service));
}

/** What the scripts bring, of which some kinds need two to sign. */
export const ORDER_ROOT = (unique: string) => ({
  bundles: [
    {
      pattern: "pos*",
      keys: ["pos", "site"],
      threshold: 2,
      epoch: 1,
      namespaces: [`${unique}-*`],
      kinds: [
        "*",
        "Namespace",
        "CustomResourceDefinition.apiextensions.k8s.io",
        "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
      ],
    },
  ],
});
