import type { Bundle } from "../bundle.ts";
import type { ObjectRef } from "../live.ts";
import { picks } from "../picks.ts";

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
