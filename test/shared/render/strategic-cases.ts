import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";

/** What kubectl was asked to merge; its answers lie in `test/golden/render/strategic/`, recorded by `record-strategic.ts`. */
export interface StrategicCase {
  object: KubeObject;
  patch: JsonObject;
}

const CONTAINERS: Json = [
  {
    name: "till",
    image: "till:1",
    env: [
      { name: "A", value: "1" },
      { name: "B", value: "2" },
    ],
    ports: [
      { containerPort: 80, protocol: "TCP", name: "web" },
      { containerPort: 53, protocol: "UDP" },
    ],
    volumeMounts: [
      { name: "data", mountPath: "/data" },
      { name: "conf", mountPath: "/conf" },
    ],
    args: ["--a", "--b"],
    resources: { limits: { cpu: "1", memory: "1Gi" } },
  },
  { name: "side", image: "side:1" },
];

const POD: JsonObject = {
  containers: CONTAINERS,
  volumes: [
    { name: "data", emptyDir: {} },
    { name: "conf", configMap: { name: "conf" } },
  ],
  tolerations: [{ key: "a", operator: "Exists" }],
  imagePullSecrets: [{ name: "one" }],
  hostAliases: [{ ip: "10.0.0.1", hostnames: ["a"] }],
  topologySpreadConstraints: [{ topologyKey: "zone", maxSkew: 1 }],
  nodeSelector: { disk: "ssd", arch: "arm" },
};

function deployment(patch: JsonObject): StrategicCase {
  const metadata = {
    name: "till",
    namespace: "shop",
    labels: { app: "till" },
    finalizers: ["x.io/a", "x.io/b", "x.io/c"],
  };
  const spec = {
    replicas: 1,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } },
    template: { spec: POD },
  };
  return { object: { apiVersion: "apps/v1", kind: "Deployment", metadata, spec }, patch };
}

const pod = (spec: JsonObject) => deployment({ spec: { template: { spec } } });
const till = (change: JsonObject) => pod({ containers: [{ name: "till", ...change }] });

function other(apiVersion: string, kind: string, rest: JsonObject, patch: JsonObject): StrategicCase {
  return { object: { apiVersion, kind, metadata: { name: "till", namespace: "shop" }, ...rest }, patch };
}

export const CASES: Readonly<Record<string, StrategicCase>> = {
  "scalar-replaced": deployment({ spec: { replicas: 3 } }),
  "map-merged": deployment({ metadata: { labels: { tier: "front" }, annotations: { note: "x" } } }),
  "null-deletes": deployment({ metadata: { labels: { app: null, absent: null } }, spec: { replicas: null } }),
  "null-in-a-new-map": deployment({ spec: { selector: { matchLabels: { a: "b", c: null } } } }),
  "type-changed": deployment({ spec: { strategy: "none", replicas: { a: 1 } } }),
  "containers-by-name": till({ image: "till:2" }),
  "container-added": pod({ containers: [{ name: "third", image: "third:1" }] }),
  "containers-in-the-order-of-the-patch": pod({ containers: [{ name: "side", image: "side:2" }, { name: "till" }] }),
  "container-added-between": pod({
    containers: [
      { name: "new", image: "n" },
      { name: "side", image: "side:2" },
    ],
  }),
  "container-deleted": pod({ containers: [{ name: "side", $patch: "delete" }] }),
  "container-deleted-that-is-not-there": pod({ containers: [{ name: "none", $patch: "delete" }] }),
  "containers-replaced": pod({ containers: [{ $patch: "replace" }, { name: "only", image: "only:1" }] }),
  "containers-without-a-name": pod({ containers: [{ image: "x" }] }),
  "containers-merge-directive": pod({ containers: [{ name: "till", $patch: "merge" }] }),
  "containers-unknown-directive": pod({ containers: [{ name: "till", $patch: "shred" }] }),
  "containers-in-set-order": pod({
    "$setElementOrder/containers": [{ name: "side" }, { name: "till" }],
    containers: [{ name: "till", image: "till:3" }],
  }),
  "containers-out-of-set-order": pod({
    "$setElementOrder/containers": [{ name: "side" }, { name: "till" }],
    containers: [{ name: "till" }, { name: "side" }],
  }),
  "init-containers-where-there-were-none": pod({
    initContainers: [{ name: "init", image: "i", env: [{ name: "A" }] }],
  }),
  "ephemeral-containers-added": pod({ ephemeralContainers: [{ name: "debug", image: "d" }] }),
  "env-by-name": till({
    env: [
      { name: "B", value: "3" },
      { name: "C", value: "4" },
    ],
  }),
  "env-deleted": till({ env: [{ name: "A", $patch: "delete" }] }),
  "env-value-to-value-from": till({ env: [{ name: "A", value: null, valueFrom: { fieldRef: { fieldPath: "x" } } }] }),
  "ports-by-container-port": till({ ports: [{ containerPort: 80, name: "http" }] }),
  "ports-of-both-protocols-are-one": till({ ports: [{ containerPort: 53, protocol: "TCP" }] }),
  "mounts-by-path": till({ volumeMounts: [{ mountPath: "/conf", readOnly: true, name: "conf" }] }),
  "args-replaced-whole": till({ args: ["--c"] }),
  "resources-merged": till({ resources: { limits: { cpu: "2" }, requests: { cpu: "1" } } }),
  "resources-replaced": till({ resources: { $patch: "replace", limits: { cpu: "2" } } }),
  "resources-emptied": till({ resources: { $patch: "delete" } }),
  "volume-merged-keeps-both-sources": pod({ volumes: [{ name: "data", hostPath: { path: "/" } }] }),
  "volume-retains-keys": pod({
    volumes: [{ name: "data", $retainKeys: ["name", "secret"], secret: { secretName: "s" } }],
  }),
  "retain-keys-that-lack-one": pod({ volumes: [{ name: "data", $retainKeys: ["name"], secret: { secretName: "s" } }] }),
  "strategy-retains-keys": deployment({ spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } }),
  "tolerations-replaced-whole": pod({ tolerations: [{ key: "b", operator: "Exists" }] }),
  "pull-secrets-merged": pod({ imagePullSecrets: [{ name: "two" }, { name: "one" }] }),
  "host-aliases-by-ip": pod({
    hostAliases: [
      { ip: "10.0.0.1", hostnames: ["b"] },
      { ip: "10.0.0.2", hostnames: [] },
    ],
  }),
  "topology-by-key": pod({ topologySpreadConstraints: [{ topologyKey: "zone", maxSkew: 2 }, { topologyKey: "host" }] }),
  "node-selector-replaced": pod({ nodeSelector: { $patch: "replace", disk: "hdd" } }),
  "finalizers-added": deployment({ metadata: { finalizers: ["x.io/d", "x.io/b"] } }),
  "finalizers-deleted": deployment({ metadata: { "$deleteFromPrimitiveList/finalizers": ["x.io/a", "x.io/z"] } }),
  "finalizers-in-set-order": deployment({
    metadata: {
      "$setElementOrder/finalizers": ["x.io/c", "x.io/e", "x.io/a"],
      "$deleteFromPrimitiveList/finalizers": ["x.io/b"],
      finalizers: ["x.io/e"],
    },
  }),
  "directive-in-a-map": deployment({ spec: { strategy: { $patch: "merge", type: "Recreate" } } }),
  "root-replaced": deployment({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "x" },
    $patch: "replace",
  }),
  "service-ports-by-port": other(
    "v1",
    "Service",
    { spec: { ports: [{ port: 80, targetPort: 8080 }, { port: 443 }] } },
    {
      spec: {
        ports: [
          { port: 80, targetPort: 9090 },
          { port: 53, protocol: "UDP" },
        ],
      },
    },
  ),
  "config-map-data": other(
    "v1",
    "ConfigMap",
    { data: { a: "1", b: "2" } },
    { data: { a: "3", b: null, metadata: "4" } },
  ),
  "ingress-rules-replaced-whole": other(
    "networking.k8s.io/v1",
    "Ingress",
    { spec: { rules: [{ host: "a" }, { host: "b" }] } },
    { spec: { rules: [{ host: "c" }] } },
  ),
  "budget-selector-replaced": other(
    "policy/v1",
    "PodDisruptionBudget",
    { spec: { minAvailable: 1, selector: { matchLabels: { a: "1" } } } },
    { spec: { selector: { matchLabels: { b: "2" } } } },
  ),
  "cron-job-nested": other(
    "batch/v1",
    "CronJob",
    { spec: { jobTemplate: { spec: { template: { spec: POD } } } } },
    { spec: { jobTemplate: { spec: { template: { spec: { containers: [{ name: "side", image: "side:2" }] } } } } } },
  ),
  "webhooks-by-name": other(
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
    { webhooks: [{ name: "a.x.io", matchConditions: [{ name: "m", expression: "true" }] }] },
    { webhooks: [{ name: "a.x.io", matchConditions: [{ name: "n", expression: "true" }] }] },
  ),
  "custom-kind": other("stable.example.com/v1", "CronTab", { spec: { a: 1 } }, { spec: { a: 2 } }),
  "definition-of-a-custom-kind": other(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    { spec: { scope: "Namespaced" } },
    { spec: { scope: "Cluster" } },
  ),
};
