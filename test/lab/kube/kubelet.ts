import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import { kindNamed } from "./catalog.ts";
import { mapsAt } from "./defaults-pod.ts";
import { isDeleting } from "./deletion.ts";
import { timestamp } from "./lifecycle.ts";
import type { Loop } from "./loop.ts";
import { fateOf, phaseOf, specOf, statusOfObject } from "./pods.ts";
import type { Resources } from "./resources.ts";
import { uidOf } from "./store.ts";

const PODS = kindNamed("pods");
const CLAIMS = kindNamed("persistentvolumeclaims");

/** The lab's kubelet and volume controller: pods are ready, sick or done after `delay` ms; claims are bound at once. */
export function runKubelet(loop: Loop, resources: Resources, delay: number): void {
  const begun = new Map<string, number>();
  loop.control(PODS, (pod, target) => {
    const uid = uidOf(pod);
    if (isDeleting(pod)) {
      begun.delete(uid);
      release(resources, pod);
      return undefined;
    }
    if (specOf(pod)["nodeName"] === undefined || phaseOf(pod) !== "Pending") return undefined;
    const since = begun.get(uid);
    if (since === undefined) {
      begun.set(uid, performance.now());
      resources.updateStatus(target, "kubelet", started(pod, resources.now()));
      return delay;
    }
    if (fateOf(pod) === "stuck") return undefined;
    const left = delay - (performance.now() - since);
    if (left > 0) return left;
    begun.delete(uid);
    resources.updateStatus(target, "kubelet", settled(pod, resources.now()));
    return undefined;
  });
  loop.control(CLAIMS, (claim, target) => {
    if (statusOfObject(claim)["phase"] !== "Pending") return undefined;
    const { accessModes, resources: asked } = specOf(claim);
    const capacity = (asked as JsonObject | undefined)?.["requests"];
    const bound = { phase: "Bound", ...(accessModes === undefined ? {} : { accessModes }) };
    resources.updateStatus(target, "kube-controller-manager", capacity === undefined ? bound : { ...bound, capacity });
    return undefined;
  });
}

/** Its containers have ended: the grace period is over early. */
function release(resources: Resources, pod: KubeObject): void {
  if (pod.metadata["deletionGracePeriodSeconds"] === 0) return;
  const ended = { ...pod, metadata: { ...pod.metadata, deletionGracePeriodSeconds: 0 } };
  const finalizers = pod.metadata["finalizers"];
  if (Array.isArray(finalizers) && finalizers.length > 0) resources.store.put(PODS, ended);
  else resources.store.delete(PODS, ended);
}

function condition(type: string, status: boolean, now: Date, reason?: string, message?: string): JsonObject {
  return {
    type,
    status: status ? "True" : "False",
    lastTransitionTime: timestamp(now),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}

function containers(pod: KubeObject, state: JsonObject, ready: boolean, restartCount: number): JsonObject[] {
  return mapsAt(specOf(pod), "containers").map((container) => ({
    name: container["name"] ?? "",
    image: container["image"] ?? "",
    imageID: "",
    ready,
    started: ready,
    restartCount,
    state,
  }));
}

function started(pod: KubeObject, now: Date): JsonObject {
  const unready = "containers with unready status";
  return {
    phase: "Pending",
    startTime: timestamp(now),
    conditions: [
      condition("PodScheduled", true, now),
      condition("Initialized", true, now),
      condition("ContainersReady", false, now, "ContainersNotReady", unready),
      condition("Ready", false, now, "ContainersNotReady", unready),
    ],
    containerStatuses: containers(pod, { waiting: { reason: "ContainerCreating" } }, false, 0),
  };
}

function settled(pod: KubeObject, now: Date): JsonObject {
  const { startTime } = statusOfObject(pod);
  const base = { startTime: startTime ?? timestamp(now) };
  const scheduled = [condition("PodScheduled", true, now), condition("Initialized", true, now)];
  const sick = fateOf(pod) === "crash";
  if (specOf(pod)["restartPolicy"] !== "Always") {
    const terminated = { exitCode: sick ? 1 : 0, reason: sick ? "Error" : "Completed", finishedAt: timestamp(now) };
    const reason = sick ? "PodFailed" : "PodCompleted";
    return {
      ...base,
      phase: sick ? "Failed" : "Succeeded",
      conditions: [...scheduled, condition("Ready", false, now, reason)],
      containerStatuses: containers(pod, { terminated }, false, 0),
    };
  }
  const unready = "containers with unready status";
  const why = sick ? (["ContainersNotReady", unready] as const) : ([] as const);
  const waiting = { reason: "CrashLoopBackOff", message: "back-off 10s restarting failed container" };
  const state = sick ? { waiting } : { running: { startedAt: timestamp(now) } };
  return {
    ...base,
    phase: "Running",
    podIP: "10.244.0.1",
    conditions: [
      ...scheduled,
      condition("ContainersReady", !sick, now, ...why),
      condition("Ready", !sick, now, ...why),
    ],
    containerStatuses: containers(pod, state, !sick, sick ? 3 : 0),
  };
}
