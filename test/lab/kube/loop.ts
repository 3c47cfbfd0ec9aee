import type { KubeObject } from "../../../shared/live.ts";
import { mapsAt } from "./defaults-pod.ts";
import { type Kind, resourceOf, type Target } from "./kinds.ts";
import type { Resources } from "./resources.ts";
import { Refusal } from "./status.ts";
import { namespaceOf } from "./store.ts";

/** Brings one object to what it asks for, as far as can be done now. Gives milliseconds after which to look again. */
export type Reconcile = (object: KubeObject, target: Target) => number | undefined;

/**
 * Runs the controllers: an object that changed, or that owns one that changed, is reconciled soon after, once for any
 * number of changes.
 */
export class Loop {
  private readonly waiting = new Map<string, Target>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly controllers = new Map<string, Reconcile>();
  private readonly unsubscribe: () => void;
  private readonly resources: Resources;
  private soon: NodeJS.Immediate | null = null;

  constructor(resources: Resources) {
    this.resources = resources;
    this.unsubscribe = resources.store.subscribe(({ resource, object, before }) => {
      const changed = object ?? before;
      const kind = resources.catalog.byResource(resource);
      if (changed === null || kind === null) return;
      this.wake(targetOf(kind, changed));
      for (const owner of mapsAt(changed.metadata, "ownerReferences")) {
        const ownerKind = resources.catalog.byOwner(owner["apiVersion"], owner["kind"]);
        if (ownerKind === null) continue;
        const namespace = ownerKind.namespaced ? namespaceOf(changed) : "";
        this.wake({ kind: ownerKind, namespace, name: String(owner["name"]) });
      }
    });
  }

  control(kind: Kind, reconcile: Reconcile): void {
    this.controllers.set(resourceOf(kind), reconcile);
  }

  wake(target: Target): void {
    if (!this.controllers.has(resourceOf(target.kind))) return;
    this.waiting.set(keyOf(target), target);
    this.soon ??= setImmediate(() => this.run());
  }

  stop(): void {
    this.unsubscribe();
    if (this.soon !== null) clearImmediate(this.soon);
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.waiting.clear();
  }

  private run(): void {
    this.soon = null;
    const batch = [...this.waiting.values()];
    this.waiting.clear();
    for (const target of batch) this.reconcile(target);
  }

  private reconcile(target: Target): void {
    const key = keyOf(target);
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    const object = this.resources.store.get(target.kind, target.namespace, target.name);
    const reconcile = this.controllers.get(resourceOf(target.kind));
    if (object === null || reconcile === undefined) return;
    let again: number | undefined;
    try {
      again = reconcile(object, target);
    } catch (error) {
      // A namespace that terminates refuses new pods; the object goes away with it.
      if (!(error instanceof Refusal)) throw error;
    }
    if (again !== undefined)
      this.timers.set(
        key,
        setTimeout(() => this.wake(target), again),
      );
  }
}

export function targetOf(kind: Kind, object: KubeObject): Target {
  return { kind, namespace: namespaceOf(object), name: object.metadata.name };
}

function keyOf(target: Target): string {
  return `${resourceOf(target.kind)} ${target.namespace}/${target.name}`;
}
