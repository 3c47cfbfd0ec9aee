import type { Bundle } from "../../shared/bundle.ts";
import { AppError } from "../../shared/errors.ts";
import { compileHealthRules } from "../../shared/render/health-rules.ts";
import { placed } from "./check-rendered.ts";
import type { BuiltFile } from "./manifests.ts";

/**
 * Compiles the rules as a site will, and refuses one for a kind that the bundle does not have: with a wrong apiVersion it would
 * never be asked, and the kind would be judged without it.
 */
export function checkHealthRules(
  { rules = [] }: Bundle["health"],
  files: readonly BuiltFile[],
  where: (pointer: string) => string,
): void {
  try {
    compileHealthRules(rules);
  } catch (cause) {
    throw cause instanceof AppError ? placed(cause, [], where) : cause;
  }
  for (const [index, { apiVersion, kind }] of rules.entries()) {
    if (files.some(({ object }) => object.apiVersion === apiVersion && object.kind === kind)) continue;
    const others = new Set(files.filter(({ object }) => object.kind === kind).map(({ object }) => object.apiVersion));
    throw new AppError("schema", `the bundle has no object of ${apiVersion} ${kind}`, {
      where: where(`/health/rules/${index}`),
      fix: others.size === 0 ? "leave the rule out" : `its apiVersion here is ${[...others].join(", ")}`,
    });
  }
}
