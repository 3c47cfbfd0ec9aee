import type { Bundle } from "../bundle.ts";
import type { ObjectRef } from "../live.ts";

/** How a bundle names objects: a key that is left out matches all. */
type Objects = NonNullable<Bundle["recreate"]>[number];

export function picks(rule: Objects, ref: ObjectRef): boolean {
  return (["apiVersion", "kind", "namespace", "name"] as const).every(
    (key) => rule[key] === undefined || rule[key] === ref[key],
  );
}

/** Kinds whose deletion takes data or other objects along. */
const COSTLY: ReadonlySet<string> = new Set([
  "PersistentVolumeClaim",
  "PersistentVolume",
  "StatefulSet",
  "Namespace",
  "CustomResourceDefinition",
]);

/** May the object be deleted and made anew where a field of it cannot change? Of costly kinds only where a rule names the kind. */
export function mayRecreate(rules: Bundle["recreate"], ref: ObjectRef): boolean {
  return (rules ?? []).some((rule) => picks(rule, ref) && (rule.kind !== undefined || !COSTLY.has(ref.kind)));
}
