import { HEALTHY, type Verdict } from "../../shared/health.ts";
import { type JsonObject, type KubeObject, member, members } from "../../shared/live.ts";
import { condition, count, failed, isTrue, progressing, withReason } from "./status.ts";

/** What runs pods, and pods. Each rule is kstatus's; where it differs, it says why. */

/** The API's words for "no deadline": the controller then writes no `Progressing`. */
const NO_DEADLINE = 2 ** 31 - 1;

export function deployment(_object: KubeObject, spec: JsonObject, status: JsonObject): Verdict {
  const progress = condition(status, "Progressing");
  if (progress?.["reason"] === "ProgressDeadlineExceeded") return failed("its progress deadline is exceeded");
  if (unseen(status)) return progressing(UNSEEN);
  if (spec["paused"] === true) return progressing("is paused");
  const wanted = count(spec, "replicas", 1);
  const updated = count(status, "updatedReplicas");
  const ready = count(status, "readyReplicas");
  const available = count(status, "availableReplicas");
  const total = count(status, "replicas");
  if (updated < wanted) return progressing(`${updated} of ${wanted} replicas are updated`);
  if (total > updated) return progressing(`${total - updated} old replicas are still there`);
  if (total > wanted) return progressing(surplus(total, wanted));
  if (ready < wanted) return progressing(`${ready} of ${wanted} replicas are ready`);
  if (available < wanted) return progressing(`${available} of ${wanted} replicas are available`);
  const done = isTrue(progress) && progress?.["reason"] === "NewReplicaSetAvailable";
  if (count(spec, "progressDeadlineSeconds", NO_DEADLINE) !== NO_DEADLINE && !done) {
    return progressing(withReason("its rollout is not complete", progress));
  }
  return isTrue(condition(status, "Available")) ? HEALTHY : progressing("is not Available");
}

/** Stricter: pods that are updated by hand must be ready, too; a rollout without partition ends with one revision. */
export function statefulSet(_object: KubeObject, spec: JsonObject, status: JsonObject): Verdict {
  if (unseen(status)) return progressing(UNSEEN);
  const wanted = count(spec, "replicas", 1);
  const total = count(status, "replicas");
  const ready = count(status, "readyReplicas");
  const available = count(status, "availableReplicas");
  if (total > wanted) return progressing(surplus(total, wanted));
  if (ready < wanted) return progressing(`${ready} of ${wanted} replicas are ready`);
  if (count(spec, "minReadySeconds") > 0 && available < wanted) {
    return progressing(`${available} of ${wanted} replicas are available`);
  }
  if (member(spec, "updateStrategy")["type"] === "OnDelete") return HEALTHY;
  const partition = count(member(member(spec, "updateStrategy"), "rollingUpdate"), "partition");
  const updated = count(status, "updatedReplicas");
  if (updated < wanted - partition) return progressing(`${updated} of ${wanted - partition} replicas are updated`);
  if (partition === 0 && status["currentRevision"] !== status["updateRevision"])
    return progressing("its revisions differ");
  return HEALTHY;
}

/** Otherwise than kstatus: one that is updated by hand does not wait for the hand, as with a StatefulSet. */
export function daemonSet(_object: KubeObject, spec: JsonObject, status: JsonObject): Verdict {
  if (unseen(status) || typeof status["desiredNumberScheduled"] !== "number") return progressing(UNSEEN);
  const wanted = count(status, "desiredNumberScheduled");
  const byHand = member(spec, "updateStrategy")["type"] === "OnDelete";
  for (const [key, words] of [
    ["currentNumberScheduled", "scheduled"],
    ...(byHand ? [] : ([["updatedNumberScheduled", "updated"]] as const)),
    ["numberAvailable", "available"],
    ["numberReady", "ready"],
  ] as const) {
    const have = count(status, key);
    if (have < wanted) return progressing(`${have} of ${wanted} pods are ${words}`);
  }
  return HEALTHY;
}

export function replicaSet(_object: KubeObject, spec: JsonObject, status: JsonObject): Verdict {
  const failure = condition(status, "ReplicaFailure");
  if (isTrue(failure)) return progressing(withReason("cannot make its pods", failure));
  if (unseen(status)) return progressing(UNSEEN);
  const wanted = count(spec, "replicas", 1);
  const total = count(status, "replicas");
  for (const [key, words] of [
    ["fullyLabeledReplicas", "labelled"],
    ["availableReplicas", "available"],
    ["readyReplicas", "ready"],
  ] as const) {
    const have = count(status, key);
    if (have < wanted) return progressing(`${have} of ${wanted} replicas are ${words}`);
  }
  return total > wanted ? progressing(surplus(total, wanted)) : HEALTHY;
}

/** Stricter: kstatus is content with a Job that runs, or that is suspended. What follows a Job relies on what it did. */
export function job(_object: KubeObject, spec: JsonObject, status: JsonObject): Verdict {
  const broken = condition(status, "Failed");
  if (isTrue(broken)) return failed(withReason("job failed", broken));
  if (isTrue(condition(status, "Complete"))) return HEALTHY;
  if (spec["suspend"] === true) return progressing("is suspended");
  const completions = count(spec, "completions", count(spec, "parallelism", 1));
  return progressing(`${count(status, "succeeded")} of ${completions} completions`);
}

/**
 * Stricter: a failed pod is failed; kstatus takes it for done. Otherwise, too: a pod that finds no node for 15 s is failed
 * there, and here when the deadline of its bundle is over, as a node may come back.
 */
export function pod(_object: KubeObject, _spec: JsonObject, status: JsonObject): Verdict {
  const phase = status["phase"];
  if (phase === "Succeeded") return HEALTHY;
  if (phase === "Failed") return failed(withReason("pod failed", status));
  if (isTrue(condition(status, "Ready"))) return HEALTHY;
  const stuck = ["initContainerStatuses", "containerStatuses"]
    .flatMap((list) => members(status, list))
    .find((container) => !STARTS.has(waitingOf(container)["reason"]));
  const because =
    stuck === undefined ? "" : `, ${withReason(`container ${String(stuck["name"])} waits`, waitingOf(stuck))}`;
  if (phase === "Running" && because.endsWith(": CrashLoopBackOff")) return failed(`pod is Running${because}`);
  const scheduled = condition(status, "PodScheduled");
  if (phase === "Pending" && scheduled?.["status"] === "False") {
    return progressing(withReason("pod is not scheduled", scheduled));
  }
  return progressing(typeof phase === "string" ? `pod is ${phase}${because}` : "pod is not scheduled");
}

/** What every container waits for, or that it does not wait. */
const STARTS: ReadonlySet<unknown> = new Set([undefined, "ContainerCreating", "PodInitializing"]);

function waitingOf(container: JsonObject): JsonObject {
  return member(member(container, "state"), "waiting");
}

const UNSEEN = "its controller has not seen it";

function unseen(status: JsonObject): boolean {
  return status["observedGeneration"] === undefined;
}

function surplus(total: number, wanted: number): string {
  return `${total - wanted} replicas too many are still there`;
}
