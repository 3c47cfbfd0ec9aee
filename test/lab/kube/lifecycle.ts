import { randomUUID } from "node:crypto";
import type { Json, KubeObject } from "../../../shared/live.ts";
import { fill, madeMap, mapAt, mapsAt } from "./defaults-pod.ts";
import { type Kind, resourceOf } from "./kinds.ts";
import { isSame } from "./validation.ts";

/** RFC 3339 without fractions, as Kubernetes prints times. */
export function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

const GENERATIONS = new Set([
  "cronjobs.batch",
  "customresourcedefinitions.apiextensions.k8s.io",
  "daemonsets.apps",
  "deployments.apps",
  "ingresses.networking.k8s.io",
  "jobs.batch",
  "networkpolicies.networking.k8s.io",
  "poddisruptionbudgets.policy",
  "pods",
  "replicasets.apps",
  "statefulsets.apps",
]);

function countsGenerations(kind: Kind): boolean {
  return GENERATIONS.has(resourceOf(kind)) || kind.custom;
}

const SERVER_FIELDS = ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"];

/** Numbers that the server gives out: service addresses and node ports. */
export interface Allocator {
  address(): string;
  nodePort(): number;
}

export function newAllocator(): Allocator {
  let addresses = 10;
  let ports = 30000;
  return {
    address: () => {
      addresses++;
      return `10.96.${Math.floor(addresses / 250)}.${(addresses % 250) + 1}`;
    },
    nodePort: () => ports++,
  };
}

/** What the server itself sets in a new object, in place. */
export function prepareCreate(kind: Kind, object: KubeObject, now: string, allocator: Allocator): void {
  for (const field of ["resourceVersion", "selfLink", ...SERVER_FIELDS]) delete object.metadata[field];
  object.metadata["uid"] = randomUUID();
  object.metadata["creationTimestamp"] = now;
  if (countsGenerations(kind)) object.metadata["generation"] = 1;
  if (kind.status) delete object["status"];
  const spec = mapAt(object, "spec") ?? {};
  const resource = resourceOf(kind);
  if (resource === "namespaces") {
    madeMap(object, "spec")["finalizers"] = ["kubernetes"];
    object["status"] = { phase: "Active" };
  } else if (resource === "persistentvolumeclaims" || resource === "pods") object["status"] = { phase: "Pending" };
  else if (resource === "services") {
    allocate(spec, allocator);
    object["status"] = { loadBalancer: {} };
  } else if (resource === "ingresses.networking.k8s.io") object["status"] = { loadBalancer: {} };
  else if (resource === "jobs.batch") nameJobPods(object, spec);
  else if (kind.status && !kind.custom) object["status"] = {};
  settleSecret(resource, object);
}

function allocate(spec: { [key: string]: Json }, allocator: Allocator): void {
  if (spec["type"] !== "ExternalName") {
    fill(spec, { clusterIP: allocator.address() });
    fill(spec, { clusterIPs: [spec["clusterIP"] ?? ""], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" });
  }
  if (spec["type"] === "NodePort" || spec["type"] === "LoadBalancer") {
    for (const port of mapsAt(spec, "ports")) fill(port, { nodePort: allocator.nodePort() });
  }
}

/** A Job selects its pods by its own UID. */
function nameJobPods(object: KubeObject, spec: { [key: string]: Json }): void {
  object["status"] = {};
  if (spec["manualSelector"] === true) return;
  const uid = String(object.metadata["uid"]);
  const name = object.metadata.name;
  spec["selector"] = { matchLabels: { "batch.kubernetes.io/controller-uid": uid } };
  const labels = madeMap(madeMap(madeMap(spec, "template"), "metadata"), "labels");
  fill(labels, {
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  });
}

/** `stringData` is for writing only: it becomes `data`. */
function settleSecret(resource: string, object: KubeObject): void {
  const plain = mapAt(object, "stringData");
  if (resource !== "secrets" || plain === null) return;
  const data = madeMap(object, "data");
  for (const [key, value] of Object.entries(plain)) data[key] = Buffer.from(String(value)).toString("base64");
  delete object["stringData"];
}

/**
 * Carries over what this endpoint does not write, and counts the generation, in place.
 * `endpoint` is "" or "status"; the latter writes nothing but the status.
 */
export function prepareUpdate(
  kind: Kind,
  live: KubeObject,
  next: KubeObject,
  endpoint: string,
  allocator: Allocator,
): KubeObject {
  const object = endpoint === "status" ? { ...structuredClone(live), status: next["status"] ?? {} } : next;
  if (endpoint === "status") {
    const fields = next.metadata["managedFields"];
    if (fields === undefined) delete object.metadata["managedFields"];
    else object.metadata["managedFields"] = fields;
    return object;
  }
  for (const field of ["resourceVersion", ...SERVER_FIELDS]) {
    const value = live.metadata[field];
    if (value === undefined) delete object.metadata[field];
    else object.metadata[field] = value;
  }
  if (kind.status) {
    if (live["status"] === undefined) delete object["status"];
    else object["status"] = live["status"];
  }
  const resource = resourceOf(kind);
  settleSecret(resource, object);
  const spec = mapAt(object, "spec") ?? {};
  const old = mapAt(live, "spec") ?? {};
  if (resource === "services") keepAllocated(old, spec, allocator);
  if (resource === "namespaces") madeMap(object, "spec")["finalizers"] = old["finalizers"] ?? [];
  if (resource === "jobs.batch" && spec["selector"] === undefined) keepJobNames(old, spec);
  if (countsGenerations(kind) && !isSame(bodyOf(kind, live), bodyOf(kind, object))) {
    object.metadata["generation"] = Number(live.metadata["generation"] ?? 0) + 1;
  }
  return object;
}

function bodyOf(kind: Kind, object: KubeObject): Json {
  const { metadata: _metadata, status, ...rest } = object;
  return kind.status ? rest : { ...rest, status: status ?? null };
}

function keepAllocated(old: { [key: string]: Json }, spec: { [key: string]: Json }, allocator: Allocator): void {
  const kept = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"];
  if (spec["type"] !== "ExternalName") {
    for (const field of kept) {
      const value = old[field];
      if (value !== undefined) spec[field] ??= value;
    }
  }
  const oldPorts = mapsAt(old, "ports");
  if (spec["type"] === "NodePort" || spec["type"] === "LoadBalancer") {
    for (const port of mapsAt(spec, "ports")) {
      const before = oldPorts.find((one) => one["port"] === port["port"] && one["protocol"] === port["protocol"]);
      const nodePort = before?.["nodePort"];
      if (nodePort !== undefined) port["nodePort"] ??= nodePort;
    }
  }
  allocate(spec, allocator);
}

function keepJobNames(old: { [key: string]: Json }, spec: { [key: string]: Json }): void {
  const selector = old["selector"];
  if (selector !== undefined) spec["selector"] = selector;
  const template = mapAt(spec, "template");
  const before = mapAt(mapAt(mapAt(old, "template") ?? {}, "metadata") ?? {}, "labels") ?? {};
  if (template === null) return;
  const labels = madeMap(madeMap(template, "metadata"), "labels");
  for (const key of [
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
  ]) {
    const value = before[key];
    if (value !== undefined) labels[key] ??= value;
  }
}
