import { kindOf, type ObjectRef } from "../../shared/live.ts";

/**
 * Stages in which objects are applied: what others need comes first, what stands in the way of others last. Prune goes the other way
 * round, so that webhooks leave before what answers them, custom resources before who looks after them and their definitions, and
 * everything before its namespace. After Helm's install order.
 */
const STAGES: readonly (readonly string[])[] = [
  [
    "Namespace",
    "CustomResourceDefinition.apiextensions.k8s.io",
    "PriorityClass.scheduling.k8s.io",
    "StorageClass.storage.k8s.io",
  ],
  [
    "NetworkPolicy.networking.k8s.io",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "ClusterRole.rbac.authorization.k8s.io",
    "Role.rbac.authorization.k8s.io",
    "ClusterRoleBinding.rbac.authorization.k8s.io",
    "RoleBinding.rbac.authorization.k8s.io",
  ],
  ["Secret", "ConfigMap", "PersistentVolume", "PersistentVolumeClaim"],
  ["Service"],
  [],
  [],
  [
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
    "MutatingWebhookConfiguration.admissionregistration.k8s.io",
    "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
    "MutatingAdmissionPolicyBinding.admissionregistration.k8s.io",
    "APIService.apiregistration.k8s.io",
  ],
];
const OTHERS = 4;
const CUSTOM = 5;

const BY_KIND = new Map(STAGES.flatMap((kinds, stage) => kinds.map((kind): [string, number] => [kind, stage])));

/** 0 first. */
export function stageOf(ref: ObjectRef): number {
  return BY_KIND.get(kindOf(ref)) ?? (isCustom(ref) ? CUSTOM : OTHERS);
}

/** Whether a definition or an aggregated server stands behind its kind, by its group: those of Kubernetes have no dot, or are its own. */
export function isCustom({ apiVersion }: ObjectRef): boolean {
  const [group = ""] = apiVersion.split("/");
  return group.includes(".") && !group.endsWith(".k8s.io");
}

/** What others wait for whatever phase it is named in: without them the server refuses the rest. */
export function isFoundation(ref: ObjectRef): boolean {
  // By the kind first: most objects are asked no further.
  if (ref.kind === "Namespace") return ref.apiVersion === "v1";
  return ref.kind === "CustomResourceDefinition" && kindOf(ref) === "CustomResourceDefinition.apiextensions.k8s.io";
}

export function isJob(ref: ObjectRef): boolean {
  return ref.kind === "Job" && kindOf(ref) === "Job.batch";
}
