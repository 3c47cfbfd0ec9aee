import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import { kindNamed } from "./catalog.ts";
import { mapAt } from "./defaults-pod.ts";
import { isDeleting } from "./deletion.ts";
import type { Loop } from "./loop.ts";
import {
  count,
  createPod,
  deletePod,
  isAvailable,
  isReady,
  podsOf,
  specOf,
  statusOfObject,
  templateHash,
  untilAvailable,
  withoutZeros,
} from "./pods.ts";
import type { Resources } from "./resources.ts";
import { labelsOf } from "./selectors.ts";
import { stringAt } from "./store.ts";

const CONTROLLER = "kube-controller-manager";
const REVISION = "controller-revision-hash";

/** StatefulSet (one pod at a time, in order) and DaemonSet (on the one node). Revisions are hashes, without objects. */
export function runSets(loop: Loop, resources: Resources): void {
  loop.control(kindNamed("statefulsets"), (set, target) => {
    if (isDeleting(set)) return undefined;
    const revision = `${set.metadata.name}-${templateHash(specOf(set)["template"])}`;
    const wanted = count(specOf(set)["replicas"], 1);
    movePods(resources, set, wanted, revision);
    const pods = podsOf(resources, set);
    const now = resources.now();
    const updated = pods.filter((pod) => revisionOf(pod) === revision);
    const before = stringAt(statusOfObject(set), "currentRevision");
    const isDone = updated.length === wanted && updated.every(isReady);
    const current = isDone || before === "" ? revision : before;
    const status: JsonObject = {
      observedGeneration: set.metadata["generation"] ?? 1,
      replicas: pods.length,
      ...withoutZeros({
        readyReplicas: pods.filter(isReady).length,
        currentReplicas: pods.filter((pod) => revisionOf(pod) === current).length,
        updatedReplicas: updated.length,
      }),
      availableReplicas: pods.filter((pod) => isAvailable(pod, set, now)).length,
      currentRevision: current,
      updateRevision: revision,
      collisionCount: 0,
    };
    resources.updateStatus(target, CONTROLLER, status);
    return untilAvailable(pods, set, now);
  });

  loop.control(kindNamed("daemonsets"), (set, target) => {
    if (isDeleting(set)) return undefined;
    const revision = templateHash(specOf(set)["template"]);
    const present = podsOf(resources, set);
    const isOnDelete = mapAt(specOf(set), "updateStrategy")?.["type"] === "OnDelete";
    for (const pod of present) if (revisionOf(pod) !== revision && !isOnDelete) deletePod(resources, pod);
    if (podsOf(resources, set).length === 0) {
      createPod(resources, set, `${set.metadata.name}-`, { [REVISION]: revision });
    }
    const pods = podsOf(resources, set);
    const now = resources.now();
    const available = pods.filter((pod) => isAvailable(pod, set, now)).length;
    const status: JsonObject = {
      currentNumberScheduled: pods.length,
      desiredNumberScheduled: 1,
      numberMisscheduled: 0,
      numberReady: pods.filter(isReady).length,
      observedGeneration: set.metadata["generation"] ?? 1,
      ...withoutZeros({
        updatedNumberScheduled: pods.filter((pod) => revisionOf(pod) === revision).length,
        numberAvailable: available,
        numberUnavailable: 1 - available,
      }),
    };
    resources.updateStatus(target, CONTROLLER, status);
    return untilAvailable(pods, set, now);
  });
}

function revisionOf(pod: KubeObject): string {
  return labelsOf(pod)[REVISION] ?? "";
}

function ordinalOf(pod: KubeObject): number {
  return Number(/-(\d+)$/.exec(pod.metadata.name)?.[1] ?? 0);
}

/** The next steps: fill gaps from below, cut from above, then renew from above, each waiting for the ones before. */
function movePods(resources: Resources, set: KubeObject, wanted: number, revision: string): void {
  const isParallel = specOf(set)["podManagementPolicy"] === "Parallel";
  const pods = podsOf(resources, set).toSorted((a, b) => ordinalOf(a) - ordinalOf(b));
  const name = (ordinal: number): string => `${set.metadata.name}-${ordinal}`;
  for (let ordinal = 0; ordinal < wanted; ordinal++) {
    const pod = pods.find((one) => ordinalOf(one) === ordinal);
    if (pod === undefined) {
      const labels = { [REVISION]: revision, "apps.kubernetes.io/pod-index": String(ordinal) };
      createPod(resources, set, name(ordinal), { ...labels, "statefulset.kubernetes.io/pod-name": name(ordinal) });
    }
    if (!isParallel && (pod === undefined || !isReady(pod))) break;
  }
  const extra = pods.filter((pod) => ordinalOf(pod) >= wanted);
  for (const pod of isParallel ? extra : extra.slice(-1)) deletePod(resources, pod);
  const strategy = mapAt(specOf(set), "updateStrategy") ?? {};
  const partition = count(mapAt(strategy, "rollingUpdate")?.["partition"]);
  const isWhole = pods.length === wanted && pods.every((pod) => isReady(pod) || revisionOf(pod) !== revision);
  if (extra.length > 0 || !isWhole || strategy["type"] === "OnDelete") return;
  const stale = pods.filter((pod) => revisionOf(pod) !== revision && ordinalOf(pod) >= partition);
  const last = stale[stale.length - 1];
  if (last !== undefined) deletePod(resources, last);
}
