import type { TypeRef } from "./schema.ts";

/** A kind the server serves: how it is addressed, and which rules it follows. */
export interface Kind {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  shortNames: readonly string[];
  /** The name of its type in `schema.txt`, or the type that its definition gives. */
  type: TypeRef;
  /** Of a definition, so kept as it is sent: nothing is left out for being empty. */
  custom: boolean;
  /** Has a `/status`: the main resource then ignores `status`, and `generation` counts changes of the rest. */
  status: boolean;
  scale: boolean;
}

/** An object's address. `namespace` is empty for cluster-scoped kinds. */
export interface Target {
  kind: Kind;
  namespace: string;
  name: string;
}

export function apiVersionOf(kind: Pick<Kind, "group" | "version">): string {
  return kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
}

/** `deployments.apps`, `pods`: how Kubernetes names a resource in its messages, and our key for it. */
export function resourceOf(kind: Pick<Kind, "group" | "plural">): string {
  return kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
}

function builtIn(path: string, kind: string, plural: string, shape: string, shortNames: string[] = []): Kind {
  const [go = "", version = "", group = ""] = path.split(" ");
  const flags = shape.split(" ");
  return {
    group,
    version,
    kind,
    plural,
    namespaced: !flags.includes("cluster"),
    shortNames,
    type: go === "lab" ? `lab.${kind}` : `${go}.${version}.${kind}`,
    custom: false,
    status: flags.includes("status"),
    scale: flags.includes("scale"),
  };
}

export const KINDS: readonly Kind[] = [
  builtIn("core v1", "ConfigMap", "configmaps", "", ["cm"]),
  builtIn("core v1", "Event", "events", "", ["ev"]),
  builtIn("core v1", "Namespace", "namespaces", "cluster status", ["ns"]),
  builtIn("core v1", "PersistentVolumeClaim", "persistentvolumeclaims", "status", ["pvc"]),
  builtIn("core v1", "Pod", "pods", "status", ["po"]),
  builtIn("core v1", "Secret", "secrets", ""),
  builtIn("core v1", "Service", "services", "status", ["svc"]),
  builtIn("core v1", "ServiceAccount", "serviceaccounts", "", ["sa"]),
  builtIn("apps v1 apps", "DaemonSet", "daemonsets", "status", ["ds"]),
  builtIn("apps v1 apps", "Deployment", "deployments", "status scale", ["deploy"]),
  builtIn("apps v1 apps", "ReplicaSet", "replicasets", "status scale", ["rs"]),
  builtIn("apps v1 apps", "StatefulSet", "statefulsets", "status scale", ["sts"]),
  builtIn("autoscaling v2 autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "status", ["hpa"]),
  builtIn("batch v1 batch", "CronJob", "cronjobs", "status", ["cj"]),
  builtIn("batch v1 batch", "Job", "jobs", "status"),
  builtIn("coordination v1 coordination.k8s.io", "Lease", "leases", ""),
  builtIn("networking v1 networking.k8s.io", "Ingress", "ingresses", "status", ["ing"]),
  builtIn("networking v1 networking.k8s.io", "NetworkPolicy", "networkpolicies", "", ["netpol"]),
  builtIn("policy v1 policy", "PodDisruptionBudget", "poddisruptionbudgets", "status", ["pdb"]),
  builtIn("rbac v1 rbac.authorization.k8s.io", "ClusterRole", "clusterroles", "cluster"),
  builtIn("rbac v1 rbac.authorization.k8s.io", "ClusterRoleBinding", "clusterrolebindings", "cluster"),
  builtIn("rbac v1 rbac.authorization.k8s.io", "Role", "roles", ""),
  builtIn("rbac v1 rbac.authorization.k8s.io", "RoleBinding", "rolebindings", ""),
  builtIn("scheduling v1 scheduling.k8s.io", "PriorityClass", "priorityclasses", "cluster", ["pc"]),
  builtIn("storage v1 storage.k8s.io", "StorageClass", "storageclasses", "cluster", ["sc"]),
  builtIn("lab v1 apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions", "cluster status", [
    "crd",
  ]),
];
