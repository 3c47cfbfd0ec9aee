import type { Bundle } from "../bundle.ts";
import { type CelProgram, compileCel } from "../cel.ts";
import { AppError } from "../errors.ts";

/** Each is held in memory for as long as its bundle runs. */
const MAX_RULES = 64;

/** When objects of a kind are healthy, by `apiVersion kind`: `cert-manager.io/v1 Certificate`. */
export type HealthRules = ReadonlyMap<string, CelProgram>;

export const NO_RULES: HealthRules = new Map();

/** Once for a bundle. Throws `schema`, `unsupported` or `too-large`, with the rule's pointer. */
export function compileHealthRules(rules: Bundle["health"]["rules"] = []): HealthRules {
  if (rules.length === 0) return NO_RULES;
  if (rules.length > MAX_RULES) {
    const what = `${rules.length} health rules, at most ${MAX_RULES}`;
    throw new AppError("too-large", what, { where: "bundle.json /health/rules" });
  }
  const compiled = new Map<string, CelProgram>();
  for (const [index, { apiVersion, kind, cel }] of rules.entries()) {
    const where = `bundle.json /health/rules/${index}`;
    const key = `${apiVersion} ${kind}`;
    if (compiled.has(key)) {
      throw new AppError("schema", `a second health rule for ${key}`, { where, fix: "join the two by &&" });
    }
    // A verdict is told to the hub, and what an evaluation says may hold a value.
    if (key === "v1 Secret")
      throw new AppError("schema", "a Secret has no health, and its values stay here", { where });
    compiled.set(key, compileCel(cel, `${where}/cel`));
  }
  return compiled;
}
