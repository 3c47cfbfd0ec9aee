import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import { type Kind, resourceOf } from "./kinds.ts";

/** One change. `object` null: deleted, and `before` then carries the resourceVersion of the deletion. */
export interface Change {
  revision: number;
  resource: string;
  object: KubeObject | null;
  before: KubeObject | null;
}

/**
 * All objects and the history of their changes, by one counter of revisions. Objects in here are never modified in
 * place: what `get` and `list` give is shared, and a change is a new object.
 */
export class Store {
  private readonly objects = new Map<string, Map<string, KubeObject>>();
  private readonly listeners = new Set<(change: Change) => void>();
  private history: Change[] = [];
  private counter = 1;
  private floor = 0;
  private readonly keep: number;

  /** `keep`: how many changes a watch can go back. */
  constructor(keep: number) {
    this.keep = keep;
  }

  get revision(): number {
    return this.counter;
  }

  get(kind: Kind, namespace: string, name: string): KubeObject | null {
    return this.objects.get(resourceOf(kind))?.get(`${namespace}/${name}`) ?? null;
  }

  /** In the order of namespace and name, as etcd keeps them. */
  list(kind: Kind, namespace = ""): KubeObject[] {
    const all = [...(this.objects.get(resourceOf(kind)) ?? [])];
    const inside = namespace === "" ? all : all.filter(([key]) => key.startsWith(`${namespace}/`));
    return inside.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Stores the object under a new resourceVersion and gives it back as stored. */
  put(kind: Kind, object: KubeObject): KubeObject {
    const before = this.get(kind, namespaceOf(object), object.metadata.name);
    const stored = this.stamped(object);
    const resource = resourceOf(kind);
    const objects = this.objects.get(resource) ?? new Map<string, KubeObject>();
    this.objects.set(resource, objects.set(`${namespaceOf(object)}/${object.metadata.name}`, stored));
    this.record({ revision: this.counter, resource, object: stored, before });
    return stored;
  }

  delete(kind: Kind, object: KubeObject): KubeObject {
    const resource = resourceOf(kind);
    const last = this.stamped(object);
    this.objects.get(resource)?.delete(`${namespaceOf(object)}/${object.metadata.name}`);
    this.record({ revision: this.counter, resource, object: null, before: last });
    return last;
  }

  /** The changes after a revision, or null where they are no longer known. */
  since(revision: number): Change[] | null {
    if (revision < this.floor) return null;
    return this.history.filter((change) => change.revision > revision);
  }

  /** All objects of all kinds, each with its resource. */
  *all(): Generator<[string, KubeObject]> {
    for (const [resource, objects] of this.objects) for (const object of objects.values()) yield [resource, object];
  }

  /** Forgets the history, as a server's restart does: no resourceVersion given out so far can be resumed. */
  forget(): void {
    this.history = [];
    this.counter++;
    this.floor = this.counter;
  }

  /** Calls back on each change, in order; the result ends it. */
  subscribe(listener: (change: Change) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private stamped(object: KubeObject): KubeObject {
    this.counter++;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.counter) } };
  }

  private record(change: Change): void {
    this.history.push(change);
    const dropped = this.history.length > this.keep ? this.history.shift() : undefined;
    if (dropped !== undefined) this.floor = dropped.revision;
    for (const listener of this.listeners) listener(change);
  }
}

export function namespaceOf(object: KubeObject): string {
  return stringAt(object.metadata, "namespace");
}

export function uidOf(object: KubeObject): string {
  return stringAt(object.metadata, "uid");
}

export function stringAt(record: JsonObject, key: string): string {
  const value = record[key];
  return typeof value === "string" ? value : "";
}
