import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import { kindNamed } from "./catalog.ts";
import { mapAt } from "./defaults-pod.ts";
import { type Kind, resourceOf, type Target } from "./kinds.ts";
import { timestamp } from "./lifecycle.ts";
import { badRequest, conflict, forbidden, notFound } from "./status.ts";
import { namespaceOf, type Store, stringAt, uidOf } from "./store.ts";

export interface DeleteOptions {
  uid: string;
  resourceVersion: string;
  propagation: string;
  gracePeriodSeconds: number | null;
  dryRun: boolean;
}

/** From the body where there is one (the query then says nothing), else from the query. */
export function deleteOptions(body: JsonObject | null, query: URLSearchParams): DeleteOptions {
  const preconditions = mapAt(body ?? {}, "preconditions") ?? {};
  const grace = body === null ? query.get("gracePeriodSeconds") : body["gracePeriodSeconds"];
  const dryRun = body === null ? query.get("dryRun") : body["dryRun"];
  const propagation = body === null ? (query.get("propagationPolicy") ?? "") : stringAt(body, "propagationPolicy");
  if (!["", "Background", "Foreground", "Orphan"].includes(propagation)) {
    throw badRequest(`propagationPolicy: Unsupported value: ${JSON.stringify(propagation)}`);
  }
  return {
    uid: stringAt(preconditions, "uid"),
    resourceVersion: stringAt(preconditions, "resourceVersion"),
    propagation,
    gracePeriodSeconds: grace === null || grace === undefined ? null : Number(grace),
    dryRun: dryRun === "All" || (Array.isArray(dryRun) && dryRun.includes("All")),
  };
}

export const FOREGROUND = "foregroundDeletion";
export const ORPHAN = "orphan";
const CLEANUP = "customresourcecleanup.apiextensions.k8s.io";

export function finalizersOf(object: KubeObject): string[] {
  const finalizers = object.metadata["finalizers"];
  return Array.isArray(finalizers) ? finalizers.map(String) : [];
}

export function isDeleting(object: KubeObject): boolean {
  return object.metadata["deletionTimestamp"] !== undefined;
}

/** Marked for deletion, and nothing holds it any more. */
export function isFinished(object: KubeObject): boolean {
  const held = object.kind === "Namespace" && object.apiVersion === "v1" ? mapAt(object, "spec")?.["finalizers"] : [];
  const isHeld = Array.isArray(held) && held.length > 0;
  const grace = Number(object.metadata["deletionGracePeriodSeconds"] ?? 0);
  return isDeleting(object) && finalizersOf(object).length === 0 && grace === 0 && !isHeld;
}

/** Deletes, or marks for deletion what a finalizer or its grace period holds: then the object is given back. */
export function remove(
  store: Store,
  target: Target,
  options: DeleteOptions,
  now: Date,
): { gone: boolean; object: KubeObject } {
  const { kind, name } = target;
  // Here alone Kubernetes names the kind where else it names the resource.
  const named = { ...kind, plural: kind.kind };
  const live = store.get(kind, target.namespace, name);
  if (live === null) throw notFound(kind, name);
  if (options.uid !== "" && options.uid !== uidOf(live)) {
    const words =
      `the UID in the precondition (${options.uid}) does not match the UID in record (${uidOf(live)}). ` +
      "The object might have been deleted and then recreated";
    throw conflict(named, name, words);
  }
  const version = stringAt(live.metadata, "resourceVersion");
  if (options.resourceVersion !== "" && options.resourceVersion !== version) {
    const words =
      `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion ` +
      `in record (${version}). The object might have been modified`;
    throw conflict(named, name, words);
  }
  const marked = mark(kind, live, options, now);
  if (isFinished(marked)) {
    return { gone: true, object: options.dryRun ? marked : store.delete(kind, marked) };
  }
  return { gone: false, object: options.dryRun ? marked : store.put(kind, marked) };
}

function mark(kind: Kind, live: KubeObject, options: DeleteOptions, now: Date): KubeObject {
  const resource = resourceOf(kind);
  // Jobs alone keep their pods unless told otherwise: an old promise of batch/v1.
  const propagation = options.propagation === "" && resource === "jobs.batch" ? "Orphan" : options.propagation;
  const marked = structuredClone(live);
  const kept = finalizersOf(live).filter((one) => one !== FOREGROUND && one !== ORPHAN);
  if (propagation === "Foreground") kept.push(FOREGROUND);
  if (propagation === "Orphan") kept.push(ORPHAN);
  if (resource.startsWith("customresourcedefinitions.") && !kept.includes(CLEANUP) && !isDeleting(live)) {
    kept.push(CLEANUP);
  }
  if (kept.length > 0) marked.metadata["finalizers"] = kept;
  else delete marked.metadata["finalizers"];
  const spec = mapAt(live, "spec") ?? {};
  const isRunning = resource === "pods" && spec["nodeName"] !== undefined;
  const wanted = options.gracePeriodSeconds ?? Number(spec["terminationGracePeriodSeconds"] ?? 0);
  const grace = isRunning ? wanted : 0;
  const shortest = isDeleting(live) ? Math.min(grace, Number(live.metadata["deletionGracePeriodSeconds"] ?? 0)) : grace;
  marked.metadata["deletionGracePeriodSeconds"] = shortest;
  if (isDeleting(live)) return marked;
  marked.metadata["deletionTimestamp"] = timestamp(new Date(now.getTime() + grace * 1000));
  const generation = live.metadata["generation"];
  if (typeof generation === "number") marked.metadata["generation"] = generation + 1;
  if (resource === "namespaces") marked["status"] = { ...mapAt(live, "status"), phase: "Terminating" };
  return marked;
}

/** Nothing new in a namespace that is not there or goes away, nor of a kind whose definition goes away. */
export function admitCreation(store: Store, kind: Kind, object: KubeObject): void {
  const { name } = object.metadata;
  const definition = store.get(kindNamed("customresourcedefinitions"), "", `${kind.plural}.${kind.group}`);
  if (definition !== null && isDeleting(definition)) {
    throw forbidden(kind, name, "create not allowed while custom resource definition is terminating");
  }
  if (!kind.namespaced) return;
  const namespaces = kindNamed("namespaces");
  const namespace = namespaceOf(object);
  const holder = store.get(namespaces, "", namespace);
  if (holder === null) throw notFound(namespaces, namespace);
  if (!isDeleting(holder)) return;
  const words = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const message = `namespace ${namespace} is being terminated`;
  throw forbidden(kind, name, words, [{ reason: "NamespaceTerminating", message, field: "metadata.namespace" }]);
}
