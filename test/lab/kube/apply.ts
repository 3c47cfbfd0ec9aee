import type { KubeObject } from "../../../shared/live.ts";
import {
  difference,
  emptySet,
  equalSets,
  type FieldSet,
  intersection,
  isEmpty,
  type Path,
  pathsOf,
  union,
} from "./field-set.ts";
import {
  identity,
  type Manager,
  type Managers,
  type Writer,
  withoutReset,
  withoutServerFields,
} from "./managed-fields.ts";
import type { TypeRef } from "./schema.ts";
import { type Comparison, compare } from "./typed-compare.ts";
import { merge } from "./typed-merge.ts";
import { fieldSetOf, removeItems, withNamedFields } from "./typed-sets.ts";

/** A field that somebody else manages and that an apply without force would change. */
export interface Conflict {
  manager: Manager;
  path: Path;
}

export interface Written {
  object: KubeObject;
  managers: Managers;
}

function bare(object: KubeObject): KubeObject {
  const metadata = { ...object.metadata };
  delete metadata["managedFields"];
  return { ...object, metadata };
}

/**
 * Server-side apply, after structured-merge-diff `merge/update.go` `Apply`: merge, remove what this manager applied
 * before and no longer does (unless somebody else has it), then settle who owns what.
 * `reset`: top fields that this endpoint does not write. `live` null: the object is new.
 */
export function applyTo(
  type: TypeRef,
  live: KubeObject | null,
  config: KubeObject,
  options: { managers: Managers; writer: Writer; force: boolean; reset: readonly string[] },
): Written | { conflicts: Conflict[] } {
  const { managers, writer, reset } = options;
  const id = identity(writer);
  const last = managers.get(id);
  const applied = withoutReset(fieldSetOf(type, bare(config)), reset);
  const next = new Map(managers).set(id, { ...writer, time: "", fields: applied });
  const merged = merge(type, live === null ? undefined : bare(live), bare(config)) as KubeObject;
  const object = last === undefined ? merged : prune(type, merged, next, last.fields);
  const changes = compare(type, live === null ? {} : bare(live), object);
  const isSame = [changes.added, changes.modified, changes.removed].every(isEmpty);
  const ownedSame = last !== undefined && equalSets(withoutServerFields(applied), withoutServerFields(last.fields));
  if (isSame && ownedSame) next.set(id, { ...last, fields: applied });
  return settle(object, changes, next, id, { force: options.force, reset });
}

/**
 * A plain write (create, update, patch): the writer gets what it changed, from whoever had it.
 * After `merge/update.go` `Update`.
 */
export function trackUpdate(
  type: TypeRef,
  live: KubeObject | null,
  next: KubeObject,
  options: { managers: Managers; writer: Writer; reset: readonly string[] },
): Managers {
  const { writer, reset } = options;
  const id = identity(writer);
  const changes = compare(type, live === null ? {} : bare(live), bare(next));
  const settled = settle(next, changes, options.managers, id, { force: true, reset });
  if ("conflicts" in settled) throw new Error("a forced write has no conflicts");
  const managers = new Map(settled.managers);
  const own = managers.get(id) ?? { ...writer, time: "", fields: emptySet() };
  const written = withoutServerFields(withoutReset(union(changes.modified, changes.added), reset));
  const fields = union(difference(own.fields, changes.removed), written);
  if (isEmpty(fields)) managers.delete(id);
  else managers.set(id, { ...own, fields, time: isEmpty(written) ? own.time : "" });
  return managers;
}

function prune(type: TypeRef, merged: KubeObject, managers: Managers, lastFields: FieldSet): KubeObject {
  const named = (set: FieldSet): FieldSet => withNamedFields(type, set);
  const last = named(lastFields);
  const without = (set: FieldSet): KubeObject => (removeItems(type, merged, set) ?? {}) as KubeObject;
  const mergedSet = named(fieldSetOf(type, merged));
  const owned = named([...managers.values()].map((manager) => manager.fields).reduce(union, emptySet()));
  // First all of the last apply goes; what anybody owns comes back; and what was never ours to remove.
  const first = named(fieldSetOf(type, without(last)));
  const second = named(fieldSetOf(type, without(difference(mergedSet, union(first, owned)))));
  return without(intersection(difference(mergedSet, second), last));
}

function settle(
  object: KubeObject,
  changes: Comparison,
  managers: Managers,
  self: string,
  options: { force: boolean; reset: readonly string[] },
): Written | { conflicts: Conflict[] } {
  const changed = withoutReset(union(changes.modified, changes.added), options.reset);
  const removed = withoutReset(changes.removed, options.reset);
  const conflicts: Conflict[] = [];
  const next = new Map<string, Manager>();
  for (const [id, manager] of managers) {
    if (id === self) {
      next.set(id, manager);
      continue;
    }
    const contested = withoutServerFields(intersection(manager.fields, changed));
    for (const path of pathsOf(contested)) conflicts.push({ manager, path });
    const fields = difference(difference(manager.fields, contested), removed);
    if (!isEmpty(fields)) next.set(id, { ...manager, fields });
  }
  if (!options.force && conflicts.length > 0) return { conflicts };
  return { object, managers: next };
}
