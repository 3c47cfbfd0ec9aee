import type { Json, KubeObject } from "../../../shared/live.ts";
import { mapAt } from "./defaults-pod.ts";
import { type Kind, resourceOf } from "./kinds.ts";
import type { FieldFault } from "./status.ts";
import { isSame } from "./validation.ts";

type Record = { [key: string]: Json };
type Rule = (live: KubeObject, next: KubeObject) => FieldFault[];

/** Changes of what cannot be changed, in the words of Kubernetes 1.36 for each kind; it answers them with 422. */
export function immutable(kind: Kind, live: KubeObject, next: KubeObject): FieldFault[] {
  return (RULES[resourceOf(kind)] ?? []).flatMap((rule) => rule(live, next));
}

function valueAt(object: KubeObject, path: string): Json | undefined {
  let value: Json | undefined = object;
  for (const key of path.split(".")) value = mapAt({ value: value ?? null }, "value")?.[key];
  return value;
}

function fixed(path: string, words = "field is immutable"): Rule {
  return (live, next) => {
    const value = valueAt(next, path);
    if (isSame(value, valueAt(live, path))) return [];
    return [{ type: "Invalid", field: path, value: value ?? null, words }];
  };
}

function forbiddenPath(path: string, words: string): Rule {
  return (live, next) =>
    isSame(valueAt(next, path), valueAt(live, path)) ? [] : [{ type: "Forbidden", field: path, words }];
}

/** All of the spec is fixed but the named fields. */
function fixedSpecBut(free: string[], words: string): Rule {
  const rest = (object: KubeObject): Record => {
    const spec = { ...mapAt(object, "spec") };
    for (const field of free) delete spec[field];
    return spec;
  };
  return (live, next) => (isSame(rest(live), rest(next)) ? [] : [{ type: "Forbidden", field: "spec", words }]);
}

function frozenOnceImmutable(...fields: string[]): Rule {
  return (live, next) => {
    if (live["immutable"] !== true) return [];
    const words = "field is immutable when `immutable` is set";
    const changed = ["immutable", ...fields].filter((field) => !isSame(live[field], next[field]));
    return changed.map((field) => ({ type: "Forbidden", field, words }));
  };
}

const SELECTOR = fixed("spec.selector");
const STATEFUL_FIELDS = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
];
const STATEFUL =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
  "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const CLAIM =
  "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
const POD =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`," +
  "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)," +
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

const RULES: { [resource: string]: Rule[] } = {
  configmaps: [frozenOnceImmutable("data", "binaryData")],
  secrets: [fixed("type"), frozenOnceImmutable("data")],
  services: [serviceAddress],
  persistentvolumeclaims: [fixedSpecBut(["resources", "volumeAttributesClassName", "volumeName"], CLAIM)],
  pods: [podSpec],
  "deployments.apps": [SELECTOR],
  "replicasets.apps": [SELECTOR],
  "daemonsets.apps": [SELECTOR],
  "statefulsets.apps": [fixedSpecBut(STATEFUL_FIELDS, STATEFUL)],
  "jobs.batch": [SELECTOR, fixed("spec.completions"), jobTemplate, fixed("spec.completionMode")],
  "rolebindings.rbac.authorization.k8s.io": [fixed("roleRef", "cannot change roleRef")],
  "clusterrolebindings.rbac.authorization.k8s.io": [fixed("roleRef", "cannot change roleRef")],
  "priorityclasses.scheduling.k8s.io": [
    forbiddenPath("value", "may not be changed in an update."),
    fixed("preemptionPolicy"),
  ],
  "storageclasses.storage.k8s.io": [
    forbiddenPath("parameters", "updates to parameters are forbidden."),
    fixed("provisioner"),
    fixed("reclaimPolicy"),
    fixed("volumeBindingMode"),
  ],
  "customresourcedefinitions.apiextensions.k8s.io": [fixed("spec.scope"), fixed("spec.group")],
};

/** Kubernetes prints the whole pod spec in its message, secrets in its environment too; so does this. */
function jobTemplate(live: KubeObject, next: KubeObject): FieldFault[] {
  const field = "spec.template.spec";
  const inSpec = fixed(field)(live, next);
  return inSpec.length > 0 ? inSpec : fixed("spec.template")(live, next);
}

function serviceAddress(live: KubeObject, next: KubeObject): FieldFault[] {
  const before = valueAt(live, "spec.clusterIP");
  const after = valueAt(next, "spec.clusterIP");
  const isInside = valueAt(live, "spec.type") !== "ExternalName" && valueAt(next, "spec.type") !== "ExternalName";
  if (!isInside || before === undefined || isSame(before, after)) return [];
  const value = valueAt(next, "spec.clusterIPs") ?? [after ?? null];
  return [{ type: "Invalid", field: "spec.clusterIPs[0]", value, words: "may not change once set" }];
}

function podSpec(live: KubeObject, next: KubeObject): FieldFault[] {
  const frozen = (object: KubeObject): Json => {
    const spec = structuredClone(mapAt(object, "spec") ?? {});
    for (const field of ["tolerations", "activeDeadlineSeconds", "terminationGracePeriodSeconds"]) delete spec[field];
    for (const list of ["containers", "initContainers"]) {
      const containers = spec[list];
      for (const container of Array.isArray(containers) ? containers : []) {
        delete mapAt({ container }, "container")?.["image"];
      }
    }
    return spec;
  };
  return isSame(frozen(live), frozen(next)) ? [] : [{ type: "Forbidden", field: "spec", words: POD }];
}
