import type { Json, KubeObject } from "../../../shared/live.ts";
import { defaultPodSpec, fill, madeMap, mapAt, mapsAt } from "./defaults-pod.ts";
import { type Kind, resourceOf } from "./kinds.ts";

type Record = { [key: string]: Json };

/**
 * Sets what Kubernetes would set in an object that somebody sends, in place: what health reads, and what a comparison
 * of sent and live must not trip over. After the `defaults.go` of each API group.
 */
export function setDefaults(kind: Kind, object: KubeObject): void {
  DEFAULTS[resourceOf(kind)]?.(object, mapAt(object, "spec") ?? {});
}

const RBAC = "rbac.authorization.k8s.io";

const DEFAULTS: { [resource: string]: (object: KubeObject, spec: Record) => void } = {
  pods: (_object, spec) => {
    defaultPodSpec(spec);
    fill(spec, { enableServiceLinks: true });
  },
  "replicasets.apps": (_object, spec) => {
    fill(spec, { replicas: 1 });
    defaultTemplate(spec);
  },
  "deployments.apps": (_object, spec) => {
    fill(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    const strategy = madeMap(spec, "strategy");
    fill(strategy, { type: "RollingUpdate" });
    if (strategy["type"] === "RollingUpdate") {
      fill(madeMap(strategy, "rollingUpdate"), { maxSurge: "25%", maxUnavailable: "25%" });
    }
    defaultTemplate(spec);
  },
  "statefulsets.apps": (_object, spec) => {
    fill(spec, {
      replicas: 1,
      revisionHistoryLimit: 10,
      podManagementPolicy: "OrderedReady",
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    });
    const strategy = madeMap(spec, "updateStrategy");
    fill(strategy, { type: "RollingUpdate" });
    if (strategy["type"] === "RollingUpdate") fill(madeMap(strategy, "rollingUpdate"), { partition: 0 });
    for (const claim of mapsAt(spec, "volumeClaimTemplates")) {
      fill(claim, { apiVersion: "v1", kind: "PersistentVolumeClaim", status: { phase: "Pending" } });
      fill(madeMap(claim, "spec"), { volumeMode: "Filesystem" });
    }
    defaultTemplate(spec);
  },
  "daemonsets.apps": (_object, spec) => {
    fill(spec, { revisionHistoryLimit: 10 });
    const strategy = madeMap(spec, "updateStrategy");
    fill(strategy, { type: "RollingUpdate" });
    if (strategy["type"] === "RollingUpdate") {
      fill(madeMap(strategy, "rollingUpdate"), { maxSurge: 0, maxUnavailable: 1 });
    }
    defaultTemplate(spec);
  },
  "jobs.batch": (_object, spec) => {
    if (spec["completions"] === undefined && spec["parallelism"] === undefined) spec["completions"] = 1;
    fill(spec, {
      parallelism: 1,
      backoffLimit: 6,
      completionMode: "NonIndexed",
      suspend: false,
      podReplacementPolicy: "TerminatingOrFailed",
    });
    defaultTemplate(spec);
  },
  "cronjobs.batch": (_object, spec) => {
    fill(spec, {
      concurrencyPolicy: "Allow",
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    });
    defaultTemplate(mapAt(mapAt(spec, "jobTemplate") ?? {}, "spec") ?? {});
  },
  services: (_object, spec) => {
    fill(spec, { type: "ClusterIP", sessionAffinity: "None" });
    const isOutside = spec["type"] === "NodePort" || spec["type"] === "LoadBalancer";
    if (spec["type"] !== "ExternalName") fill(spec, { internalTrafficPolicy: "Cluster" });
    if (isOutside) fill(spec, { externalTrafficPolicy: "Cluster" });
    if (spec["type"] === "LoadBalancer") fill(spec, { allocateLoadBalancerNodePorts: true });
    for (const port of mapsAt(spec, "ports")) fill(port, { protocol: "TCP", targetPort: port["port"] ?? 0 });
  },
  namespaces: (object) => {
    fill(madeMap(object.metadata, "labels"), { "kubernetes.io/metadata.name": object.metadata.name });
  },
  secrets: (object) => {
    fill(object, { type: "Opaque" });
  },
  persistentvolumeclaims: (_object, spec) => {
    fill(spec, { volumeMode: "Filesystem" });
  },
  "networkpolicies.networking.k8s.io": (_object, spec) => {
    fill(spec, { podSelector: {}, policyTypes: spec["egress"] === undefined ? ["Ingress"] : ["Ingress", "Egress"] });
    for (const rule of [...mapsAt(spec, "ingress"), ...mapsAt(spec, "egress")]) {
      for (const port of mapsAt(rule, "ports")) fill(port, { protocol: "TCP" });
    }
  },
  "horizontalpodautoscalers.autoscaling": (_object, spec) => {
    const target = { type: "Utilization", averageUtilization: 80 };
    fill(spec, { minReplicas: 1, metrics: [{ type: "Resource", resource: { name: "cpu", target } }] });
  },
  "clusterrolebindings.rbac.authorization.k8s.io": defaultBinding,
  "rolebindings.rbac.authorization.k8s.io": defaultBinding,
  "priorityclasses.scheduling.k8s.io": (object) => {
    fill(object, { preemptionPolicy: "PreemptLowerPriority" });
  },
  "storageclasses.storage.k8s.io": (object) => {
    fill(object, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" });
  },
  "customresourcedefinitions.apiextensions.k8s.io": (_object, spec) => {
    fill(spec, { conversion: { strategy: "None" } });
    const names = madeMap(spec, "names");
    const kind = String(names["kind"] ?? "");
    fill(names, { singular: kind.toLowerCase(), listKind: `${kind}List` });
  },
};

function defaultTemplate(spec: Record): void {
  const template = mapAt(spec, "template");
  if (template === null) return;
  fill(template, { metadata: {} });
  defaultPodSpec(madeMap(template, "spec"));
}

function defaultBinding(object: KubeObject): void {
  fill(madeMap(object, "roleRef"), { apiGroup: RBAC });
  for (const subject of mapsAt(object, "subjects")) {
    if (subject["kind"] === "User" || subject["kind"] === "Group") fill(subject, { apiGroup: RBAC });
  }
}
