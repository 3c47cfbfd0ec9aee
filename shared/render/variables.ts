import type { Bundle } from "../bundle.ts";
import { AppError } from "../errors.ts";
import type { Values } from "../names.ts";
import type { SiteRecord } from "../site.ts";
import { compilePattern } from "./pattern.ts";

export type Value = string | number | boolean;
export type Variable = NonNullable<Bundle["variables"]>[string];

/** A variable as it was declared, and what is known of it. */
export interface Declared {
  name: string;
  variable: Variable;
  /** Throws `variable` where the declaration does not allow the value, and says whose value it is. */
  check(value: Value, whose: string, where: string): void;
  /** A text that fits the pattern; null where there is no pattern. */
  sample(): string | null;
}

/** Throws `variable` for a declaration that contradicts itself, or would let the hub write what it likes. */
export function declaredIn(variables: Bundle["variables"] = {}): Declared[] {
  return Object.entries(variables).map(([name, variable]) => declared(name, variable));
}

/**
 * A value for each variable: default, under the hub's (where `settable: hub`), under the record's label, under the record's own value. Throws
 * `variable` where one is missing, or not allowed, or for a name that nobody declared: nothing is ignored.
 */
export function valuesFor(
  bundle: string,
  all: readonly Declared[],
  record: Pick<SiteRecord, "id" | "labels" | "values">,
  hub: Values,
): ReadonlyMap<string, Value> {
  const own = Object.hasOwn(record.values, bundle) ? (record.values[bundle] ?? {}) : {};
  const sources: [Values, string, string][] = [
    [hub, "the hub", `assignment of ${bundle} /values`],
    [own, "the site record", `sites/${record.id}.json /values/${bundle}`],
  ];
  const settable = new Map(all.map(({ name, variable }) => [name, variable.settable]));
  for (const [values, whose, where] of sources) {
    for (const name of Object.keys(values)) {
      if (!settable.has(name))
        throw broken(`${whose} sets ${name}, which the bundle does not declare`, `${where}/${name}`);
      if (values === hub && settable.get(name) !== "hub") {
        const fix = `declare it with \`settable: hub\`, or set it in the site record`;
        throw broken(`the hub sets ${name}, which only the site record may set`, `${where}/${name}`, fix);
      }
    }
  }
  return new Map(
    all.map((each) => {
      const { name, variable } = each;
      const label = variable.label;
      const found: [Value | undefined, string, string][] = [
        [valueIn(own, name), "the site record", `sites/${record.id}.json /values/${bundle}/${name}`],
        [label && valueIn(record.labels, label), `label ${label}`, `sites/${record.id}.json /labels`],
        [valueIn(hub, name), "the hub", `assignment of ${bundle} /values/${name}`],
        [variable.default, "the default", `bundle.json /variables/${name}/default`],
      ];
      const [value, whose, where] = found.find(([candidate]) => candidate !== undefined) ?? [];
      if (value === undefined || whose === undefined || where === undefined) {
        const what = label === undefined ? "no value" : `no value: site ${record.id} has no label ${label}`;
        const fix = `give it a default${label === undefined ? ", or set it in the site record" : " or the label"}`;
        throw broken(`${name} has ${what}`, `bundle.json /variables/${name}`, fix);
      }
      each.check(value, whose, where);
      return [name, value];
    }),
  );
}

function valueIn(values: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

function declared(name: string, variable: Variable): Declared {
  const { type = "string", enum: listed, min, max, pattern: source, label, settable } = variable;
  const where = `bundle.json /variables/${name}`;
  const isNumeric = type === "integer" || type === "number";
  if (source !== undefined && type !== "string")
    throw broken(`a pattern is for text, not for ${type}`, `${where}/pattern`);
  if ((min !== undefined || max !== undefined) && !isNumeric)
    throw broken(`min and max are for numbers, not for ${type}`, where);
  if (label !== undefined && type !== "string")
    throw broken(`a label is text, and never of type ${type}`, `${where}/label`);
  if (label !== undefined && settable !== undefined) {
    throw broken("a value comes from a label or from the hub, not from both", `${where}/settable`);
  }
  if (settable === "hub" && type === "string" && listed === undefined && source === undefined) {
    const fix = "list its values in `enum`, or give a `pattern`";
    throw broken("text that the hub may set needs bounds, else the hub is an author", `${where}/settable`, fix);
  }
  const pattern = source === undefined ? null : compilePattern(source, `${where}/pattern`);
  const allows = (value: Value): string | null => {
    const fits = type === "integer" ? Number.isSafeInteger(value) : typeof value === type;
    if (!fits) return `is of type ${typeof value}, not ${type}`;
    if (min !== undefined && Number(value) < min) return `is below ${min}`;
    if (max !== undefined && Number(value) > max) return `is above ${max}`;
    if (pattern !== null && !pattern.matches(String(value))) return `does not match ${source}`;
    return null;
  };
  const check = (value: Value, whose: string, at: string) => {
    const why = allows(value) ?? (listed === undefined || listed.includes(value) ? null : "is not in its enum");
    if (why !== null) throw broken(`${name}: ${JSON.stringify(value).slice(0, 80)} of ${whose} ${why}`, at);
  };
  listed?.forEach((value, index) => {
    const why = allows(value);
    if (why !== null) throw broken(`${name}: ${JSON.stringify(value)} ${why}`, `${where}/enum/${index}`);
  });
  if (variable.default !== undefined) check(variable.default, "the default", `${where}/default`);
  return { name, variable, check, sample: () => pattern?.sample() ?? null };
}

function broken(what: string, where: string, fix?: string): AppError {
  return new AppError("variable", what, { where, ...(fix !== undefined && { fix }) });
}
