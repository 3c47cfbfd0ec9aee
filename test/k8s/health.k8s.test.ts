import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../../agent/apply/connect.ts";
import type { Kube } from "../../agent/apply/kube.ts";
import { BundleCycle } from "../../agent/bundle-cycle.ts";
import { newTally } from "../../agent/local/tally.ts";
import { Live } from "../../agent/observe/live.ts";
import type { Bundle } from "../../shared/bundle.ts";
import { type JsonObject, type KubeObject, nameOf, refOf } from "../../shared/live.ts";
import { systemClock } from "../../shared/node/clock.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { compileHealthRules } from "../../shared/render/health-rules.ts";
import { DEFINITION, IS_OPEN, TILL, TILL_PATH, till } from "../agent/observe/custom-kind.ts";
import { trustUnder } from "../agent/talk/talking-site.ts";
import { metaOf, podTemplate, until } from "../contract/kube/objects.ts";
import { ask } from "../lab/demo/cluster.ts";
import { DIGEST, IMAGE } from "../shared/render/sample.ts";
import { memoryCache } from "../support/cache.ts";
import { signedBundle, signedRoot, signedSite, trustedRoot } from "../support/fleet.ts";
import { fingerprint, unsealing } from "../support/secrets.ts";
import { type SiteAccess, sitesOfThisRun } from "./sites.ts";

const LOG = { debug() {}, info() {}, warn() {}, error() {} };
const ADMIN = { manager: "tester", force: true, dryRun: false };
const NAMESPACE = `health-${randomBytes(4).toString("hex")}`;

let site: SiteAccess;
let kube: Kube & { close(): void };
let live: Live;
beforeAll(async () => {
  const [first] = await sitesOfThisRun();
  if (first === undefined) throw new Error("a run has sites");
  site = first;
  kube = await connect({ kubeconfig: site.kubeconfig });
  await kube.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } }, ADMIN);
  await kube.apply(DEFINITION, ADMIN);
});
afterAll(async () => {
  live?.close();
  for (const object of [{ ...DEFINITION }, { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } }]) {
    const found = await kube.get(refOf(object));
    if (found !== null) await kube.remove(refOf(found), { uid: metaOf(found, "uid"), propagation: "Background" });
  }
  kube.close();
});

const here = (object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace: NAMESPACE },
});

/** A bundle on the disk of a site, assigned; `run` is one turn of its cycle. */
function cycleOn(objects: readonly KubeObject[], health: Bundle["health"]) {
  const cache = memoryCache();
  const root = {
    bundles: [{ pattern: "pos*", keys: ["pos"], threshold: 1, epoch: 1, namespaces: [NAMESPACE], kinds: ["*"] }],
  };
  const made = signedBundle({ health, images: [{ ref: "registry.example/till:1", digest: DIGEST }] }, objects);
  cache.keepRoot(1, signedRoot(root));
  cache.keepRecord({ number: 1, root: 1, document: signedSite() });
  const version = { bundle: "pos", version: "1.0.0", digest: made.digest, root: 1, complete: true };
  cache.keepManifest({ ...version, pair: [1, 1], floor: [1, 1], files: [...made.checked.keys()] }, made.document);
  for (const bytes of made.files.values()) cache.keepBlob(sha256Hex(bytes), bytes);
  const { bundle, digest } = version;
  const rest = { mode: "run" as const, run: "pos-1", wave: "all", values: {}, pair: [1, 1] as [number, number] };
  const world = { clock: systemClock, random: () => 0.1, log: LOG, fingerprint };
  live = new Live({ kube, onChange: () => {}, ...world });
  const cycle = new BundleCycle("pos", {
    site: "s-1",
    unseal: unsealing,
    cache,
    live,
    kube,
    tally: newTally(),
    journal: () => {},
    ...world,
  });
  return {
    state: () => cache.holds()[0]?.state,
    run: () =>
      cycle.run({
        assignment: {
          item: { bundle, version: version.version, digest, record: 1, ...rest },
          expires: "2999-01-01T00:00:00Z",
        },
        adopt: false,
        adoption: null,
        trust: trustUnder(trustedRoot(root)),
        time: { now: Date.parse("2026-11-02T08:00:00Z"), synced: true },
        boot: "0".repeat(16),
        marksKnown: true,
        held: null,
        neighbours: new Map(),
        others: new Map(),
      }),
  };
}

const deployment = (name: string, spec: JsonObject): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: podTemplate({ app: name }, { image: IMAGE }),
    ...spec,
  },
});

describe("health on a real server", () => {
  it("a custom kind is committed when its rule says so, and not before", async () => {
    const health = { holdFor: "0", deadline: "60s", rules: [{ ...TILL, cel: IS_OPEN }] };
    const { run, state } = cycleOn([here(till())], health);
    const says = (status: JsonObject) =>
      ask({ ...site, agentTokenFile: "" }, "PATCH", `${TILL_PATH.replace("/shop/", `/${NAMESPACE}/`)}/status`, {
        status,
      });
    const waits = (words: string) =>
      until(words, async () => {
        const situation = await run();
        return situation?.waitingOn === `${nameOf(refOf(here(till())))} ${words}`;
      });
    await waits(`does not meet its health rule \`${IS_OPEN}\`: No such key: status`);
    await says({ phase: "Closed" });
    await waits(`does not meet its health rule \`${IS_OPEN}\``);
    expect(state()).toBe("verifying");
    await says({ phase: "Open" });
    await until("it is committed", async () => {
      await run();
      return state() === "committed";
    });

    // Another rule, and the watch of a real server: all of the kind comes again.
    const closed = compileHealthRules([{ ...TILL, cel: "object.status.phase == 'Closed'" }]);
    live.judgeBy("pos", { health: closed, overlooked: new Map() });
    const verdict = () => live.view().objects.get(nameOf(refOf(here(till()))))?.verdict;
    expect(verdict()).toMatchObject({ because: "is looked at again: its health rule changed" });
    await until("it is judged anew", async () => JSON.stringify(verdict()).includes("does not meet its health rule"));
    live.close();
  });

  it("what the real controllers write is healthy by our rules: every kind of workload", async (context) => {
    if (!site.workloads) context.skip("no controllers or nodes run here");
    const labels = { app: "set" };
    const template = podTemplate(labels, { image: IMAGE });
    const job = { restartPolicy: "Never", containers: [{ name: "main", image: IMAGE }] };
    const objects: KubeObject[] = [
      deployment("three", { replicas: 3 }),
      deployment("none", { replicas: 0 }),
      {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "set" },
        spec: { replicas: 2, serviceName: "set", selector: { matchLabels: labels }, template },
      },
      {
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        metadata: { name: "each" },
        spec: { selector: { matchLabels: { app: "each" } }, template: podTemplate({ app: "each" }, { image: IMAGE }) },
      },
      {
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        metadata: { name: "bare" },
        spec: {
          replicas: 1,
          selector: { matchLabels: { app: "bare" } },
          template: podTemplate({ app: "bare" }, { image: IMAGE }),
        },
      },
      { apiVersion: "v1", kind: "Pod", metadata: { name: "one" }, spec: { containers: job.containers } },
      { apiVersion: "batch/v1", kind: "Job", metadata: { name: "once" }, spec: { template: { spec: job } } },
      {
        apiVersion: "batch/v1",
        kind: "CronJob",
        metadata: { name: "often" },
        spec: { schedule: "0 0 1 1 *", jobTemplate: { spec: { template: { spec: job } } } },
      },
      { apiVersion: "v1", kind: "Service", metadata: { name: "till" }, spec: { ports: [{ port: 80 }] } },
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "disk" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
      },
      {
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "three" },
        spec: {
          minReplicas: 3,
          maxReplicas: 3,
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "three" },
        },
      },
      {
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name: "three" },
        spec: { minAvailable: 1, selector: { matchLabels: { app: "three" } } },
      },
      {
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        metadata: { name: "till" },
        spec: { defaultBackend: { service: { name: "till", port: { number: 80 } } } },
      },
    ];
    const { run, state } = cycleOn(objects.map(here), { holdFor: "2s", deadline: "60s" });
    await until("all are healthy, and stay so", async () => {
      const situation = await run();
      if (state() === "failed") throw new Error(JSON.stringify(situation));
      return state() === "committed";
    });
  });
});
