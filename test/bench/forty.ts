import type { KubeObject } from "../../shared/live.ts";

const NAMESPACE = "bench";
const IMAGE = `registry.example/till:1.0.0@sha256:${"ab".repeat(32)}`;

/** A bundle's worth of objects as a small site has them: a namespace, 19 config maps, 10 services, 10 deployments. */
export function fortyObjects(greeting = "hello"): KubeObject[] {
  const each = (count: number, make: (name: string) => KubeObject) =>
    Array.from({ length: count }, (_value, index) => make(`till-${index}`));
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
    ...each(19, (name) => configMap(name, greeting)),
    ...each(10, service),
    ...each(10, deployment),
  ];
}

function configMap(name: string, greeting: string): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: NAMESPACE }, data: { greeting } };
}

function service(name: string): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: NAMESPACE, labels: { app: name } },
    spec: { selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }] },
  };
}

function deployment(name: string): KubeObject {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: NAMESPACE, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "till", image: IMAGE }] } },
    },
  };
}

/** Path of an object in the API, for the kinds above. */
export function pathOf({ kind, metadata }: KubeObject): string {
  const group = kind === "Deployment" ? "/apis/apps/v1" : "/api/v1";
  return `${group}/namespaces/${NAMESPACE}/${kind.toLowerCase()}s/${metadata.name}`;
}

/** The collections of what can be edited. */
export const COLLECTIONS = [
  `/api/v1/namespaces/${NAMESPACE}/configmaps`,
  `/api/v1/namespaces/${NAMESPACE}/services`,
  `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`,
];
