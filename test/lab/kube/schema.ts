import { readFileSync } from "node:fs";
import type { Json } from "../../../shared/live.ts";

/** What a value of a type may be; `map` is both a struct (fields) and a map (element), as in structured-merge-diff. */
export interface Atom {
  scalar?: "string" | "numeric" | "boolean" | "untyped";
  list?: ListType;
  map?: MapType;
}

/** `keys` of an associative list; an associative list without keys is a set of scalars. */
export interface ListType {
  element: TypeRef;
  atomic: boolean;
  keys: readonly string[];
}

export interface MapType {
  fields: ReadonlyMap<string, Field>;
  element: TypeRef | null;
  atomic: boolean;
}

export interface Field {
  type: TypeRef;
  default: string | number | undefined;
  /** Kubernetes leaves the field out when it is "", 0 or false. */
  vanishesWhenZero: boolean;
  /** And when it is an empty list or plain map. */
  vanishesWhenEmpty: boolean;
}

export type TypeRef = string | Atom;

/** Any JSON: maps by key, lists whole. */
export const DEDUCED = "__untyped_deduced_";
const ATOMIC = "__untyped_atomic_";

/** What client-go's schema does not hold: the definition of custom resources, after apiextensions/v1 `types.go`. */
const EXTENSIONS = `
lab.CustomResourceDefinition
  apiVersion:s kind:s metadata:meta.v1.ObjectMeta spec:lab.CustomResourceDefinitionSpec
  status:lab.CustomResourceDefinitionStatus
lab.CustomResourceDefinitionSpec
  conversion:__untyped_deduced_ group:s names:lab.CustomResourceDefinitionNames preserveUnknownFields:b~ scope:s
  versions:[__untyped_atomic_!]
lab.CustomResourceDefinitionNames
  categories:[s!] kind:s listKind:s~ plural:s shortNames:[s!] singular:s~
lab.CustomResourceDefinitionStatus
  acceptedNames:lab.CustomResourceDefinitionNames conditions:[meta.v1.Condition;type] storedVersions:[s!]
`;

const types = new Map<string, TypeRef>([
  [DEDUCED, untyped(ATOMIC, DEDUCED, false)],
  [ATOMIC, untyped(ATOMIC, ATOMIC, true)],
]);
read(readFileSync(new URL("schema.txt", import.meta.url), "utf8"));
read(EXTENSIONS);

function untyped(listElement: string, mapElement: string, atomicMap: boolean): Atom {
  return {
    scalar: "untyped",
    list: { element: listElement, atomic: true, keys: [] },
    map: { fields: new Map(), element: mapElement, atomic: atomicMap },
  };
}

function read(text: string): void {
  let fields = new Map<string, Field>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    if (!line.startsWith(" ")) {
      const [name = "", mark, alias] = line.split(" ");
      fields = new Map();
      types.set(name, alias === undefined ? { map: { fields, element: null, atomic: mark === "!" } } : typeOf(alias));
      continue;
    }
    for (const word of line.trim().split(" ")) {
      const [, name = "", type = "", zero, fallback] = /^([^:]+):(.+?)(~)?(?:=(.+))?$/.exec(word) ?? [];
      const value = fallback === undefined || Number.isNaN(Number(fallback)) ? fallback : Number(fallback);
      fields.set(name, {
        type: typeOf(type),
        default: value,
        vanishesWhenZero: zero !== undefined,
        vanishesWhenEmpty: true,
      });
    }
  }
}

function typeOf(text: string): TypeRef {
  const scalar = ({ s: "string", n: "numeric", b: "boolean", a: "untyped" } as const)[text];
  if (scalar !== undefined) return { scalar };
  if (text.startsWith("[")) {
    const [element = "", ...keys] = text.slice(1, -1).split(";");
    const atomic = element.endsWith("!");
    return { list: { element: typeOf(atomic ? element.slice(0, -1) : element), atomic, keys } };
  }
  if (text.startsWith("{")) {
    const atomic = text.endsWith("!}");
    return { map: { fields: new Map(), element: typeOf(text.slice(1, atomic ? -2 : -1)), atomic } };
  }
  return text;
}

/** Resolves names; throws on a name that the schema lacks, which is a fault of the schema. */
export function resolve(ref: TypeRef): Atom {
  let atom = ref;
  while (typeof atom === "string") {
    const next = types.get(atom);
    if (next === undefined) throw new Error(`schema.txt has no type ${atom}`);
    atom = next;
  }
  return atom;
}

export function fieldType(map: MapType, key: string): TypeRef | null {
  return map.fields.get(key)?.type ?? map.element;
}

export function isMap(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The one form of an atom that a value has; the atom itself where the value is null, absent or of no allowed form. */
export function deduce(atom: Atom, value: Json | undefined): Atom {
  if (value === undefined || value === null) return atom;
  if (Array.isArray(value)) return atom.list === undefined ? atom : { list: atom.list };
  if (isMap(value)) return atom.map === undefined ? atom : { map: atom.map };
  return atom.scalar === undefined ? atom : { scalar: atom.scalar };
}
