import { alike, sorted } from "../../shared/canonical.ts";
import type { FieldChange } from "../../shared/diff.ts";
import {
  below,
  entriesOf,
  type FieldPath,
  type Fields,
  fieldsOf,
  isOurs,
  namesItem,
  union,
} from "../../shared/fields.ts";
import { FIELD_MANAGER, isMap, type Json, type KubeObject, refOf } from "../../shared/live.ts";
import { BUNDLE_LABEL } from "../../shared/render/render.ts";
import type { Ownership } from "../apply/kube.ts";
import { hidden, isSecret, shown } from "./shown.ts";

/** An object of a bundle as it is rendered here, and as a diff shows it: values of the site's own are `${NAME}`. */
export interface Told {
  object: KubeObject;
  shown: KubeObject;
}

/** One object as it lives, as a dry run answered, and as its bundle has it now and had it before; null where no bundle had it. */
export interface Sides {
  live: KubeObject;
  answer: KubeObject;
  wanted: Told;
  running: Told | null;
  /** What an apply would first take over from hands: of those fields the ones go that are not in the bundle. null where there are none. */
  adopted: Pick<Ownership, "managedFields"> | null;
}

/** The value at one place in each of them. */
type Place = Readonly<Record<"live" | "answer" | "object" | "shown" | "ranObject" | "ranShown", Json | undefined>>;

/**
 * What an apply would change of the fields that we own, or would: those of others, and what the server adds, are left out, as they differ from
 * site to site. By the owned fields, so that items of keyed lists go by their keys.
 */
export function changedFields({ live, answer, wanted, running, adopted }: Sides): FieldChange[] {
  const entries = entriesOf(adopted === null ? live : withFields(live, adopted));
  const kept = fieldsOf(answer, FIELD_MANAGER) ?? {};
  const owned = union(entries.find(isOurs)?.fields ?? {}, kept);
  const others = entries.filter((entry) => !isOurs(entry)).map(({ fields }) => fields);
  const goes = (path: FieldPath) =>
    adopted !== null && [kept, ...others].every((fields) => below(fields, path) === undefined);
  const secret = isSecret(refOf(answer));
  const found: FieldChange[] = [];
  const walk = (set: Fields, at: Place, path: string, keys: FieldPath): void => {
    const inside = Object.entries(set).filter(([key]) => key !== ".");
    if (inside.length === 0) {
      const change = leaf(goes(keys) ? { ...at, answer: undefined } : at, path, secret);
      if (change !== null) found.push(change);
      return;
    }
    for (const [key, inner] of inside.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      walk(isMap(inner) ? inner : {}, stepInto(at, key), `${path}${segment(key)}`, [...keys, key]);
    }
  };
  const ran = { ranObject: running?.object, ranShown: running?.shown };
  walk(owned, { live, answer, object: wanted.object, shown: wanted.shown, ...ran }, "", []);
  return found;
}

/** All that a bundle says of an object, for one that is not there or could not be asked about. */
export function saidFields({ shown: object }: Pick<Told, "shown">): FieldChange[] {
  const secret = isSecret(object);
  const found: FieldChange[] = [];
  const walk = (value: Json, path: string): void => {
    const inner = Array.isArray(value) ? [...value.entries()] : isMap(value) ? Object.entries(value) : [];
    if (inner.length > 0) {
      for (const [key, below] of inner) walk(below, `${path}/${escaped(String(key))}`);
    } else if (!NAMES.has(path)) {
      found.push({ path, to: secret ? hidden(path, "bundle", value) : shown(value) });
    }
  };
  walk(object, "");
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** What the entry itself says, or every object of ours has. */
const NAMES = new Set([
  "/apiVersion",
  "/kind",
  "/metadata/name",
  "/metadata/namespace",
  `/metadata/labels/${escaped(BUNDLE_LABEL)}`,
]);

function leaf(at: Place, path: string, secret: boolean): FieldChange | null {
  if (same(at.live, at.answer)) return null;
  const from = at.live === undefined ? undefined : before(at, at.live, path, secret);
  const to = at.answer === undefined ? undefined : after(at, at.answer, path, secret);
  if (from === to && at.live !== undefined && at.answer !== undefined && !secret) {
    // The site's own value changes, as with a new record: then it is what there is to see.
    return { path, from: shown(at.live), to: shown(at.answer) };
  }
  return { path, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function before({ ranObject, ranShown }: Place, live: Json, path: string, secret: boolean): string {
  if (secret) return hidden(path, "live", live);
  return ranShown !== undefined && same(live, ranObject) ? shown(ranShown) : shown(live);
}

function after({ object, shown: told }: Place, answer: Json, path: string, secret: boolean): string {
  if (secret) return told === undefined ? "hidden" : hidden(path, "bundle", told);
  return told !== undefined && !same(told, object) ? shown(told) : shown(answer);
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return alike(a, b);
}

function stepInto(at: Place, key: string): Place {
  const entries = Object.entries(at).map(([side, value]) => [
    side,
    value === undefined ? undefined : inside(value, key),
  ]);
  return Object.fromEntries(entries) as Place;
}

function inside(value: Json, key: string): Json | undefined {
  if (Array.isArray(value)) return value.find((item, index) => namesItem(key, item, index));
  const name = key.slice(2);
  return key.startsWith("f:") && isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function withFields(object: KubeObject, { managedFields }: Pick<Ownership, "managedFields">): KubeObject {
  return { ...object, metadata: { ...object.metadata, managedFields: [...managedFields] } };
}

function segment(key: string): string {
  const rest = key.slice(2);
  if (key.startsWith("f:")) return `/${escaped(rest)}`;
  if (key.startsWith("v:")) return `[=${rest}]`;
  if (!key.startsWith("k:")) return `[${rest}]`;
  const keys: unknown = JSON.parse(rest);
  const pairs = isMap(keys) ? Object.entries(keys).toSorted(([a], [b]) => (a < b ? -1 : 1)) : [];
  return `[${pairs.map(([name, value]) => `${name}=${typeof value === "string" ? value : sorted(value)}`).join()}]`;
}

function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
