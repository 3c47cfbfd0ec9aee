import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import { kindNamed } from "./catalog.ts";
import { mapAt, mapsAt } from "./defaults-pod.ts";
import { finalizersOf, isDeleting, isFinished } from "./deletion.ts";
import { emptyDefinition, emptyNamespace, heldBy } from "./garbage.ts";
import type { Loop } from "./loop.ts";
import { statusOfObject, withCondition } from "./pods.ts";
import type { Resources } from "./resources.ts";

const NAMESPACES = kindNamed("namespaces");
const DEFINITIONS = kindNamed("customresourcedefinitions");
const CLEANUP = "customresourcecleanup.apiextensions.k8s.io";
const CONTROLLER = "kube-controller-manager";
/** A namespace that is held is looked at again after this; what it waits for does not tell it. */
const LOOK_AGAIN = 100;

/** Namespaces get what each namespace has, and are emptied when deleted; definitions begin and cease to be served. */
export function runTenancy(
  loop: Loop,
  resources: Resources,
  options: { establish: number; onDefined: (resource: string) => void },
): void {
  loop.control(NAMESPACES, (namespace, target) => {
    const { name } = namespace.metadata;
    if (!isDeleting(namespace)) {
      furnish(resources, name);
      return undefined;
    }
    const { left } = emptyNamespace(resources, name);
    if (left.length === 0) {
      const emptied = { ...namespace, spec: {} };
      if (isFinished(emptied)) resources.store.delete(NAMESPACES, emptied);
      else resources.store.put(NAMESPACES, emptied);
      return undefined;
    }
    const held = heldBy(left);
    const now = resources.now();
    let conditions = mapsAt(statusOfObject(namespace), "conditions");
    const content = { type: "NamespaceContentRemaining", status: "True", reason: "SomeResourcesRemain" };
    const message = `Some resources are remaining: ${held.content}`;
    conditions = withCondition(conditions, { ...content, message }, now);
    if (held.finalizers !== "") {
      const remaining = { type: "NamespaceFinalizersRemaining", status: "True", reason: "SomeFinalizersRemain" };
      const words = `Some content in the namespace has finalizers remaining: ${held.finalizers}`;
      conditions = withCondition(conditions, { ...remaining, message: words }, now);
    }
    resources.updateStatus(target, CONTROLLER, { phase: "Terminating", conditions });
    return LOOK_AGAIN;
  });

  const seen = new Map<string, number>();
  const served = new Map<string, string>();
  loop.control(DEFINITIONS, (definition, target) => {
    const { name } = definition.metadata;
    if (isDeleting(definition)) {
      if (!emptyDefinition(resources, definition)) return LOOK_AGAIN;
      resources.catalog.undefine(name);
      seen.delete(name);
      served.delete(name);
      options.onDefined(name);
      release(resources, definition);
      return undefined;
    }
    // As on a real server: it says "established" a little before it serves the kind.
    const since = seen.get(name);
    if (since === undefined) {
      seen.set(name, performance.now());
      resources.updateStatus(target, "kube-apiserver", established(definition, resources.now()));
      return options.establish;
    }
    const left = options.establish - (performance.now() - since);
    if (left > 0) return left;
    const versions = JSON.stringify(mapAt(definition, "spec"));
    if (served.get(name) === versions) return undefined;
    served.set(name, versions);
    resources.catalog.define(definition);
    options.onDefined(name);
    resources.updateStatus(target, "kube-apiserver", established(definition, resources.now()));
    return undefined;
  });
}

function established(definition: KubeObject, now: Date): JsonObject {
  const spec = mapAt(definition, "spec") ?? {};
  let conditions = mapsAt(statusOfObject(definition), "conditions");
  const words: [string, string, string][] = [
    ["NamesAccepted", "NoConflicts", "no conflicts found"],
    ["Established", "InitialNamesAccepted", "the initial names have been accepted"],
  ];
  for (const [type, reason, message] of words) {
    conditions = withCondition(conditions, { type, status: "True", reason, message }, now);
  }
  const storage = mapsAt(spec, "versions").find((version) => version["storage"] === true);
  return { conditions, acceptedNames: spec["names"] ?? {}, storedVersions: [storage?.["name"] ?? ""] };
}

function release(resources: Resources, definition: KubeObject): void {
  const finalizers = finalizersOf(definition).filter((one) => one !== CLEANUP);
  const metadata = { ...definition.metadata, finalizers };
  const released: KubeObject = { ...definition, metadata };
  if (isFinished(released)) resources.store.delete(DEFINITIONS, released);
  else if (finalizers.length < finalizersOf(definition).length) resources.store.put(DEFINITIONS, released);
}

/** What a real cluster puts in each namespace. */
function furnish(resources: Resources, namespace: string): void {
  const writing = { manager: CONTROLLER, subresource: "", dryRun: false };
  const accounts = kindNamed("serviceaccounts");
  if (resources.store.get(accounts, namespace, "default") === null) {
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } };
    resources.create(accounts, namespace, account, writing);
  }
  const maps = kindNamed("configmaps");
  if (resources.store.get(maps, namespace, "kube-root-ca.crt") === null) {
    const data = { "ca.crt": "the lab's API server speaks plain HTTP and has no certificate\n" };
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kube-root-ca.crt" }, data };
    resources.create(maps, namespace, map, writing);
  }
}
