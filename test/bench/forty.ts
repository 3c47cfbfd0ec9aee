import type { KubeObject } from "../../shared/live.ts";

const NAMESPACE = "bench";
const IMAGE = `registry.example/till:1.0.0@sha256:${"ab".repeat(32)}`;

/** A bundle's worth of objects as a small site has them: a namespace, 19 config maps, 10 services, 10 deployments. */
export function fortyObjects(greeting = "hello"): KubeObject[] {
  return objects({ greeting, configMaps: 19, services: 10, deployments: 10, replicas: 1 });
}

/** A large bundle: a namespace, and beside config maps 125 services and 125 deployments, which run nothing. */
export function manyObjects(count: number, greeting = "hello"): KubeObject[] {
  return objects({ greeting, configMaps: count - 251, services: 125, deployments: 125, replicas: 0 });
}

function objects(of: {
  greeting: string;
  configMaps: number;
  services: number;
  deployments: number;
  replicas: number;
}): KubeObject[] {
  const each = (count: number, make: (name: string) => KubeObject) =>
    Array.from({ length: count }, (_value, index) => make(`till-${index}`));
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
    ...each(of.configMaps, (name) => configMap(name, of.greeting)),
    ...each(of.services, service),
    ...each(of.deployments, (name) => deployment(name, of.replicas)),
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

function deployment(name: string, replicas: number): KubeObject {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: NAMESPACE, labels },
    spec: {
      replicas,
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
