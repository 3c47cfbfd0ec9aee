import { HEALTHY, type Verdict } from "../../shared/health.ts";
import { type JsonObject, type KubeObject, kindOf, member, members } from "../../shared/live.ts";

/**
 * How an object is, from its own status. The rules are kstatus's (sigs.k8s.io/cli-utils `pkg/kstatus/status`), stricter where
 * those mislead: a Job must be Complete, not only started; a failed Pod is failed; a status that is not there yet is not healthy.
 */
export function healthOf(object: KubeObject): Verdict {
  if (object.metadata["deletionTimestamp"] !== undefined) return progressing("is being deleted");
  const status = member(object, "status");
  const observed = status["observedGeneration"];
  const generation = object.metadata["generation"];
  if (typeof observed === "number" && typeof generation === "number" && observed < generation) {
    return progressing(`controller has seen generation ${observed} of ${generation}`);
  }
  const rule = RULES.get(kindOf(object));
  return rule === undefined ? byConditions(status) : rule(object, member(object, "spec"), status);
}

type Rule = (object: KubeObject, spec: JsonObject, status: JsonObject) => Verdict;

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>(
  Object.entries({
    "Deployment.apps": deployment,
    "StatefulSet.apps": statefulSet,
    "DaemonSet.apps": daemonSet,
    "ReplicaSet.apps": replicaSet,
    "Job.batch": job,
    Pod: pod,
    Service: service,
    PersistentVolumeClaim: claim,
    Namespace: namespace,
    "CustomResourceDefinition.apiextensions.k8s.io": definition,
    "PodDisruptionBudget.policy": () => HEALTHY,
    "CronJob.batch": () => HEALTHY,
  }),
);

function deployment(_object: KubeObject, spec: JsonObject, status: JsonObject): Verdict {
  const progress = condition(status, "Progressing");
  if (progress?.["reason"] === "ProgressDeadlineExceeded") return failed("its progress deadline is exceeded");
  if (status["observedGeneration"] === undefined) return progressing("its controller has not seen it");
  const wanted = count(spec, "replicas", 1);
  const updated = count(status, "updatedReplicas");
  const ready = count(status, "readyReplicas");
  const available = count(status, "availableReplicas");
  const total = count(status, "replicas");
  if (updated < wanted) return progressing(`${updated} of ${wanted} replicas are updated`);
  if (total > updated) return progressing(`${total - updated} old replicas are still there`);
  if (ready < wanted) return progressing(`${ready} of ${wanted} replicas are ready`);
  if (available < wanted) return progressing(`${available} of ${wanted} replicas are available`);
  if (wanted > 0 && condition(status, "Available")?.["status"] !== "True") return progressing("is not Available");
  return HEALTHY;
}

function statefulSet(_object: KubeObject, spec: JsonObject, status: JsonObject): Verdict {
  if (status["observedGeneration"] === undefined) return progressing("its controller has not seen it");
  const wanted = count(spec, "replicas", 1);
  const ready = count(status, "readyReplicas");
  if (ready < wanted) return progressing(`${ready} of ${wanted} replicas are ready`);
  if (member(spec, "updateStrategy")["type"] === "OnDelete") return HEALTHY;
  const partition = count(member(member(spec, "updateStrategy"), "rollingUpdate"), "partition");
  const updated = count(status, "updatedReplicas");
  if (updated < wanted - partition) return progressing(`${updated} of ${wanted - partition} replicas are updated`);
  if (partition === 0 && status["currentRevision"] !== status["updateRevision"])
    return progressing("its revisions differ");
  return HEALTHY;
}

function daemonSet(_object: KubeObject, _spec: JsonObject, status: JsonObject): Verdict {
  if (status["observedGeneration"] === undefined) return progressing("its controller has not seen it");
  const wanted = count(status, "desiredNumberScheduled");
  for (const [key, words] of [
    ["updatedNumberScheduled", "updated"],
    ["numberAvailable", "available"],
    ["numberReady", "ready"],
  ] as const) {
    const have = count(status, key);
    if (have < wanted) return progressing(`${have} of ${wanted} pods are ${words}`);
  }
  return HEALTHY;
}

function replicaSet(_object: KubeObject, spec: JsonObject, status: JsonObject): Verdict {
  const wanted = count(spec, "replicas", 1);
  const available = count(status, "availableReplicas");
  return available < wanted ? progressing(`${available} of ${wanted} replicas are available`) : HEALTHY;
}

function job(_object: KubeObject, spec: JsonObject, status: JsonObject): Verdict {
  const broken = condition(status, "Failed");
  if (broken?.["status"] === "True") return failed(`job failed: ${String(broken["reason"] ?? "no reason given")}`);
  if (condition(status, "Complete")?.["status"] === "True") return HEALTHY;
  if (spec["suspend"] === true) return progressing("is suspended");
  return progressing(`${count(status, "succeeded")} of ${count(spec, "completions", 1)} completions`);
}

function pod(_object: KubeObject, _spec: JsonObject, status: JsonObject): Verdict {
  const phase = status["phase"];
  if (phase === "Succeeded") return HEALTHY;
  if (phase === "Failed") return failed(`pod failed: ${String(status["reason"] ?? "no reason given")}`);
  if (condition(status, "Ready")?.["status"] === "True") return HEALTHY;
  return progressing(`pod is ${typeof phase === "string" ? phase : "not scheduled"}`);
}

function service(_object: KubeObject, spec: JsonObject, status: JsonObject): Verdict {
  if (spec["type"] !== "LoadBalancer") return HEALTHY;
  const ingress = member(status, "loadBalancer")["ingress"];
  return Array.isArray(ingress) && ingress.length > 0 ? HEALTHY : progressing("has no load balancer address");
}

/** A claim that waits for its first consumer is Pending by design, and must not block the workload that would consume it. */
function claim(_object: KubeObject, _spec: JsonObject, status: JsonObject): Verdict {
  const phase = status["phase"];
  if (phase === "Lost") return failed("its volume is lost");
  return phase === "Bound" || phase === "Pending" ? HEALTHY : progressing("has no phase");
}

function namespace(_object: KubeObject, _spec: JsonObject, status: JsonObject): Verdict {
  return status["phase"] === "Active" ? HEALTHY : progressing("is not Active");
}

function definition(_object: KubeObject, _spec: JsonObject, status: JsonObject): Verdict {
  if (condition(status, "NamesAccepted")?.["status"] === "False") return failed("its names are taken");
  return condition(status, "Established")?.["status"] === "True" ? HEALTHY : progressing("is not Established");
}

/** Kinds without a rule: `Reconciling` and `Stalled` as kstatus defines them, and `Ready` where it is there. */
function byConditions(status: JsonObject): Verdict {
  const stalled = condition(status, "Stalled");
  if (stalled?.["status"] === "True") return failed(`is Stalled: ${String(stalled["reason"] ?? "no reason given")}`);
  if (condition(status, "Reconciling")?.["status"] === "True") return progressing("is Reconciling");
  const ready = condition(status, "Ready");
  if (ready !== undefined && ready["status"] !== "True") return progressing("is not Ready");
  return HEALTHY;
}

function progressing(because: string): Verdict {
  return { health: "progressing", because };
}

function failed(because: string): Verdict {
  return { health: "failed", because };
}

function count(of: JsonObject, key: string, otherwise = 0): number {
  const value = of[key];
  return typeof value === "number" ? value : otherwise;
}

function condition(status: JsonObject, type: string): JsonObject | undefined {
  return members(status, "conditions").find((entry) => entry["type"] === type);
}
