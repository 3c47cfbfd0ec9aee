import { POWERFUL_KIND } from "../../shared/root.ts";

/** What Kubernetes 1.36 itself keeps in namespaces and a bundle may bring, by group. Kinds that give power over the cluster are not among them. */
const NAMESPACED: Readonly<Record<string, readonly string[]>> = {
  "": [
    "ConfigMap",
    "Endpoints",
    "LimitRange",
    "PersistentVolumeClaim",
    "Pod",
    "PodTemplate",
    "ReplicationController",
    "ResourceQuota",
    "Secret",
    "Service",
    "ServiceAccount",
  ],
  apps: ["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
  autoscaling: ["HorizontalPodAutoscaler"],
  batch: ["CronJob", "Job"],
  "coordination.k8s.io": ["Lease"],
  "discovery.k8s.io": ["EndpointSlice"],
  "networking.k8s.io": ["Ingress", "NetworkPolicy"],
  policy: ["PodDisruptionBudget"],
  "resource.k8s.io": ["ResourceClaim", "ResourceClaimTemplate"],
};

/** Kinds of Kubernetes itself that no namespace holds. */
const CLUSTER_WIDE = new Set([
  "APIService.apiregistration.k8s.io",
  "CSIDriver.storage.k8s.io",
  "CertificateSigningRequest.certificates.k8s.io",
  "ClusterRole.rbac.authorization.k8s.io",
  "ClusterRoleBinding.rbac.authorization.k8s.io",
  "CustomResourceDefinition.apiextensions.k8s.io",
  "DeviceClass.resource.k8s.io",
  "FlowSchema.flowcontrol.apiserver.k8s.io",
  "IngressClass.networking.k8s.io",
  "MutatingAdmissionPolicy.admissionregistration.k8s.io",
  "MutatingAdmissionPolicyBinding.admissionregistration.k8s.io",
  "MutatingWebhookConfiguration.admissionregistration.k8s.io",
  "Namespace",
  "Node",
  "PersistentVolume",
  "PriorityClass.scheduling.k8s.io",
  "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io",
  "RuntimeClass.node.k8s.io",
  "StorageClass.storage.k8s.io",
  "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
  "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
  "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
  "VolumeAttributesClass.storage.k8s.io",
]);

/** A group and its resources, as RBAC names them. */
export interface Resources {
  group: string;
  /** `["*"]` where the group's kinds are not known here. */
  plurals: readonly string[];
}

/** Of a pattern of kinds as a root has it. A wildcard means what namespaces hold; of groups that are not Kubernetes's own it names all. */
export function resourcesOf(pattern: string): Resources[] {
  if (pattern === "*")
    return Object.entries(NAMESPACED).map(([group, kinds]) => ({ group, plurals: kinds.map(plural) }));
  const dot = pattern.indexOf(".");
  const [kind, group] = dot === -1 ? [pattern, ""] : [pattern.slice(0, dot), pattern.slice(dot + 1)];
  if (kind === "*" && POWERFUL_KIND.test(pattern)) return [];
  if (kind !== "*") return [{ group, plurals: [plural(kind)] }];
  return [{ group, plurals: NAMESPACED[group]?.map(plural) ?? ["*"] }];
}

export function isClusterWide(pattern: string): boolean {
  return CLUSTER_WIDE.has(pattern);
}

/** As Kubernetes names the resources of its own kinds, and kubebuilder those of custom ones: regular English, but for one. */
function plural(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower === "endpoints") return lower;
  if (/[^aeiou]y$/.test(lower)) return `${lower.slice(0, -1)}ies`;
  return /(?:s|x|z|ch|sh)$/.test(lower) ? `${lower}es` : `${lower}s`;
}
