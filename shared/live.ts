/** Kubernetes objects as plain data, and what is kept of those that live in a cluster. */

import type { Verdict } from "./health.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Field manager of every apply of the agent. */
export const FIELD_MANAGER = "skerry";

/** What names an object in a cluster. `namespace` is empty for cluster-scoped objects. */
export interface ObjectRef {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
}

/** A raw object. Only the names are certain; everything else is read with care. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: JsonObject & { name: string };
  [key: string]: Json;
}

export function refOf(object: KubeObject): ObjectRef {
  const namespace = object.metadata["namespace"];
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: typeof namespace === "string" ? namespace : "",
    name: object.metadata.name,
  };
}

/** `Deployment.apps`, `ConfigMap`: a kind as Kubernetes tools write it. */
export function kindOf({ apiVersion, kind }: { apiVersion: string; kind: string }): string {
  const slash = apiVersion.indexOf("/");
  return slash === -1 ? kind : `${kind}.${apiVersion.slice(0, slash)}`;
}

/** JSON's own kind of object: neither a list nor null. */
export function isMap(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member that is an object, or an empty one where it is anything else. */
export function member(of: JsonObject, key: string): JsonObject {
  const value = of[key];
  return isMap(value) ? value : {};
}

/** Members of a list that are objects. */
export function members(of: JsonObject, key: string): JsonObject[] {
  const value = of[key];
  return Array.isArray(value) ? value.filter(isMap) : [];
}

/** One line that names an object, and the key of maps by object: `apps/v1 Deployment shop/till`. */
export function nameOf(ref: ObjectRef): string {
  return `${ref.apiVersion} ${ref.kind} ${ref.namespace === "" ? "" : `${ref.namespace}/`}${ref.name}`;
}

/**
 * Two hashes that tell whether an object is still as our last apply left it. `fields`: what we own, as the server records it
 * (`fieldsV1` of our Apply entry; changes when somebody takes or removes a field). `live`: the object projected on those fields
 * (changes when somebody edits a value). Either differing is drift; neither alone is enough.
 */
export interface Fingerprint {
  fields: string;
  live: string;
}

/** What is kept of a live object: enough to plan and to judge, a few hundred bytes instead of the whole. */
export interface Observed extends Fingerprint {
  ref: ObjectRef;
  uid: string;
  resourceVersion: string;
  verdict: Verdict;
  /** Monotonic ms: until then an object of a custom kind that has no status yet is not healthy. */
  graceEnds?: number;
  deleting: boolean;
  /** It says `skerry.dev/prune: never`. */
  keep?: true;
  /** Value of our label. */
  bundle: string;
  /** Whose the number of its replicas is: ours, or of whoever set it through `/scale`. */
  replicas?: "ours" | "scaled";
  /** Its fingerprint is of other rules than the bundle has now: it is looked at again. */
  stale?: true;
}

/** The live objects that carry our label, by name, and the kinds of which the view is not complete. */
export interface LiveView {
  objects: ReadonlyMap<string, Observed>;
  /**
   * `apps/v1 Deployment`, or `apps/v1 Deployment shop` where only that namespace of it is meant: not listed yet, or its watch is broken;
   * with the reason.
   */
  unseen: ReadonlyMap<string, string>;
}

/** Why it cannot be told whether an object is there; undefined where it can. */
export function unseenBecause({ unseen }: LiveView, ref: ObjectRef): string | undefined {
  if (unseen.size === 0) return undefined;
  const kind = `${ref.apiVersion} ${ref.kind}`;
  return unseen.get(kind) ?? unseen.get(`${kind} ${ref.namespace}`);
}
