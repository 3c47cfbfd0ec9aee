import {
  below,
  entriesOf,
  type FieldPath,
  type Fields,
  fieldWords,
  isOurs,
  keyOf,
  minus,
  type Spot,
} from "../../shared/fields.ts";
import { isMap, type Json, type KubeObject, member } from "../../shared/live.ts";
import { united, withFields, withOurs } from "./adoption.ts";
import { allOf, type Lost, lostOf, sentAt, valueAt } from "./differences.ts";
import type { Ownership } from "./kube.ts";

/** Fields of others, and who had them, that are in the way of ours. */
export interface Blocking {
  taken: { field: string; by: string }[];
  ownership: Ownership;
}

/**
 * An apply of `desired` was refused because it would stand beside what somebody put in its place: another number for a port, a `valueFrom` for a
 * `value`, another handler for a probe. What is in the way, and who shall own it so that the next apply takes it away; null where nothing is.
 * `refused`: field paths of the server's causes. Only what stands in the very place of a field that we lost, and that a cause names, is taken.
 */
export function blocking(
  live: KubeObject,
  desired: KubeObject,
  ignored: readonly Spot[],
  refused: readonly string[],
): Blocking | null {
  const entries = entriesOf(live);
  const ours = entries.find(isOurs)?.fields;
  if (ours === undefined) return null;
  const lost = lostOf(desired, ours, ignored).flatMap((each) => allOf(each, desired));
  const causes = refused.map((field) => field.replaceAll(/\[[^\]]*\]/g, "").split("."));
  let owned = ours;
  const taken: Blocking["taken"] = [];
  const others = entries
    .filter((entry) => !isOurs(entry))
    .flatMap(({ raw, fields, manager, subresource }) => {
      if (subresource !== "") return [raw];
      const paths = lost
        .flatMap((each) => inPlaceOf(each, fields, desired, live))
        .filter((path) => below(owned, path) === undefined && causes.some((cause) => isNamed(path, cause)));
      if (paths.length === 0) return [raw];
      for (const path of paths) {
        owned = united(owned, fields, path);
        taken.push({ field: fieldWords(path), by: manager });
      }
      return withFields(raw, paths.reduce(minus, fields));
    });
  if (taken.length === 0) return null;
  return { taken, ownership: { managedFields: withOurs(others, owned, desired.apiVersion), drop: [] } };
}

/** What the set has beside the lost part that `desired` has not. */
function inPlaceOf({ spot, path }: Lost, fields: Fields, desired: KubeObject, live: KubeObject): FieldPath[] {
  const parent = path.slice(0, -1);
  const lostItem = itemOf(spot.at(-1));
  return strangers(fields, parent, sentAt(desired, spot.slice(0, -1))).filter((found) => {
    // Another item of a list is in our item's place where it goes by the same name.
    const item = lostItem === undefined ? undefined : valueAt(live, found);
    return lostItem === undefined || (isMap(item) && item["name"] === lostItem["name"]);
  });
}

function strangers(fields: Fields, path: FieldPath, desired: Json | undefined): FieldPath[] {
  const there = below(fields, path);
  if (there === undefined) return [];
  const sent = new Set(
    Array.isArray(desired)
      ? desired.map((item) => keyOf(there, { item }))
      : Object.keys(isMap(desired) ? desired : {}).map((name) => `f:${name}`),
  );
  return Object.keys(there)
    .filter((key) => key !== "." && !sent.has(key))
    .map((key) => [...path, key]);
}

function itemOf(step: Spot[number] | undefined): { [key: string]: Json } | undefined {
  return typeof step === "object" && isMap(step.item) ? member({ item: step.item }, "item") : undefined;
}

/** Causes name the second of two that exclude each other, whichever that is: the same parent is near enough. */
function isNamed(path: FieldPath, cause: readonly string[]): boolean {
  const parent = path.slice(0, -1).flatMap((key) => (key.startsWith("f:") ? [key.slice(2)] : []));
  return cause.length <= parent.length + 1 && parent.every((name, index) => cause[index] === name);
}
