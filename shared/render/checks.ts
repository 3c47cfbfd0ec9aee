import type { Bundle } from "../bundle.ts";
import { type CelProgram, celObject, compileCel, evaluate } from "../cel.ts";
import { AppError } from "../errors.ts";
import { type KubeObject, nameOf, refOf } from "../live.ts";

/** Each is evaluated on each object. */
const MAX_CHECKS = 64;

export type CompiledChecks = readonly { readonly program: CelProgram; readonly message: string }[];

/** Once for a bundle. Throws `schema`, `unsupported` or `too-large`, with the check's pointer. */
export function compileChecks(checks: Bundle["checks"] = []): CompiledChecks {
  if (checks.length > MAX_CHECKS) {
    const what = `${checks.length} checks, at most ${MAX_CHECKS}`;
    throw new AppError("too-large", what, { where: "bundle.json /checks" });
  }
  return checks.map(({ cel, message }, index) => ({
    program: compileCel(cel, `bundle.json /checks/${index}/cel`),
    message,
  }));
}

/** Refuses an object on which a check of its bundle does not hold, or has no answer: `policy`. `too-large`: beyond CEL. */
export function checkPolicy(object: KubeObject, checks: CompiledChecks, path: string): void {
  if (checks.length === 0) return;
  const where = `files/${path} ${nameOf(refOf(object))}`;
  const prepared = placed(() => celObject(object), where);
  checks.forEach(({ program, message }, index) => {
    const result = evaluate(program, prepared);
    if (result === true) return;
    const rule = `check ${index} of the bundle (${message})`;
    if (result === false) throw new AppError("policy", `${rule} does not hold`, { where });
    throw new AppError("policy", `${rule} has no answer here: ${result.why}`, {
      where,
      fix: `make \`${program.source.slice(0, 200)}\` true or false for every object, with has() and a test of object.kind`,
    });
  });
}

function placed<T>(run: () => T, where: string): T {
  try {
    return run();
  } catch (cause) {
    throw cause instanceof AppError ? new AppError(cause.code, cause.message, { where, cause }) : cause;
  }
}
