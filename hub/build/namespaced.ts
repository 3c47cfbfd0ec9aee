import { canonicalJson } from "../../shared/canonical.ts";
import { type KubeObject, kindOf, member } from "../../shared/live.ts";
import type { BuiltFile } from "./manifests.ts";

/** Groups of Kubernetes itself that hold namespaced kinds; of those groups, the kinds that no namespace holds (1.36). */
const OWN_GROUPS = new Set([
  "",
  "apps",
  "autoscaling",
  "batch",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "resource.k8s.io",
  "storage.k8s.io",
]);
const CLUSTER_WIDE = new Set([
  "CSIDriver.storage.k8s.io",
  "CSINode.storage.k8s.io",
  "ClusterRole.rbac.authorization.k8s.io",
  "ClusterRoleBinding.rbac.authorization.k8s.io",
  "ComponentStatus",
  "DeviceClass.resource.k8s.io",
  "DeviceTaintRule.resource.k8s.io",
  "IPAddress.networking.k8s.io",
  "IngressClass.networking.k8s.io",
  "Namespace",
  "Node",
  "PersistentVolume",
  "ResourceSlice.resource.k8s.io",
  "ServiceCIDR.networking.k8s.io",
  "StorageClass.storage.k8s.io",
  "VolumeAttachment.storage.k8s.io",
  "VolumeAttributesClass.storage.k8s.io",
]);

/**
 * Gives a namespace to each object that Kubernetes keeps in one and that names none, as `helm install --namespace` does. Custom kinds are
 * known only where the bundle brings their definition; the others stay as they are, and the delegation decides.
 */
export function namespaced(files: readonly BuiltFile[], namespace: string): BuiltFile[] {
  const custom = new Set(files.flatMap(({ object }) => definedNamespaced(object)));
  return files.map((file) => {
    const { object } = file;
    const kind = kindOf(object);
    const group = kind.slice(object.kind.length + 1);
    const own = OWN_GROUPS.has(group) && !CLUSTER_WIDE.has(kind);
    if ("namespace" in object.metadata || !(own || custom.has(kind))) return file;
    const placed: KubeObject = { ...object, metadata: { ...object.metadata, namespace } };
    return { ...file, object: placed, bytes: Buffer.from(canonicalJson(placed)) };
  });
}

function definedNamespaced(object: KubeObject): string[] {
  if (kindOf(object) !== "CustomResourceDefinition.apiextensions.k8s.io") return [];
  const { group, scope } = member(object, "spec");
  return scope === "Namespaced" ? [`${String(member(member(object, "spec"), "names")["kind"])}.${String(group)}`] : [];
}
