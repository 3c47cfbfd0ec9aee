import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import { kindNamed } from "./catalog.ts";
import { mapAt, mapsAt } from "./defaults-pod.ts";
import { isDeleting } from "./deletion.ts";
import { timestamp } from "./lifecycle.ts";
import { type Loop, targetOf } from "./loop.ts";
import {
  count,
  createPod,
  deletePod,
  isAvailable,
  isOwnedBy,
  isReady,
  ownerOf,
  podsOf,
  specOf,
  statusOfObject,
  templateHash,
  untilAvailable,
  withCondition,
  withoutZeros,
} from "./pods.ts";
import type { Resources } from "./resources.ts";
import { namespaceOf, uidOf } from "./store.ts";

const DEPLOYMENTS = kindNamed("deployments");
const SETS = kindNamed("replicasets");
const CONTROLLER = "kube-controller-manager";
const HASH = "pod-template-hash";
const REVISION = "deployment.kubernetes.io/revision";

/** Deployment to ReplicaSets to pods, with the statuses of the real controllers. */
export function runDeployments(loop: Loop, resources: Resources): void {
  const progress = new Map<string, { state: string; since: number }>();
  loop.control(SETS, (set, target) => {
    if (isDeleting(set)) return undefined;
    const pods = podsOf(resources, set);
    const wanted = count(specOf(set)["replicas"], 1);
    const labels = set.metadata["labels"];
    const hash = mapAt({ labels: labels ?? {} }, "labels")?.[HASH];
    const extra = hash === undefined ? {} : { [HASH]: String(hash) };
    for (let n = pods.length; n < wanted; n++) createPod(resources, set, `${set.metadata.name}-`, extra);
    const unwanted = [...pods]
      .toSorted((a, b) => Number(isReady(a)) - Number(isReady(b)))
      .slice(0, pods.length - wanted);
    if (pods.length > wanted) for (const pod of unwanted) deletePod(resources, pod);
    const left = podsOf(resources, set);
    const now = resources.now();
    const status = withoutZeros({
      fullyLabeledReplicas: left.length,
      readyReplicas: left.filter(isReady).length,
      availableReplicas: left.filter((pod) => isAvailable(pod, set, now)).length,
    });
    const observedGeneration = set.metadata["generation"] ?? 1;
    resources.updateStatus(target, CONTROLLER, { replicas: left.length, ...status, observedGeneration });
    return untilAvailable(left, set, now);
  });

  loop.control(DEPLOYMENTS, (deployment, target) => {
    if (isDeleting(deployment)) return undefined;
    const { current, isNew } = currentSet(resources, deployment);
    const sets = setsOf(resources, deployment);
    if (specOf(deployment)["paused"] !== true) scaleSets(resources, deployment, current, sets);
    const now = resources.now();
    const status = deploymentStatus(deployment, setsOf(resources, deployment), current);
    const key = uidOf(deployment);
    const state = JSON.stringify({ ...status, conditions: null, current: current.metadata.name });
    const known = progress.get(key);
    const since = known?.state === state ? known.since : performance.now();
    progress.set(key, { state, since });
    const left = deadlineOf(deployment) - (performance.now() - since);
    const moved = { isNew, moved: known?.state !== state, late: left <= 0 };
    status["conditions"] = conditionsOf(deployment, status, current, moved, now);
    resources.updateStatus(target, CONTROLLER, status);
    return isComplete(deployment, status) || left <= 0 ? undefined : left;
  });
}

function setsOf(resources: Resources, deployment: KubeObject): KubeObject[] {
  const all = resources.store.list(SETS, namespaceOf(deployment));
  return all.filter((set) => isOwnedBy(set, deployment) && !isDeleting(set));
}

function revisionOf(object: KubeObject): number {
  return Number(mapAt(object.metadata, "annotations")?.[REVISION] ?? 0);
}

/** The set of the Deployment's template, made where there is none; the Deployment carries its revision. */
function currentSet(resources: Resources, deployment: KubeObject): { current: KubeObject; isNew: boolean } {
  const spec = specOf(deployment);
  const template = mapAt(spec, "template") ?? {};
  const hash = templateHash(template);
  const sets = setsOf(resources, deployment);
  const name = `${deployment.metadata.name}-${hash}`;
  const found = sets.find((set) => set.metadata.name === name);
  const newest = Math.max(0, ...sets.map(revisionOf));
  const revision = found !== undefined && revisionOf(found) === newest ? newest : newest + 1;
  const writing = { manager: CONTROLLER, subresource: "", dryRun: false };
  const annotate = (live: KubeObject): Json => {
    const annotations = { ...mapAt(live.metadata, "annotations"), [REVISION]: String(revision) };
    return { ...live, metadata: { ...live.metadata, annotations } };
  };
  if (revisionOf(deployment) !== revision) resources.update(targetOf(DEPLOYMENTS, deployment), writing, annotate);
  if (found !== undefined) {
    if (revisionOf(found) === revision) return { current: found, isNew: false };
    return { current: resources.update(targetOf(SETS, found), writing, annotate), isNew: false };
  }
  const metadata = mapAt(template, "metadata") ?? {};
  const labels = { ...mapAt(metadata, "labels"), [HASH]: hash };
  const matchLabels = { ...mapAt(mapAt(spec, "selector") ?? {}, "matchLabels"), [HASH]: hash };
  const set = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name, labels, annotations: { [REVISION]: String(revision) }, ownerReferences: [ownerOf(deployment)] },
    spec: {
      replicas: 0,
      minReadySeconds: spec["minReadySeconds"] ?? 0,
      selector: { ...mapAt(spec, "selector"), matchLabels },
      template: { ...template, metadata: { ...metadata, labels } },
    },
  };
  return {
    current: resources.create(SETS, namespaceOf(deployment), structuredClone(set), writing),
    isNew: true,
  };
}

function scaled(resources: Resources, set: KubeObject, replicas: number): void {
  if (count(specOf(set)["replicas"]) === replicas) return;
  const writing = { manager: CONTROLLER, subresource: "", dryRun: false };
  resources.update(targetOf(SETS, set), writing, (live) => ({ ...live, spec: { ...specOf(live), replicas } }));
}

/** `25%` of the wanted replicas, or a number. */
function share(value: Json | undefined, wanted: number, round: (n: number) => number): number {
  if (typeof value === "string") return round((Number.parseFloat(value) / 100) * wanted);
  return count(value);
}

function scaleSets(resources: Resources, deployment: KubeObject, current: KubeObject, sets: KubeObject[]): void {
  const spec = specOf(deployment);
  const wanted = count(spec["replicas"], 1);
  const old = sets.filter((set) => set.metadata.name !== current.metadata.name);
  const strategy = mapAt(spec, "strategy") ?? {};
  const replicas = (set: KubeObject): number => count(specOf(set)["replicas"]);
  const available = (set: KubeObject): number => count(statusOfObject(set)["availableReplicas"]);
  if (strategy["type"] === "Recreate") {
    for (const set of old) scaled(resources, set, 0);
    const isLeft = old.some((set) => replicas(set) > 0 || count(statusOfObject(set)["replicas"]) > 0);
    if (!isLeft) scaled(resources, current, wanted);
    return;
  }
  const rolling = mapAt(strategy, "rollingUpdate") ?? {};
  const surge = share(rolling["maxSurge"], wanted, Math.ceil);
  const missing = share(rolling["maxUnavailable"], wanted, Math.floor);
  const allowedMissing = surge === 0 && missing === 0 ? 1 : missing;
  const total = sets.reduce((sum, set) => sum + replicas(set), 0);
  const room = Math.max(0, wanted + surge - total);
  const grown = Math.min(wanted, replicas(current) + room);
  scaled(resources, current, grown);
  let spare = total - (wanted - allowedMissing) - (replicas(current) - available(current));
  // Sick pods of old sets go first: they serve nobody.
  for (const set of [...old].toSorted((a, b) => available(a) - available(b))) {
    const cut = Math.max(0, Math.min(replicas(set), spare));
    spare -= cut;
    scaled(resources, set, replicas(set) - cut);
  }
}

function deploymentStatus(deployment: KubeObject, sets: KubeObject[], current: KubeObject): JsonObject {
  const sum = (field: string): number => sets.reduce((all, set) => all + count(statusOfObject(set)[field]), 0);
  const updated = sets.find((set) => set.metadata.name === current.metadata.name);
  const available = sum("availableReplicas");
  const replicas = sum("replicas");
  const wanted = count(specOf(deployment)["replicas"], 1);
  return {
    observedGeneration: deployment.metadata["generation"] ?? 1,
    ...withoutZeros({
      replicas,
      updatedReplicas: updated === undefined ? 0 : count(statusOfObject(updated)["replicas"]),
      readyReplicas: sum("readyReplicas"),
      availableReplicas: available,
      unavailableReplicas: Math.max(0, Math.max(wanted, replicas) - available),
    }),
  };
}

function isComplete(deployment: KubeObject, status: JsonObject): boolean {
  const wanted = count(specOf(deployment)["replicas"], 1);
  const counts = ["replicas", "updatedReplicas", "availableReplicas"];
  return counts.every((field) => count(status[field]) === wanted);
}

function deadlineOf(deployment: KubeObject): number {
  return count(specOf(deployment)["progressDeadlineSeconds"], 600) * 1000;
}

function conditionsOf(
  deployment: KubeObject,
  status: JsonObject,
  current: KubeObject,
  moved: { isNew: boolean; moved: boolean; late: boolean },
  now: Date,
): JsonObject[] {
  const spec = specOf(deployment);
  const wanted = count(spec["replicas"], 1);
  const rolling = mapAt(mapAt(spec, "strategy") ?? {}, "rollingUpdate");
  const missing = rolling === null ? 0 : share(rolling["maxUnavailable"], wanted, Math.floor);
  const isUp = count(status["availableReplicas"]) >= wanted - missing;
  const old = mapsAt(statusOfObject(deployment), "conditions");
  const available = {
    type: "Available",
    status: isUp ? "True" : "False",
    reason: isUp ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
    message: isUp ? "Deployment has minimum availability." : "Deployment does not have minimum availability.",
  };
  const before = old.find((condition) => condition["type"] === "Progressing");
  const name = `ReplicaSet "${current.metadata.name}"`;
  const progressing = (reason: string, message: string, isTrue = true): JsonObject => ({
    type: "Progressing",
    status: isTrue ? "True" : "False",
    reason,
    message,
  });
  let next: JsonObject =
    before ?? progressing("NewReplicaSetCreated", `Created new replica set "${current.metadata.name}"`);
  if (isComplete(deployment, status)) {
    next = progressing("NewReplicaSetAvailable", `${name} has successfully progressed.`);
  } else if (moved.isNew) {
    next = progressing("NewReplicaSetCreated", `Created new replica set "${current.metadata.name}"`);
  } else if (moved.moved) next = progressing("ReplicaSetUpdated", `${name} is progressing.`);
  else if (moved.late && before?.["reason"] !== "NewReplicaSetAvailable") {
    next = progressing("ProgressDeadlineExceeded", `${name} has timed out progressing.`, false);
  }
  let conditions = old;
  for (const condition of [available, next]) {
    const known = old.find((one) => one["type"] === condition["type"]);
    const isSame = known?.["status"] === condition["status"] && known?.["reason"] === condition["reason"];
    if (isSame && !(moved.moved && condition === next)) continue;
    conditions = withCondition(conditions, { ...condition, lastUpdateTime: timestamp(now) }, now);
  }
  return conditions;
}
