import * as z from "zod/mini";

/** One value inside a document, with what its schema says of it. */
export interface Place {
  path: readonly (string | number)[];
  value: unknown;
  sort: "object" | "record" | "array" | "null" | "leaf";
  /** Values of another type than this place takes. */
  wrong: readonly unknown[];
  /** Of an object: its keys that must be there, and all that may be. */
  required: readonly string[];
  known: readonly string[];
  /** A record whose keys follow a rule. */
  ruledKeys: boolean;
  /** Length of the path of the union around this place: a finding inside one may name the union. Undefined outside. */
  union: number | undefined;
}

/** Every place of a value that fits the schema, the whole first. Places of unions are those of the option that fits. */
export function* places(
  schema: z.core.$ZodType,
  value: unknown,
  path: Place["path"] = [],
  around: { union?: number; nullable?: boolean } = {},
): Generator<Place> {
  if (schema instanceof z.core.$ZodOptional) return yield* places(schema._zod.def.innerType, value, path, around);
  if (schema instanceof z.core.$ZodNullable) {
    return yield* places(schema._zod.def.innerType, value, path, { ...around, nullable: true });
  }
  if (schema instanceof z.core.$ZodUnion) {
    const fits = schema._zod.def.options.find((option) => z.safeParse(option, value).success);
    if (fits === undefined) throw new Error(`no option fits at /${path.join("/")}`);
    return yield* places(fits, value, path, { ...around, union: around.union ?? path.length });
  }
  const place: Place = {
    path,
    value,
    sort: sortOf(value),
    wrong: wrongFor(value, around),
    required: [],
    known: [],
    ruledKeys: false,
    union: around.union,
  };
  const inside = around.union === undefined ? {} : { union: around.union };
  if (schema instanceof z.core.$ZodObject && isObject(value)) {
    const { shape } = schema._zod.def;
    const known = Object.keys(shape);
    const required = known.filter((key) => !(shape[key] instanceof z.core.$ZodOptional));
    yield { ...place, required, known };
    for (const [key, member] of Object.entries(value)) {
      const below = shape[key];
      if (below !== undefined) yield* places(below, member, [...path, key], inside);
    }
  } else if (schema instanceof z.core.$ZodRecord && isObject(value)) {
    const { keyType, valueType } = schema._zod.def;
    yield { ...place, sort: "record", ruledKeys: !z.safeParse(keyType, "!").success };
    for (const [key, member] of Object.entries(value)) yield* places(valueType, member, [...path, key], inside);
  } else if (schema instanceof z.core.$ZodArray && Array.isArray(value)) {
    yield place;
    for (const [index, item] of value.entries()) yield* places(schema._zod.def.element, item, [...path, index], inside);
  } else if (schema instanceof z.core.$ZodTuple && Array.isArray(value)) {
    yield place;
    for (const [index, item] of schema._zod.def.items.entries())
      yield* places(item, value[index], [...path, index], inside);
  } else {
    yield place;
  }
}

/** A copy of a document in which `edit` changed what lies at `path`. */
export function changedAt(document: unknown, path: Place["path"], edit: (at: unknown) => unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return edit(structuredClone(document));
  const copy = structuredClone(document) as Record<string | number, unknown>;
  copy[step] = changedAt(copy[step], rest, edit);
  return copy;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sortOf(value: unknown): Place["sort"] {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return isObject(value) ? "object" : "leaf";
}

/** A union of scalars takes several types, a nullable place null: what is given here is wrong for all of them. */
function wrongFor(value: unknown, around: { union?: number; nullable?: boolean }): unknown[] {
  const others = around.nullable === true ? [7] : [null];
  if (Array.isArray(value)) return [...others, {}, "text"];
  if (isObject(value)) return [...others, [], "text"];
  if (around.union !== undefined) return [...others, {}, []];
  return [...others, {}, [], typeof value === "string" ? 7 : "text"];
}
