import { heldByHand } from "../../shared/by-hand.ts";
import {
  below,
  entriesOf,
  type FieldPath,
  type Fields,
  isOurs,
  leavesOf,
  minus,
  type Spot,
  under,
  union,
} from "../../shared/fields.ts";
import { FIELD_MANAGER, isMap, type JsonObject, type KubeObject, member } from "../../shared/live.ts";
import type { Ownership } from "./kube.ts";

/** Has the number of replicas where a manifest no longer names one, so that it stays what it is. */
export const REPLICAS_MANAGER = "skerry-replicas";
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
const REPLICAS: FieldPath = ["f:spec", "f:replicas"];

/**
 * Who shall own what before an apply of `desired`, so that a field which is not in it goes: what hands own is united into our entry. The number
 * of replicas that `desired` leaves open keeps an owner of its own, else it would fall to 1. null where nothing is to change. `ignored` fields
 * stay whose they are.
 */
export function adoption(live: KubeObject, desired: KubeObject, ignored: readonly Spot[]): Ownership | null {
  const entries = entriesOf(live);
  const held = heldByHand(live, ignored);
  let owned = entries.find(isOurs)?.fields ?? {};
  for (const { entry, paths } of held)
    owned = paths.reduce((fields, path) => united(fields, entry.fields, path), owned);
  owned = minus(owned, ["f:metadata", "f:annotations", `f:${LAST_APPLIED}`]);
  const opensReplicas = below(owned, REPLICAS) !== undefined && member(desired, "spec")["replicas"] === undefined;
  if (held.length === 0 && !opensReplicas) return null;
  const others = entries
    .filter((entry) => !isOurs(entry))
    .flatMap(({ raw, fields }) => {
      const paths = held.find(({ entry }) => entry.raw === raw)?.paths;
      return paths === undefined ? [raw] : withFields(raw, allBut(fields, paths));
    });
  if (opensReplicas) owned = minus(owned, REPLICAS);
  const annotations = live.metadata["annotations"];
  return {
    managedFields: withOurs(
      opensReplicas ? withReplicas(others, desired.apiVersion) : others,
      owned,
      desired.apiVersion,
    ),
    drop: isMap(annotations) && LAST_APPLIED in annotations ? [LAST_APPLIED] : [],
  };
}

/** Entries with ours among them, which has these fields; without it where it would have none. */
export function withOurs(others: readonly JsonObject[], fields: Fields, apiVersion: string): JsonObject[] {
  return leavesOf(fields).length === 0 ? [...others] : [entryOf(FIELD_MANAGER, fields, apiVersion), ...others];
}

/** The entry with these fields; nothing where it would have none. */
export function withFields(raw: JsonObject, fields: Fields): JsonObject[] {
  return leavesOf(fields).length === 0 ? [] : [{ ...raw, fieldsV1: fields }];
}

/** `owned`, with what of `from` is at the path, and the list items on the way there. */
export function united(owned: Fields, from: Fields, path: FieldPath): Fields {
  const items = path.flatMap((_, index): FieldPath[] => {
    const item = [...path.slice(0, index + 1), "."];
    return below(from, item) === undefined ? [] : [item];
  });
  return items.reduce(
    (fields, item) => union(fields, under(item, {})),
    union(owned, under(path, below(from, path) ?? {})),
  );
}

export function allBut(fields: Fields, paths: readonly FieldPath[]): Fields {
  const gone = new Set(paths.map((path) => path.join("\n")));
  const left = leavesOf(fields).filter((path) => !gone.has(path.join("\n")));
  return left.reduce<Fields>((kept, path) => united(kept, fields, path), {});
}

function withReplicas(entries: readonly JsonObject[], apiVersion: string): JsonObject[] {
  const others = entries.filter(({ manager, operation }) => manager !== REPLICAS_MANAGER || operation !== "Apply");
  return [entryOf(REPLICAS_MANAGER, under(REPLICAS, {}), apiVersion), ...others];
}

/** The server gives it a time. */
function entryOf(manager: string, fieldsV1: Fields, apiVersion: string): JsonObject {
  return { manager, operation: "Apply", apiVersion, fieldsType: "FieldsV1", fieldsV1 };
}
