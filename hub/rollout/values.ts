import { AppError } from "../../shared/errors.ts";
import type { Rollout } from "../../shared/rollout.ts";
import { hubValueProblem, type Variable } from "../../shared/variable.ts";
import type { FleetMember } from "../registry/site.ts";
import type { Plan } from "./run.ts";

type Declared = Readonly<Record<string, Variable>>;

/**
 * What a site would refuse to render is not given to any. Throws `AppError` `variable` whose `where` is a JSON pointer into the
 * rollout file.
 */
export function refuseValues({ bundle, version, values }: Rollout, variables: Declared): void {
  for (const [name, value] of Object.entries(values)) {
    const found = hubValueProblem(name, Object.hasOwn(variables, name) ? variables[name] : undefined, value);
    if (found === null) continue;
    const takes = Object.keys(variables).filter((each) => variables[each]?.settable === "hub");
    throw new AppError("variable", `${bundle} ${version}: ${found}`, {
      where: `/values/${name}`,
      fix:
        takes.length === 0 ? "it lets the hub set nothing: take `values` out" : `the hub may set ${takes.join(", ")}`,
    });
  }
}

/** Sites whose own record sets what the rollout sets, too: there the record's value counts. By id. */
export function ownValues(
  { bundle, values }: Pick<Rollout, "bundle" | "values">,
  fleet: readonly FleetMember[],
): NonNullable<Plan["own"]> {
  const given = Object.keys(values);
  if (given.length === 0) return [];
  return fleet
    .map(({ id, sets }) => ({ site: id, names: given.filter((name) => sets?.[bundle]?.includes(name) === true) }))
    .filter(({ names }) => names.length > 0)
    .toSorted((a, b) => (a.site < b.site ? -1 : 1));
}
