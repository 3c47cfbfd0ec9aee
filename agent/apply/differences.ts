import { type Held, heldByHand } from "../../shared/by-hand.ts";
import {
  below,
  type Entry,
  entriesOf,
  type FieldPath,
  type Fields,
  fieldWords,
  isLeaf,
  isOurs,
  keyOf,
  pathTo,
  type Spot,
} from "../../shared/fields.ts";
import { isMap, type Json, type KubeObject, member } from "../../shared/live.ts";

/** One way in which a live object is not as it was applied. Names of fields and of managers, never a value. */
export interface Difference {
  /** `.spec.replicas`; empty for the object as a whole. */
  field: string;
  how: "changed" | "removed" | "reordered" | "added" | "shared";
  /** The manager that has it now. null where nothing tells: a removed field has no trace of who removed it. */
  by: string | null;
  /** Taken through the subresource `scale`: it is the autoscaler's, and no drift. */
  scaled: boolean;
}

/** A part of what was sent that our entry does not own any more. */
export interface Lost {
  spot: Spot;
  /** With keys as the server would have them, as far as they are known. */
  path: FieldPath;
}

/**
 * What tells a live object from what was applied last; `desired` is that, and `live` null where there is none. What a server made of values and
 * order is not seen as a difference unless there is no other: who edits a field takes it from us.
 */
export function differences(desired: KubeObject, live: KubeObject | null, ignored: readonly Spot[]): Difference[] {
  if (live === null) return [{ field: "", how: "removed", by: null, scaled: false }];
  const entries = entriesOf(live);
  const ours = entries.find(isOurs);
  if (ours === undefined) return [{ field: "", how: "changed", by: latest(entries)?.manager ?? null, scaled: false }];
  const others = entries.filter((entry) => !isOurs(entry));
  const gone = lostOf(desired, ours.fields, ignored).flatMap((lost) => partsLost(lost, desired, live, others));
  const found = gone.map((lost) => taken(lost, live, others));
  const known = [...ignored, ...gone.map(({ spot }) => spot)];
  const hands = heldByHand(live, known).flatMap((held) => byHand(held, ours.fields));
  const told = [...found, ...hands];
  if (told.length > 0) return told;
  return unowned(content(desired), live, ours.fields, []);
}

/** Whether all that differs is what a subresource `scale` is for. */
export function isAutoscaled(found: readonly Difference[]): boolean {
  return found.length > 0 && found.every(({ scaled }) => scaled);
}

/** What of the desired object our entry has lost, the topmost of each part; what is ignored does not count. */
export function lostOf(desired: KubeObject, ours: Fields, ignored: readonly Spot[]): Lost[] {
  const spared = new Set(ignored.map((spot) => JSON.stringify(spot)));
  return walk(content(desired), ours, [], [], spared);
}

function walk(value: Json, ours: Fields, spot: Spot, path: FieldPath, spared: ReadonlySet<string>): Lost[] {
  if (path.length > 0 && isLeaf(ours)) return [];
  return partsOf(value).flatMap(([step, inner, index]) => {
    const key = keyOf(ours, step);
    const innerSpot = [...spot, step];
    const innerPath = [...path, key ?? likelyKey(step, index)];
    if (key !== undefined) return walk(inner, member(ours, key), innerSpot, innerPath, spared);
    return counts(inner, innerSpot, spared) ? [{ spot: innerSpot, path: innerPath }] : [];
  });
}

/** Whether there is anything in it that is not ignored, and that the server keeps. */
function counts(value: Json, spot: Spot, spared: ReadonlySet<string>): boolean {
  if (value === null || spared.has(JSON.stringify(spot))) return false;
  const parts = partsOf(value);
  return parts.length === 0 || parts.some(([step, inner]) => counts(inner, [...spot, step], spared));
}

function partsOf(value: Json): [Spot[number], Json, number][] {
  if (Array.isArray(value)) return value.map((item, index) => [{ item }, item, index]);
  return isMap(value) ? Object.entries(value).map(([name, inner], index) => [name, inner, index]) : [];
}

/** Members by which lists of Kubernetes tell their items apart, the first that an item has. */
const KEYS = ["containerPort", "port", "mountPath", "devicePath", "ip", "topologyKey", "name"];

function likelyKey(step: Spot[number], index: number): string {
  if (typeof step === "string") return `f:${step}`;
  const { item } = step;
  const name = isMap(item) ? KEYS.find((key) => key in item) : undefined;
  return name === undefined || !isMap(item) ? `i:${index}` : `k:${JSON.stringify({ [name]: item[name] })}`;
}

/** What of an object can be owned. */
function content({ apiVersion: _apiVersion, kind: _kind, status: _status, metadata, ...rest }: KubeObject): Json {
  const { name: _name, namespace: _namespace, ...owned } = metadata;
  return { ...(Object.keys(owned).length > 0 && { metadata: owned }), ...rest };
}

/** The lost part, and all that is inside of it. */
export function allOf(lost: Lost, desired: KubeObject): Lost[] {
  const inside = partsOf(sentAt(desired, lost.spot) ?? null).map(([step, , index]) => ({
    spot: [...lost.spot, step],
    path: [...lost.path, likelyKey(step, index)],
  }));
  return [lost, ...inside.flatMap((part) => allOf(part, desired))];
}

/** What is still there in part is named by its parts, with their owners; what is gone, as a whole. */
function partsLost(lost: Lost, desired: KubeObject, live: KubeObject, others: readonly Entry[]): Lost[] {
  const isWhole = others.some(({ fields }) => isLeaf(below(fields, pathTo(fields, lost.spot) ?? []) ?? { "f:": {} }));
  const parts = partsOf(sentAt(desired, lost.spot) ?? null);
  if (parts.length === 0 || typeof lost.spot.at(-1) !== "string") return [lost];
  if (isWhole || valueAt(live, lost.path) === undefined) return [lost];
  return parts.flatMap(([step, inner, index]) => {
    const part = { spot: [...lost.spot, step], path: [...lost.path, likelyKey(step, index)] };
    return inner === null ? [] : partsLost(part, desired, live, others);
  });
}

/** What was sent at a spot. */
export function sentAt(object: KubeObject, spot: Spot): Json | undefined {
  return spot.reduce<Json | undefined>((value, step) => {
    if (typeof step !== "string") return step.item;
    return isMap(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }, content(object));
}

function taken({ spot, path }: Lost, live: KubeObject, others: readonly Entry[]): Difference {
  const owners = others.flatMap((entry) => {
    const at = pathTo(entry.fields, spot);
    return at === null ? [] : [{ ...entry, at }];
  });
  const owner = latest(owners);
  const field = fieldWords(owner !== undefined && owner.at.length === path.length ? owner.at : path);
  if (owner !== undefined) {
    return {
      field,
      how: "changed",
      by: owner.manager,
      scaled: owners.some(({ subresource }) => subresource === "scale"),
    };
  }
  return { field, how: valueAt(live, path) === undefined ? "removed" : "changed", by: null, scaled: false };
}

function latest<T extends Entry>(entries: readonly T[]): T | undefined {
  return entries.reduce<T | undefined>(
    (last, entry) => (last === undefined || entry.time >= last.time ? entry : last),
    undefined,
  );
}

/** What somebody added to our object by hand, or has in common with us; what was taken from us is told as that. */
function byHand({ entry, paths }: Held, ours: Fields): Difference[] {
  const found = paths.map((path): Difference => {
    // Of a whole item, its parts say nothing more.
    const item = path.findIndex(
      (key, index) => key.startsWith("k:") && below(ours, path.slice(0, index + 1)) === undefined,
    );
    const how = below(ours, path) === undefined ? "added" : "shared";
    return { field: fieldWords(item === -1 ? path : path.slice(0, item + 1)), how, by: entry.manager, scaled: false };
  });
  return found.filter(({ field }, index) => found.findIndex((each) => each.field === field) === index);
}

/** Where nobody took anything: another order of our items, or another value under our own name. */
function unowned(desired: Json, live: Json | undefined, ours: Fields, path: FieldPath): Difference[] {
  const here = { field: fieldWords(path), by: null, scaled: false };
  if (live === undefined) return [{ ...here, how: "removed" }];
  if (Array.isArray(desired) && Array.isArray(live)) {
    const keys = desired.flatMap((item) => keyOf(ours, { item }) ?? []);
    const order = live.flatMap((item) => keyOf(ours, { item }) ?? []);
    if (keys.join("\n") !== order.join("\n")) return [{ ...here, how: "reordered" }];
  }
  if (isMap(desired) || Array.isArray(desired)) {
    return partsOf(desired).flatMap(([step, inner]) => {
      const key = keyOf(ours, step);
      if (key === undefined || inner === null) return [];
      const below = [...path, key];
      return unowned(inner, valueAt(live, [key]), member(ours, key), below);
    });
  }
  return desired === live ? [] : [{ ...here, how: "changed" }];
}

/** The value at a path of a set of fields. */
export function valueAt(value: Json, path: FieldPath): Json | undefined {
  let found: Json | undefined = value;
  for (const key of path) {
    if (key.startsWith("f:"))
      found = isMap(found) && Object.hasOwn(found, key.slice(2)) ? found[key.slice(2)] : undefined;
    else if (!Array.isArray(found)) return undefined;
    else if (key.startsWith("i:")) found = found[Number(key.slice(2))];
    else found = found.find((item) => keyOf({ [key]: {} }, { item }) !== undefined);
    if (found === undefined) return undefined;
  }
  return found;
}

/** For a person: `.spec.replicas changed by kubectl-edit`; three of them, one first that tells by whom, and how many more. */
export function differenceWords(found: readonly Difference[]): string {
  const known = found.find(({ by }) => by !== null);
  const told = known === undefined ? found : [known, ...found.filter((each) => each !== known)];
  const words = told.slice(0, 3).map(({ field, how, by }) => {
    const what = field === "" ? "the object" : field;
    if (how === "removed") return `${what} removed, which leaves no trace of who did it`;
    return `${what} ${how}${by === null ? ", and nothing tells by whom" : ` by ${by}`}`;
  });
  return `${words.join("; ")}${found.length > 3 ? `; and ${found.length - 3} more` : ""}`;
}
