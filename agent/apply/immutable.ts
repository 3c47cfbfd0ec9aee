/** One field that cannot change on an object that exists, with the words in which the server says so. There is no reason or cause type for it. */
type Rule = readonly [field: RegExp, words: RegExp];

const FIXED = /: field is immutable$/;
const SELECTOR: Rule = [/^spec\.selector$/, FIXED];
const FROZEN = /^Forbidden: field is immutable when `immutable` is set/;
const ROLE: Rule = [/^roleRef$/, /: cannot change roleRef$/];

/**
 * By kind, as `kindOf` names it, in the words of Kubernetes 1.36. Anything else stays a bad manifest: a custom kind's own rule, a wording that is
 * not here, and the UID, which says that it is another object. Words are anchored, as a message also quotes the refused value, and in that
 * anybody can write them.
 */
const RULES: Readonly<Record<string, readonly Rule[]>> = {
  "Deployment.apps": [SELECTOR],
  "ReplicaSet.apps": [SELECTOR],
  "DaemonSet.apps": [SELECTOR],
  "StatefulSet.apps": [[/^spec$/, /^Forbidden: updates to statefulset spec for fields other than/]],
  "Job.batch": [
    [/^spec\.template(\.|$)/, FIXED],
    [
      /^spec\.(selector|completions|completionMode|manualSelector|podFailurePolicy|backoffLimitPerIndex|managedBy|successPolicy)$/,
      FIXED,
    ],
  ],
  Service: [
    [/^spec\.clusterIPs?(\[\d+\])?$/, /: may not change once set$/],
    [/^spec\.healthCheckNodePort$/, FIXED],
  ],
  ConfigMap: [[/^(data|binaryData|immutable)$/, FROZEN]],
  Secret: [
    [/^type$/, FIXED],
    [/^(data|immutable)$/, FROZEN],
  ],
  PersistentVolumeClaim: [[/^spec$/, /^Forbidden: spec is immutable after creation/]],
  PersistentVolume: [
    [/^spec\.persistentvolumesource$/, /^Forbidden: spec\.persistentvolumesource is immutable after creation/],
  ],
  Pod: [[/^spec$/, /^Forbidden: pod updates may not change fields/]],
  "RoleBinding.rbac.authorization.k8s.io": [ROLE],
  "ClusterRoleBinding.rbac.authorization.k8s.io": [ROLE],
  "PriorityClass.scheduling.k8s.io": [
    [/^value$/, /^Forbidden: may not be changed in an update/],
    [/^preemptionPolicy$/, FIXED],
  ],
  "StorageClass.storage.k8s.io": [
    [/^(provisioner|reclaimPolicy|volumeBindingMode)$/, FIXED],
    [/^parameters$/, /^Forbidden: updates to parameters are forbidden/],
  ],
  "IngressClass.networking.k8s.io": [[/^spec\.controller$/, FIXED]],
  "RuntimeClass.node.k8s.io": [[/^handler$/, FIXED]],
  "CustomResourceDefinition.apiextensions.k8s.io": [[/^spec\.(scope|group|names\.(plural|kind))$/, FIXED]],
};

export function isImmutable(kind: string, { field, message }: { field: string; message: string }): boolean {
  const rules = Object.hasOwn(RULES, kind) ? (RULES[kind] ?? []) : [];
  return rules.some(([fields, words]) => fields.test(field) && words.test(message));
}
