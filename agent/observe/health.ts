import type { CelProgram } from "../../shared/cel.ts";
import { HEALTHY, type Verdict } from "../../shared/health.ts";
import { type JsonObject, type KubeObject, kindOf, member } from "../../shared/live.ts";
import { byRule } from "./by-rule.ts";
import { apiService, claim, definition, namespace, service, signingRequest, volume } from "./health-kinds.ts";
import { daemonSet, deployment, job, pod, replicaSet, statefulSet } from "./health-workloads.ts";
import { condition, count, failed, isTrue, progressing, withReason } from "./status.ts";

/**
 * How an object is, from its own status. The rules are kstatus's (sigs.k8s.io/cli-utils `pkg/kstatus/status`), stricter where
 * those mislead. `rule` is what its bundle says of its kind: it stands in place of ours, but an object that goes away, or
 * whose status is of another generation, is not asked.
 */
export function healthOf(object: KubeObject, rule?: CelProgram): Verdict {
  if (object.metadata["deletionTimestamp"] !== undefined) return progressing("is being deleted");
  const status = member(object, "status");
  const observed = status["observedGeneration"];
  const generation = object.metadata["generation"];
  if (typeof observed === "number" && typeof generation === "number" && observed !== generation) {
    return progressing(`controller has seen generation ${observed} of ${generation}`);
  }
  if (rule !== undefined) return byRule(rule, object);
  const stalled = condition(status, "Stalled");
  if (isTrue(stalled)) return failed(withReason("is Stalled", stalled));
  const reconciling = condition(status, "Reconciling");
  if (isTrue(reconciling)) return progressing(withReason("is Reconciling", reconciling));
  return (RULES.get(kindOf(object)) ?? byReady)(object, member(object, "spec"), status);
}

type Rule = (object: KubeObject, spec: JsonObject, status: JsonObject) => Verdict;

const always: Rule = () => HEALTHY;

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>(
  Object.entries({
    "Deployment.apps": deployment,
    "StatefulSet.apps": statefulSet,
    "DaemonSet.apps": daemonSet,
    "ReplicaSet.apps": replicaSet,
    ReplicationController: replicaSet,
    "Job.batch": job,
    "CronJob.batch": always,
    Pod: pod,
    Service: service,
    PersistentVolumeClaim: claim,
    PersistentVolume: volume,
    Namespace: namespace,
    "PodDisruptionBudget.policy": always,
    "CustomResourceDefinition.apiextensions.k8s.io": definition,
    "APIService.apiregistration.k8s.io": apiService,
    "CertificateSigningRequest.certificates.k8s.io": signingRequest,
  }),
);

/** Kinds without a rule. Stricter: a condition that says which generation it is of must be of this one. */
function byReady({ metadata }: KubeObject, _spec: JsonObject, status: JsonObject): Verdict {
  const ready = condition(status, "Ready");
  if (ready === undefined) return HEALTHY;
  if (!isTrue(ready)) return progressing(withReason("is not Ready", ready));
  const generation = count(metadata, "generation");
  const of = count(ready, "observedGeneration", generation);
  return of < generation ? progressing(`its Ready is of generation ${of} of ${generation}`) : HEALTHY;
}

/** Groups with a dot in their name that are Kubernetes' own (1.36). All others with a dot are of custom kinds. */
const OWN_GROUPS: ReadonlySet<string> = new Set(
  [
    "admissionregistration",
    "apiextensions",
    "apiregistration",
    "authentication",
    "authorization",
    "certificates",
    "coordination",
    "discovery",
    "events",
    "flowcontrol.apiserver",
    "internal.apiserver",
    "networking",
    "node",
    "rbac.authorization",
    "resource",
    "scheduling",
    "storage",
    "storagemigration",
  ].map((group) => `${group}.k8s.io`),
);

/** Of a custom kind, and without a word from its controller: whether it will get a status nobody can tell. */
export function isSilent(object: KubeObject): boolean {
  const [group = ""] = object.apiVersion.split("/");
  return group.includes(".") && !OWN_GROUPS.has(group) && Object.keys(member(object, "status")).length === 0;
}
