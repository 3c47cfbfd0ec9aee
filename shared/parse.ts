import * as z from "zod/mini";
import { AppError } from "./errors.ts";

/** A key and why its value is not accepted. `path` is a JSON pointer (RFC 6901), as in `/scope/0/sites`. */
export interface Finding {
  path: string;
  why: string;
}

/** Checks a value against a schema. Throws `AppError` `schema` that names the first offending key and how many more there are. */
export function parseAs<T>(schema: z.ZodMiniType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  throw schemaError(findingsOf(result.error.issues), () => where);
}

/** `where` places a path in the file. */
export function schemaError(findings: readonly Finding[], where: (path: string) => string): AppError {
  // A key that is missing is often there, under a name that nobody knows.
  const [first, ...more] = [...findings].toSorted((a, b) => Number(isUnknown(b)) - Number(isUnknown(a)));
  const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
  return new AppError("schema", `${first?.why ?? "not accepted"}${others}`, {
    where: `${where(first?.path ?? "")} ${first?.path === "" ? "/" : (first?.path ?? "/")}`,
    fix:
      first !== undefined && isUnknown(first)
        ? "correct that key; unknown keys are refused so that nothing is silently ignored"
        : "correct that key",
  });
}

function isUnknown({ why }: Finding): boolean {
  return why.startsWith("unknown key ");
}

/** Every place where a value does not fit, in the order of the document. */
export function findingsOf(issues: readonly z.core.$ZodIssue[], base: readonly PropertyKey[] = []): Finding[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({ path: pointer([...path, key]), why: `unknown key "${key}"` }));
    }
    const meant = issue.code === "invalid_union" ? meantBy(issue.errors) : undefined;
    if (meant !== undefined) return findingsOf(meant, path);
    if (issue.code === "invalid_key") return [{ path: pointer(path), why: "this key is not an acceptable name" }];
    return [{ path: pointer(path), why: reason(issue) }];
  });
}

/** The shape that was meant is the one that fits furthest in; undefined where none fits at all. */
function meantBy(shapes: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const depth = (shape: readonly z.core.$ZodIssue[]) => Math.max(0, ...shape.map(({ path }) => path.length));
  const inside = shapes.filter((shape) => depth(shape) > 0);
  return inside.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
}

/** RFC 6901. */
export function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** What zod says where a schema has no words of its own. */
const NO_WORDS = "Invalid input";

function reason(issue: z.core.$ZodIssue): string {
  if (issue.message !== NO_WORDS) return issue.input === undefined ? `missing; ${issue.message}` : issue.message;
  switch (issue.code) {
    case "invalid_type": {
      const kind = `${/^[aeio]/.test(issue.expected) ? "an" : "a"} ${issue.expected}`;
      return issue.input === undefined ? `missing, or not ${kind}` : `must be ${kind}`;
    }
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "too_small":
      return `must be ${issue.inclusive === false ? "more than" : "at least"} ${String(issue.minimum)}`;
    case "too_big":
      return `must be at most ${String(issue.maximum)}`;
    case "invalid_format":
      return `must match ${issue.pattern ?? issue.format}`;
    case "invalid_union":
      return issue.input === undefined ? "missing" : "fits none of the accepted shapes";
    default:
      return issue.message;
  }
}
