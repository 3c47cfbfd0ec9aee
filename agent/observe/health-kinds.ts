import { HEALTHY, type Verdict } from "../../shared/health.ts";
import { type JsonObject, type KubeObject, member } from "../../shared/live.ts";
import { condition, failed, isTrue, progressing, withReason } from "./status.ts";

/** Kinds of Kubernetes that run no pods. */

/** Stricter: kstatus does not ask for the address that a load balancer is there for. */
export function service(_object: KubeObject, spec: JsonObject, status: JsonObject): Verdict {
  if (spec["type"] !== "LoadBalancer") return HEALTHY;
  const ingress = member(status, "loadBalancer")["ingress"];
  return Array.isArray(ingress) && ingress.length > 0 ? HEALTHY : progressing("has no load balancer address");
}

/** What Kubernetes writes on a claim once it has asked for a volume; never while it waits for a pod (`WaitForFirstConsumer`). */
const ASKED = ["volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner"];

/**
 * Otherwise than kstatus: a claim that waits for its first consumer is Pending by design, and must not block the workload that
 * would consume it. One for which a volume is being made is not done.
 */
export function claim({ metadata }: KubeObject, _spec: JsonObject, status: JsonObject): Verdict {
  const phase = status["phase"];
  if (phase === "Lost") return failed("its volume is lost");
  if (phase === "Bound") return HEALTHY;
  if (phase !== "Pending") return progressing("has no phase");
  const annotations = member(metadata, "annotations");
  return ASKED.some((key) => key in annotations) ? progressing("its volume is not there yet") : HEALTHY;
}

export function volume(_object: KubeObject, _spec: JsonObject, status: JsonObject): Verdict {
  const phase = status["phase"];
  if (phase === "Failed") return failed(withReason("could not be reclaimed", status));
  return phase === "Available" || phase === "Bound" || phase === "Released" ? HEALTHY : progressing("is not Available");
}

export function namespace(_object: KubeObject, _spec: JsonObject, status: JsonObject): Verdict {
  return status["phase"] === "Active" ? HEALTHY : progressing("is not Active");
}

export function definition(_object: KubeObject, _spec: JsonObject, status: JsonObject): Verdict {
  if (condition(status, "NamesAccepted")?.["status"] === "False") return failed("its names are taken");
  const established = condition(status, "Established");
  if (isTrue(established)) return HEALTHY;
  const words = withReason("is not Established", established);
  const final = established?.["status"] === "False" && established["reason"] !== "Installing";
  return final ? failed(words) : progressing(words);
}

/** Stricter than kstatus, which has no rule: while it is not Available, its group is not served. */
export function apiService(_object: KubeObject, _spec: JsonObject, status: JsonObject): Verdict {
  const available = condition(status, "Available");
  return isTrue(available) ? HEALTHY : progressing(withReason("is not Available", available));
}

/** Stricter than kstatus, which has no rule: done is when there is a certificate. */
export function signingRequest(_object: KubeObject, _spec: JsonObject, status: JsonObject): Verdict {
  for (const type of ["Denied", "Failed"]) {
    const refused = condition(status, type);
    if (isTrue(refused)) return failed(withReason(`is ${type}`, refused));
  }
  if (typeof status["certificate"] === "string") return HEALTHY;
  return progressing(isTrue(condition(status, "Approved")) ? "has no certificate yet" : "is not approved");
}
