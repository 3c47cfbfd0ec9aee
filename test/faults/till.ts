import type { KubeObject } from "../../shared/live.ts";

/** The objects of the stories. */

const NAMESPACE = "shop";
const IMAGE = `registry.example/till:1.0.0@sha256:${"ab".repeat(32)}`;

export function namespace(): KubeObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } };
}

export function configMap(name: string, greeting: string): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: NAMESPACE }, data: { greeting } };
}

export function deployment(revision: string, app = "till"): KubeObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "till", namespace: NAMESPACE },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app }, annotations: { revision } },
        spec: { containers: [{ name: "till", image: IMAGE }] },
      },
    },
  };
}

export function service(affinity: string): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "till", namespace: NAMESPACE },
    spec: {
      selector: { app: "till" },
      sessionAffinity: affinity,
      ports: [{ name: "http", port: 80, protocol: "TCP" }],
    },
  };
}

/** A migration, which the lab's kubelet lets succeed. */
export function migration(): KubeObject {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "migrate", namespace: NAMESPACE },
    spec: {
      backoffLimit: 0,
      template: { spec: { restartPolicy: "Never", containers: [{ name: "till", image: IMAGE }] } },
    },
  };
}

/** Path of a config map in the API. */
export function pathOf({ metadata }: KubeObject): string {
  return `/api/v1/namespaces/${NAMESPACE}/configmaps/${metadata.name}`;
}

export function servicePath(): string {
  return `/api/v1/namespaces/${NAMESPACE}/services/till`;
}

/** Where everything that was ever applied would be found. */
export const READ_BACK = [
  { path: "/api/v1/namespaces", apiVersion: "v1", kind: "Namespace" },
  { path: "/api/v1/configmaps", apiVersion: "v1", kind: "ConfigMap" },
  { path: "/api/v1/services", apiVersion: "v1", kind: "Service" },
  { path: "/apis/apps/v1/deployments", apiVersion: "apps/v1", kind: "Deployment" },
  { path: "/apis/batch/v1/jobs", apiVersion: "batch/v1", kind: "Job" },
];
