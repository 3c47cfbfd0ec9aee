import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import type { Catalog } from "./catalog.ts";
import { mapsAt } from "./defaults-pod.ts";
import { FOREGROUND, finalizersOf, isDeleting, isFinished, ORPHAN, remove } from "./deletion.ts";
import type { Kind } from "./kinds.ts";
import { targetOf } from "./loop.ts";
import type { Resources } from "./resources.ts";
import { namespaceOf, uidOf } from "./store.ts";

/**
 * Deletes what a deleted object owned, and holds an object back until its dependents are gone or released, as its
 * deletion asked. Gives back what ends it.
 */
export function runGarbageCollector(resources: Resources): () => void {
  const { store, catalog } = resources;
  let soon: NodeJS.Immediate | null = null;
  const unsubscribe = store.subscribe(({ object, before }) => {
    const isOwned = object !== null && before === null && mapsAt(object.metadata, "ownerReferences").length > 0;
    if (object === null || isDeleting(object) || isOwned || (before !== null && isDeleting(before))) {
      soon ??= setImmediate(() => {
        soon = null;
        collect(resources, catalog);
      });
    }
  });
  return () => {
    unsubscribe();
    if (soon !== null) clearImmediate(soon);
  };
}

interface Entry {
  kind: Kind;
  object: KubeObject;
}

function collect(resources: Resources, catalog: Catalog): void {
  const entries = [...resources.store.all()].flatMap(([resource, object]): Entry[] => {
    const kind = catalog.byResource(resource);
    return kind === null ? [] : [{ kind, object }];
  });
  const owners = new Map(entries.map((entry) => [uidOf(entry.object), entry.object]));
  const dependents = new Map<string, Entry[]>();
  for (const entry of entries) {
    const references = mapsAt(entry.object.metadata, "ownerReferences");
    for (const reference of references) {
      const uid = String(reference["uid"]);
      dependents.set(uid, [...(dependents.get(uid) ?? []), entry]);
    }
    if (references.length === 0 || isDeleting(entry.object)) continue;
    const living = references.filter((reference) => owners.has(String(reference["uid"])));
    if (living.length === 0) deleteEntry(resources, entry, "");
    else if (living.length < references.length) write(resources, entry, { ownerReferences: living });
  }
  for (const entry of entries) {
    if (!isDeleting(entry.object)) continue;
    const finalizers = finalizersOf(entry.object);
    const owned = dependents.get(uidOf(entry.object)) ?? [];
    if (finalizers.includes(ORPHAN)) orphan(resources, entry, owned);
    if (finalizers.includes(FOREGROUND)) deleteInForeground(resources, entry, owned);
  }
}

function current(resources: Resources, entry: Entry): KubeObject | null {
  const { kind, namespace, name } = targetOf(entry.kind, entry.object);
  const object = resources.store.get(kind, namespace, name);
  return object !== null && uidOf(object) === uidOf(entry.object) ? object : null;
}

function deleteEntry(resources: Resources, entry: Entry, propagation: string): void {
  const object = current(resources, entry);
  if (object === null || isDeleting(object)) return;
  const options = { uid: uidOf(object), resourceVersion: "", propagation, gracePeriodSeconds: null, dryRun: false };
  remove(resources.store, targetOf(entry.kind, object), options, resources.now());
}

/** Writes metadata past all rules, as the collector's own patches do; an emptied list is left out. */
function write(resources: Resources, entry: Entry, metadata: JsonObject): void {
  const object = current(resources, entry);
  if (object === null) return;
  const next: KubeObject = { ...object, metadata: { ...object.metadata, ...metadata } };
  for (const [key, value] of Object.entries(metadata)) {
    if (Array.isArray(value) && value.length === 0) delete next.metadata[key];
  }
  if (isFinished(next)) resources.store.delete(entry.kind, next);
  else resources.store.put(entry.kind, next);
}

function orphan(resources: Resources, entry: Entry, owned: Entry[]): void {
  const uid = uidOf(entry.object);
  for (const dependent of owned) {
    const references = mapsAt(dependent.object.metadata, "ownerReferences");
    write(resources, dependent, { ownerReferences: references.filter((reference) => reference["uid"] !== uid) });
  }
  write(resources, entry, { finalizers: finalizersOf(entry.object).filter((one) => one !== ORPHAN) });
}

function deleteInForeground(resources: Resources, entry: Entry, owned: Entry[]): void {
  const uid = uidOf(entry.object);
  for (const dependent of owned) deleteEntry(resources, dependent, "Foreground");
  const blocking = owned.filter((dependent) => {
    const object = current(resources, dependent);
    const references = object === null ? [] : mapsAt(object.metadata, "ownerReferences");
    return references.some((one) => one["uid"] === uid && one["blockOwnerDeletion"] === true);
  });
  if (blocking.length > 0) return;
  write(resources, entry, { finalizers: finalizersOf(entry.object).filter((one) => one !== FOREGROUND) });
}

/** Deletes all that a namespace holds; true once it is empty. */
export function emptyNamespace(resources: Resources, namespace: string): { left: Entry[] } {
  const inside = (): Entry[] =>
    [...resources.store.all()].flatMap(([resource, object]): Entry[] => {
      const kind = resources.catalog.byResource(resource);
      return kind !== null && namespaceOf(object) === namespace ? [{ kind, object }] : [];
    });
  for (const entry of inside()) deleteEntry(resources, entry, "Background");
  return { left: inside() };
}

/** What holds a namespace, in the words of its conditions. */
export function heldBy(left: Entry[]): { content: string; finalizers: string } {
  const tally = (names: string[]): [string, number][] => {
    const counts = new Map<string, number>();
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
    return [...counts];
  };
  const kinds = tally(left.map(({ kind }) => `${kind.plural}.${kind.group}`));
  const finalizers = tally(left.flatMap(({ object }) => finalizersOf(object)));
  return {
    content: kinds.map(([kind, n]) => `${kind} has ${n} resource instances`).join(", "),
    finalizers: finalizers.map(([name, n]) => `${name} in ${n} resource instances`).join(", "),
  };
}

/** The instances of a definition, deleted; true once there are none. */
export function emptyDefinition(resources: Resources, definition: KubeObject): boolean {
  const kind = resources.catalog.defined(definition.metadata.name)[0];
  if (kind === undefined) return true;
  for (const object of resources.store.list(kind)) deleteEntry(resources, { kind, object }, "Background");
  return resources.store.list(kind).length === 0;
}
