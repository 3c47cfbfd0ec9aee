import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import {
  difference,
  emptySet,
  type FieldSet,
  fromFieldsV1,
  insert,
  isEmpty,
  recursiveDifference,
  toFieldsV1,
} from "./field-set.ts";
import { isMap } from "./schema.ts";

/** One entry of `metadata.managedFields`. */
export interface Manager {
  name: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  subresource: string;
  /** RFC 3339; empty where the entry is being written now. */
  time: string;
  fields: FieldSet;
}

export type Managers = ReadonlyMap<string, Manager>;

/** Who writes, as an entry's identity: an applier keeps its entry over versions, an updater has one for each. */
export type Writer = Pick<Manager, "name" | "operation" | "apiVersion" | "subresource">;

export function identity(writer: Writer): string {
  const version = writer.operation === "Apply" ? "" : writer.apiVersion;
  return [writer.operation, writer.name, version, writer.subresource].join("\n");
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** Entries that cannot be read are left out, as the server does. */
export function readManagers(object: KubeObject | null): Managers {
  const found = new Map<string, Manager>();
  const entries = object?.metadata["managedFields"];
  for (const entry of Array.isArray(entries) ? entries : []) {
    if (!isMap(entry)) continue;
    const { operation, fieldsV1 } = entry;
    if ((operation !== "Apply" && operation !== "Update") || !isMap(fieldsV1)) continue;
    const manager: Manager = {
      name: text(entry["manager"]),
      operation,
      apiVersion: text(entry["apiVersion"]),
      subresource: text(entry["subresource"]),
      time: text(entry["time"]),
      fields: fromFieldsV1(fieldsV1),
    };
    found.set(identity(manager), manager);
  }
  return found;
}

/**
 * The managers that a write starts from: those the writer sent along, else the live ones; none where it sent `[{}]`,
 * which clears them. After apiserver `managedfields/internal/fieldmanager.go` `decodeLiveOrNew`.
 */
export function startingManagers(live: KubeObject | null, next: KubeObject, subresource: string): Managers {
  if (subresource !== "") return readManagers(live);
  const sent = next.metadata["managedFields"];
  const isReset = Array.isArray(sent) && sent.length === 1 && isMap(sent[0]) && Object.keys(sent[0]).length === 0;
  if (isReset) return new Map();
  const managers = readManagers(next);
  return managers.size === 0 ? readManagers(live) : managers;
}

const UNOWNED = ["apiVersion", "kind", "metadata"].map((field) => [`f:${field}`]);
const UNOWNED_METADATA = [
  "clusterName",
  "creationTimestamp",
  "generation",
  "managedFields",
  "name",
  "namespace",
  "resourceVersion",
  "selfLink",
  "uid",
].map((field) => ["f:metadata", `f:${field}`]);

function unowned(): FieldSet {
  const set = emptySet();
  for (const path of [...UNOWNED, ...UNOWNED_METADATA]) insert(set, path);
  return set;
}
const UNOWNED_SET = unowned();

/** Names and what the server itself writes belong to nobody. */
export function withoutServerFields(fields: FieldSet): FieldSet {
  return difference(fields, UNOWNED_SET);
}

/** Fields that this endpoint does not write at all, with all below them. */
export function withoutReset(fields: FieldSet, reset: readonly string[]): FieldSet {
  const set = emptySet();
  for (const field of reset) insert(set, [`f:${field}`]);
  return recursiveDifference(fields, set);
}

/**
 * Writes the entries onto the object; one without a time was just written to and gets `now`.
 * Order as Kubernetes sorts: applies first, then by time, name, version, subresource.
 */
export function writeManagers(object: KubeObject, managers: Managers, now: string): void {
  const entries: Manager[] = [];
  for (const manager of managers.values()) {
    const fields = withoutServerFields(manager.fields);
    if (!isEmpty(fields)) entries.push({ ...manager, fields, time: manager.time === "" ? now : manager.time });
  }
  if (entries.length === 0) {
    delete object.metadata["managedFields"];
    return;
  }
  const rank = (entry: Manager): string =>
    [entry.operation, entry.time, entry.name, entry.apiVersion, entry.subresource].join("\n");
  const ordered = entries.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
  object.metadata["managedFields"] = ordered.map(entryOf);
}

function entryOf(manager: Manager): JsonObject {
  return {
    manager: manager.name,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    time: manager.time,
    fieldsType: "FieldsV1",
    fieldsV1: toFieldsV1(manager.fields),
    ...(manager.subresource === "" ? {} : { subresource: manager.subresource }),
  };
}
