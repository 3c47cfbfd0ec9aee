import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import { IMAGE } from "../../shared/render/sample.ts";

/** What the bundle of the drift tests holds; `namespace` is put in by the site. */

export const CONFIG: KubeObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "config", labels: { team: "tills" }, annotations: { note: "ours" } },
  data: { a: "1", b: "2" },
};

export const SECRET: KubeObject = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "secret" },
  type: "Opaque",
  data: { pin: Buffer.from("hunter2").toString("base64"), other: Buffer.from("hunter2").toString("base64") },
};

/** Held by a finalizer of the bundle's own. */
export const HELD: KubeObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "held", finalizers: ["skerry.dev/test"] },
  data: { a: "1" },
};

export const SERVICE: KubeObject = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "till" },
  spec: {
    selector: { app: "till" },
    ports: [
      { name: "http", port: 80, targetPort: 8080 },
      { name: "admin", port: 90 },
    ],
  },
};

const CONTAINER: JsonObject = {
  name: "till",
  image: IMAGE,
  args: ["serve", "--fast"],
  ports: [{ name: "http", containerPort: 8080 }],
  env: [
    { name: "A", value: "1" },
    { name: "B", value: "2" },
  ],
  resources: { requests: { cpu: "1000m", memory: "64Mi" } },
  livenessProbe: { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 20 },
  volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
};

export const DEPLOYMENT: KubeObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "till" },
  spec: {
    replicas: 2,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
    selector: { matchLabels: { app: "till" } },
    template: {
      metadata: { labels: { app: "till" } },
      spec: { containers: [CONTAINER], volumes: [{ name: "tmp", emptyDir: {} }], terminationGracePeriodSeconds: 5 },
    },
  },
};

export const CRON: KubeObject = {
  apiVersion: "batch/v1",
  kind: "CronJob",
  metadata: { name: "nightly" },
  spec: {
    schedule: "0 3 1 1 *",
    jobTemplate: {
      spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image: IMAGE }] } } },
    },
  },
};

export const POLICY: KubeObject = {
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "till" },
  spec: {
    podSelector: { matchLabels: { app: "till" } },
    policyTypes: ["Ingress"],
    ingress: [{ ports: [{ port: 8080 }] }],
  },
};

export const ALL = [CONFIG, SECRET, HELD, SERVICE, DEPLOYMENT, CRON, POLICY];
