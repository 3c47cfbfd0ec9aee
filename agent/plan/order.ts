import type { ObjectRef } from "../../shared/live.ts";

/**
 * Stages in which objects are applied: what others need comes first. Prune goes the other way round, so that custom
 * resources leave before their definitions and everything before its namespace. After Helm's install order.
 */
const STAGES: readonly (readonly string[])[] = [
  ["Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass"],
  [
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "ClusterRole",
    "Role",
    "ClusterRoleBinding",
    "RoleBinding",
  ],
  ["Secret", "ConfigMap", "PersistentVolume", "PersistentVolumeClaim"],
  ["Service"],
];

const BY_KIND = new Map(STAGES.flatMap((kinds, stage) => kinds.map((kind): [string, number] => [kind, stage])));

/** 0 first. Kinds that are not named come after those that are. */
export function stageOf(ref: ObjectRef): number {
  return BY_KIND.get(ref.kind) ?? STAGES.length;
}
