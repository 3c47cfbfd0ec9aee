import * as z from "zod/mini";
import { scalar } from "./names.ts";
import { fitsPattern, patternProblem } from "./pattern.ts";

/** What a `${NAME}` of a bundle may stand for. */
const declaration = z.strictObject({
  /** Left out: `string`. */
  type: z.optional(z.enum(["string", "integer", "number", "boolean"])),
  default: z.optional(scalar),
  enum: z.optional(z.array(scalar)),
  /** From this label of the signed site record, and from nowhere else. */
  label: z.optional(z.string()),
  max: z.optional(z.number()),
  min: z.optional(z.number()),
  pattern: z.optional(z.string()),
  settable: z.optional(z.literal("hub")),
});

export type Variable = z.infer<typeof declaration>;
type Scalar = z.infer<typeof scalar>;

export const variable = declaration.check(
  z.check(({ value, issues }) => {
    const [found] = problems(value);
    if (found === undefined) return;
    const [key, message] = found;
    issues.push({ code: "custom", input: value, path: [key], message });
  }),
);

/** Null where a value is one that the declaration allows; else why not. */
export function valueProblem(of: Variable, value: Scalar): string | null {
  const type = of.type ?? "string";
  if (!isOfType(type, value)) return `must be ${type === "integer" ? "an" : "a"} ${type}`;
  if (of.enum !== undefined && !of.enum.includes(value)) return `must be one of ${of.enum.join(", ")}`;
  if (typeof value === "number" && of.min !== undefined && value < of.min) return `must be at least ${of.min}`;
  if (typeof value === "number" && of.max !== undefined && value > of.max) return `must be at most ${of.max}`;
  if (typeof value === "string" && of.pattern !== undefined && !fitsPattern(of.pattern, value)) {
    return `must match ${of.pattern}`;
  }
  return null;
}

/** Why the hub may not give this value to a bundle's variable; null where it may. */
export function hubValueProblem(name: string, of: Variable | undefined, value: Scalar): string | null {
  if (of === undefined) return `it does not declare ${name}`;
  if (of.label !== undefined)
    return `${name} comes from the label ${of.label} of the site record, and from nowhere else`;
  if (of.settable !== "hub") return `${name} is not for the hub to set: only site records may`;
  const why = valueProblem(of, value);
  return why === null ? null : `${name}: ${JSON.stringify(value).slice(0, 80)} ${why}`;
}

function isOfType(type: NonNullable<Variable["type"]>, value: Scalar): boolean {
  return type === "integer" ? Number.isSafeInteger(value) : typeof value === type;
}

/** What is wrong with a declaration, by key: later ones may follow from the first. */
function* problems(of: Variable): Generator<readonly [keyof Variable, string]> {
  const type = of.type ?? "string";
  const isText = type === "string";
  const isNumeric = type === "integer" || type === "number";
  if (of.pattern !== undefined && !isText) yield ["pattern", `a ${type} has no pattern`];
  const pattern = of.pattern === undefined ? null : patternProblem(of.pattern);
  if (pattern !== null) yield ["pattern", pattern];
  for (const key of ["min", "max"] as const) {
    if (of[key] !== undefined && !isNumeric) yield [key, `a ${type} has no ${key}`];
  }
  if (of.min !== undefined && of.max !== undefined && of.min > of.max) yield ["min", "min is above max"];
  if (of.enum?.length === 0) yield ["enum", "no value would ever be accepted"];
  const odd = of.enum?.find((value) => valueProblem(of, value) !== null);
  if (odd !== undefined) yield ["enum", `${JSON.stringify(odd)} ${valueProblem(of, odd)}`];
  const ofDefault = of.default === undefined ? null : valueProblem(of, of.default);
  if (ofDefault !== null) yield ["default", ofDefault];
  if (of.settable === undefined) return;
  if (of.label !== undefined) yield ["settable", "a label comes from the signed record, and the hub never sets it"];
  if (isText && of.enum === undefined && of.pattern === undefined) {
    yield ["settable", "the hub may set a string only where an enum or a pattern bounds it"];
  }
}
