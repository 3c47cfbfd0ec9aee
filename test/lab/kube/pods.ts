import { createHash } from "node:crypto";
import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import { kindNamed } from "./catalog.ts";
import { mapAt, mapsAt } from "./defaults-pod.ts";
import { isDeleting, remove } from "./deletion.ts";
import { timestamp } from "./lifecycle.ts";
import { targetOf } from "./loop.ts";
import type { Resources } from "./resources.ts";
import { isMap } from "./schema.ts";
import { labelsOf } from "./selectors.ts";
import { namespaceOf, stringAt, uidOf } from "./store.ts";

export const NODE = "lab-node";
const PODS = kindNamed("pods");

/** Ten characters that change with the template. */
export function templateHash(template: Json | undefined): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(template ?? null)))
    .digest("hex")
    .slice(0, 10);
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sorted(value[key] ?? null)]),
  );
}

export function specOf(object: KubeObject): JsonObject {
  return mapAt(object, "spec") ?? {};
}

export function statusOfObject(object: KubeObject): JsonObject {
  return mapAt(object, "status") ?? {};
}

export function count(value: Json | undefined, fallback = 0): number {
  return typeof value === "number" ? value : fallback;
}

export function ownerOf(object: KubeObject): JsonObject {
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name: object.metadata.name,
    uid: uidOf(object),
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function isOwnedBy(object: KubeObject, owner: KubeObject): boolean {
  return mapsAt(object.metadata, "ownerReferences").some((reference) => reference["uid"] === uidOf(owner));
}

export function podsOf(resources: Resources, owner: KubeObject): KubeObject[] {
  return resources.store.list(PODS, namespaceOf(owner)).filter((pod) => isOwnedBy(pod, owner) && !isDeleting(pod));
}

/** A pod of the owner's template, on the lab's one node at once. `name` ends with "-": the rest is made up. */
export function createPod(resources: Resources, owner: KubeObject, name: string, labels: Record<string, string>): void {
  const template = mapAt(specOf(owner), "template") ?? {};
  const metadata = mapAt(template, "metadata") ?? {};
  const naming = name.endsWith("-") ? { generateName: name } : { name };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...naming,
      labels: { ...mapAt(metadata, "labels"), ...labels },
      ...(metadata["annotations"] === undefined ? {} : { annotations: metadata["annotations"] }),
      ownerReferences: [ownerOf(owner)],
    },
    spec: { ...mapAt(template, "spec"), nodeName: NODE },
  };
  const writing = { manager: "kube-controller-manager", subresource: "", dryRun: false };
  resources.create(PODS, namespaceOf(owner), structuredClone(pod), writing);
}

export function deletePod(resources: Resources, pod: KubeObject): void {
  const options = { uid: "", resourceVersion: "", propagation: "Background", gracePeriodSeconds: null, dryRun: false };
  remove(resources.store, targetOf(PODS, pod), options, resources.now());
}

export function phaseOf(pod: KubeObject): string {
  return stringAt(statusOfObject(pod), "phase");
}

export function isReady(pod: KubeObject): boolean {
  return readySince(pod) !== null;
}

/** Ready for at least `minReadySeconds` of the owner. */
export function isAvailable(pod: KubeObject, owner: KubeObject, now: Date): boolean {
  const since = readySince(pod);
  return since !== null && now.getTime() - since >= count(specOf(owner)["minReadySeconds"]) * 1000;
}

function readySince(pod: KubeObject): number | null {
  const ready = mapsAt(statusOfObject(pod), "conditions").find((condition) => condition["type"] === "Ready");
  return ready?.["status"] === "True" ? Date.parse(String(ready["lastTransitionTime"])) : null;
}

/** Where a ready pod is not yet available: when to look again, in milliseconds. */
export function untilAvailable(pods: KubeObject[], owner: KubeObject, now: Date): number | undefined {
  return pods.some((pod) => isReady(pod) && !isAvailable(pod, owner, now)) ? 250 : undefined;
}

/** What the lab's kubelet does with a pod: by label `skerry.dev/test`, else by an image tag that ends so. */
export function fateOf(pod: KubeObject): "ready" | "stuck" | "crash" {
  const wanted = new Set([
    labelsOf(pod)["skerry.dev/test"] ?? "",
    ...mapsAt(specOf(pod), "containers").map((container) => {
      const [image = ""] = String(container["image"]).split("@");
      return /:[\w.-]*?(stuck|crash)$/.exec(image)?.[1] ?? "";
    }),
  ]);
  if (wanted.has("stuck")) return "stuck";
  return wanted.has("crash") ? "crash" : "ready";
}

/** A condition in a list, its time of change kept where its status stays. */
export function withCondition(conditions: JsonObject[], next: JsonObject, now: Date): JsonObject[] {
  const at = timestamp(now);
  const old = conditions.find((condition) => condition["type"] === next["type"]);
  const lastTransitionTime = old?.["status"] === next["status"] ? (old?.["lastTransitionTime"] ?? at) : at;
  const rest = conditions.filter((condition) => condition["type"] !== next["type"]);
  return [...rest, { ...next, lastTransitionTime }];
}

/** Zero counts are left out, as Go does. */
export function withoutZeros(status: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0));
}
