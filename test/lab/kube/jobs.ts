import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import { kindNamed } from "./catalog.ts";
import { mapsAt } from "./defaults-pod.ts";
import { isDeleting, remove } from "./deletion.ts";
import { timestamp } from "./lifecycle.ts";
import type { Loop } from "./loop.ts";
import {
  count,
  createPod,
  deletePod,
  isReady,
  phaseOf,
  podsOf,
  specOf,
  statusOfObject,
  withCondition,
  withoutZeros,
} from "./pods.ts";
import type { Resources } from "./resources.ts";

const CONTROLLER = "kube-controller-manager";

/** Jobs: pods until enough succeeded, or too many failed. Finished ones go after their TTL. */
export function runJobs(loop: Loop, resources: Resources): void {
  loop.control(kindNamed("jobs"), (job, target) => {
    if (isDeleting(job)) return undefined;
    const now = resources.now();
    const finished = finishedAt(job);
    if (finished !== null) {
      const ttl = specOf(job)["ttlSecondsAfterFinished"];
      if (typeof ttl !== "number") return undefined;
      const left = finished + ttl * 1000 - now.getTime();
      if (left > 0) return left;
      const options = { uid: "", resourceVersion: "", gracePeriodSeconds: null, dryRun: false };
      remove(resources.store, target, { ...options, propagation: "Foreground" }, now);
      return undefined;
    }
    const status = movedOn(resources, job, now);
    resources.updateStatus(target, CONTROLLER, status);
    const deadline = specOf(job)["activeDeadlineSeconds"];
    if (typeof deadline !== "number") return undefined;
    return Math.max(0, Date.parse(String(status["startTime"])) + deadline * 1000 - now.getTime());
  });
}

function finishedAt(job: KubeObject): number | null {
  const conditions = mapsAt(statusOfObject(job), "conditions");
  const last = conditions.find((one) => one["type"] === "Complete" || one["type"] === "Failed");
  return last?.["status"] === "True" ? Date.parse(String(last["lastTransitionTime"])) : null;
}

function movedOn(resources: Resources, job: KubeObject, now: Date): JsonObject {
  const spec = specOf(job);
  const before = statusOfObject(job);
  const old = mapsAt(before, "conditions");
  const pods = podsOf(resources, job);
  const succeeded = pods.filter((pod) => phaseOf(pod) === "Succeeded").length;
  const failed = pods.filter((pod) => phaseOf(pod) === "Failed").length;
  const running = pods.filter((pod) => !["Succeeded", "Failed"].includes(phaseOf(pod)));
  if (spec["suspend"] === true) {
    for (const pod of running) deletePod(resources, pod);
    const suspended = { type: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended" };
    return { ...before, conditions: withCondition(old, { ...suspended, lastProbeTime: timestamp(now) }, now) };
  }
  const startTime = before["startTime"] ?? timestamp(now);
  const base: JsonObject = { startTime, ...withoutZeros({ succeeded, failed }) };
  base["uncountedTerminatedPods"] = {};
  const end = (types: string[], reason: string, message: string): JsonObject[] => {
    for (const pod of running) deletePod(resources, pod);
    let conditions = old;
    for (const type of types) {
      const next = { type, status: "True", reason, message, lastProbeTime: timestamp(now) };
      conditions = withCondition(conditions, next, now);
    }
    return conditions;
  };
  const wanted = count(spec["completions"], count(spec["parallelism"], 1));
  if (succeeded >= wanted) {
    const conditions = end(
      ["SuccessCriteriaMet", "Complete"],
      "CompletionsReached",
      "Reached expected number of succeeded pods",
    );
    return { ...base, conditions, completionTime: timestamp(now), ready: 0, terminating: 0 };
  }
  const isLate = now.getTime() >= Date.parse(String(startTime)) + count(spec["activeDeadlineSeconds"], Infinity) * 1000;
  if (isLate || failed > count(spec["backoffLimit"], 6)) {
    const [reason, message] = isLate
      ? ["DeadlineExceeded", "Job was active longer than specified deadline"]
      : ["BackoffLimitExceeded", "Job has reached the specified backoff limit"];
    const conditions = end(["FailureTarget", "Failed"], reason ?? "", message ?? "");
    return { ...base, conditions, ready: 0, terminating: 0 };
  }
  const active = Math.min(count(spec["parallelism"], 1), wanted - succeeded);
  for (let n = running.length; n < active; n++) createPod(resources, job, `${job.metadata.name}-`, {});
  const ready = running.filter(isReady).length;
  return { ...base, ...(old.length === 0 ? {} : { conditions: old }), active, ready, terminating: 0 };
}
