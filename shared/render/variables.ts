import type { Bundle } from "../bundle.ts";
import { AppError } from "../errors.ts";
import type { Values } from "../names.ts";
import { findingsOf } from "../parse.ts";
import type { SiteRecord } from "../site.ts";
import { type Variable, valueProblem, variable } from "../variable.ts";

export type Value = Values[string];

/**
 * A value for each variable: its default, under the hub's (where `settable: hub`), under the record's; for one with `label`, the record's label
 * and nothing else but the default. Throws `variable` where one is missing or not allowed, and for a name that nobody declared or may
 * set: nothing is ignored.
 */
export function valuesFor(
  bundle: string,
  variables: Bundle["variables"] = {},
  record: Pick<SiteRecord, "id" | "labels" | "values">,
  hub: Values,
): ReadonlyMap<string, Value> {
  const own = Object.hasOwn(record.values, bundle) ? (record.values[bundle] ?? {}) : {};
  const ofHub = { values: hub, whose: "the hub", where: `assignment of ${bundle} /values` };
  const ofRecord = { values: own, whose: "the site record", where: `sites/${record.id}.json /values/${bundle}` };
  for (const { values, whose, where } of [ofHub, ofRecord]) {
    for (const name of Object.keys(values)) {
      const declaration = Object.hasOwn(variables, name) ? variables[name] : undefined;
      const at = `${where}/${name}`;
      if (declaration === undefined) throw broken(`${whose} sets ${name}, which the bundle does not declare`, at);
      if (declaration.label !== undefined) throw broken(`${whose} sets ${name}, which only a label sets`, at);
      if (values === hub && declaration.settable !== "hub") {
        throw broken(`the hub sets ${name}, which only the site record may set`, at, "declare it with `settable: hub`");
      }
    }
  }
  const found = (values: Readonly<Record<string, Value>>, name: string) =>
    Object.hasOwn(values, name) ? values[name] : undefined;
  return new Map(
    Object.entries(variables).map(([name, declaration]): [string, Value] => {
      const { label } = declaration;
      const where = `bundle.json /variables/${name}`;
      checkDeclaration(declaration, name);
      const sources: [Value | undefined, string, string][] =
        label === undefined
          ? [
              [found(own, name), ofRecord.whose, `${ofRecord.where}/${name}`],
              [found(hub, name), ofHub.whose, `${ofHub.where}/${name}`],
            ]
          : [[found(record.labels, label), `label ${label}`, `sites/${record.id}.json /labels`]];
      for (const [value, whose, at] of [
        ...sources,
        [declaration.default, "the default", `${where}/default`] as const,
      ]) {
        if (value === undefined) continue;
        const why = valueProblem(declaration, value);
        if (why === null) return [name, value];
        throw broken(`${name}: ${JSON.stringify(value).slice(0, 80)} of ${whose} ${why}`, at);
      }
      const what = label === undefined ? "no value" : `no value: site ${record.id} has no label ${label}`;
      const fix = `give it a default${label === undefined ? ", or set it in the site record" : " or the site that label"}`;
      throw broken(`${name} has ${what}`, where, fix);
    }),
  );
}

/** The same values, with `${NAME}` for each that is the site's own: by a label, or in its record. null where none is. */
export function withOwnNamed(
  { name: bundle, variables = {} }: Pick<Bundle, "name" | "variables">,
  record: Pick<SiteRecord, "values">,
  values: ReadonlyMap<string, Value>,
): ReadonlyMap<string, Value> | null {
  const own = Object.hasOwn(record.values, bundle) ? (record.values[bundle] ?? {}) : {};
  const names = [...values.keys()].filter((name) => variables[name]?.label !== undefined || Object.hasOwn(own, name));
  if (names.length === 0) return null;
  return new Map([...values, ...names.map((name): [string, Value] => [name, `\${${name}}`])]);
}

/** Throws `variable`. The schema of documents says so, too; what renders does not lean on who called it. */
export function checkDeclaration(declaration: Variable, name: string): void {
  const result = variable.safeParse(declaration);
  const [found] = result.success ? [] : findingsOf(result.error.issues, ["variables", name]);
  if (found !== undefined) throw broken(`${name}: ${found.why}`, `bundle.json ${found.path}`);
}

function broken(what: string, where: string, fix?: string): AppError {
  return new AppError("variable", what, { where, ...(fix !== undefined && { fix }) });
}
