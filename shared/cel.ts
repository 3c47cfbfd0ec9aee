import { Environment } from "@marcbachmann/cel-js";
import { type CelMeter, celMeter, meteredSource } from "./cel-meter.ts";
import { AppError } from "./errors.ts";
import type { Json, KubeObject } from "./live.ts";

/**
 * CEL as Kubernetes reads it, over one raw object that expressions call `object`. What one evaluation may cost is bounded by
 * counting its work (`cel-meter.ts`), never by a clock: the same rule and object end the same way on every machine.
 */

export const CEL_MAX_LENGTH = 4096;
/** Values of an object, itself and those in it: what a reader holds while it evaluates. */
export const CEL_MAX_VALUES = 100_000;
const MAX_DEPTH = 100;
/** A type of a hostile expression is as long as that. */
const MAX_WORDS = 300;

declare const compiled: unique symbol;
declare const prepared: unique symbol;

export interface CelProgram {
  readonly source: string;
  readonly run: (variables: { object: CelValue }) => unknown;
  readonly meter: CelMeter;
  readonly [compiled]: true;
}

export type CelValue = null | boolean | bigint | number | string | CelValue[] | Map<string, CelValue>;

/** An object as expressions read it. Made once for all that are evaluated on it. */
export interface CelObject {
  readonly value: CelValue;
  readonly [prepared]: true;
}

/** Why an expression has no answer: a field that is missing, a type that does not fit, too much work. */
export interface CelFailure {
  readonly why: string;
}

/**
 * Throws `schema` (no CEL, an unknown variable, a result that is no boolean), `unsupported` (a function not taken, `matches`
 * among them: a regular expression can run for seconds on one line), `too-large` (length, parts or nesting).
 */
export function compileCel(source: string, where: string): CelProgram {
  if (source.length > CEL_MAX_LENGTH) {
    const what = `an expression of ${source.length} characters, at most ${CEL_MAX_LENGTH}`;
    throw new AppError("too-large", what, { where });
  }
  const meter = celMeter();
  const metered = environment({ maxDepth: 4 * MAX_DEPTH });
  for (const { signature, run } of meter.functions) metered.registerFunction(signature, run);
  return { source, run: metered.parse(checked(source, where)), meter } as unknown as CelProgram;
}

/** One for each expression: it keeps every type that the expression comes to, which is to go with it. */
function environment(limits: { maxDepth?: number; maxAstNodes?: number }): Environment {
  // Lists may mix types: what stands in them is known only when it is read.
  return new Environment({ homogeneousAggregateLiterals: false, limits }).registerVariable("object", "dyn");
}

function checked(source: string, where: string): string {
  const written = environment({ maxAstNodes: 1000 });
  try {
    // In this order: types of an expression that is not bounded yet can fill the memory.
    const counting = meteredSource(written.parse(source).ast, MAX_DEPTH, where);
    const { valid, type, error } = written.check(source);
    if (!valid) throw refused(error, where);
    if (type === "bool" || type === "dyn") return counting;
    const fix = "compare it with something: a rule must be true or false";
    throw new AppError("schema", `the expression is of type ${type?.slice(0, MAX_WORDS)}, not bool`, { where, fix });
  } catch (cause) {
    throw cause instanceof AppError ? cause : refused(cause, where);
  }
}

function refused(cause: unknown, where: string): AppError {
  if (cause instanceof RangeError) return new AppError("too-large", "the expression nests too deep", { where, cause });
  const { words, code, at } = told(cause);
  const place = at === undefined ? "" : ` (at character ${at + 1})`;
  return new AppError(code === "limit_exceeded" ? "too-large" : "schema", `not CEL: ${words}${place}`, {
    where,
    cause,
  });
}

/** True, false, or why it is neither. Never throws, and takes at most some ten milliseconds. */
export function evaluate(program: CelProgram, object: CelObject): boolean | CelFailure {
  const { stackTraceLimit } = Error;
  // `exists` and `||` go on after an error: a stack for each would cost ten times what the expression does.
  Error.stackTraceLimit = 0;
  program.meter.begin();
  let result: unknown;
  try {
    result = program.run({ object: object.value });
  } catch (cause) {
    result = { why: told(cause).words };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  if (program.meter.spent()) return { why: "it takes more steps on this object than one expression may" };
  if (typeof result === "boolean") return result;
  if (isFailure(result)) return result;
  return { why: "its result is neither true nor false" };
}

function isFailure(result: unknown): result is CelFailure {
  return typeof result === "object" && result !== null && "why" in result && typeof result.why === "string";
}

function told(cause: unknown): { words: string; code?: string; at?: number } {
  if (!(cause instanceof Error)) return { words: String(cause) };
  const { summary, code, range } = cause as Error & { summary?: string; code?: string; range?: { start: number } };
  // The package draws the source below its message; the first line is the message.
  const words = summary ?? cause.message.split("\n")[0] ?? "";
  return { words: words.slice(0, MAX_WORDS), ...(code !== undefined && { code }), ...(range && { at: range.start }) };
}

/**
 * Whole numbers are CEL's `int`, others `double`, as the API server has them. Throws `too-large` without a place: the caller
 * knows it.
 */
export function celObject(object: KubeObject): CelObject {
  let values = 0;
  const convert = (value: Json, depth: number): CelValue => {
    values += 1;
    if (values > CEL_MAX_VALUES) {
      throw new AppError("too-large", `more than ${CEL_MAX_VALUES} values are too many for CEL`);
    }
    if (depth > MAX_DEPTH) throw new AppError("too-large", `more than ${MAX_DEPTH} levels are too many for CEL`);
    if (typeof value === "number") return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? BigInt(value) : value;
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => convert(item, depth + 1));
    // A Map, because its members can shadow nothing: a ConfigMap may well have a key `constructor`.
    return new Map(Object.entries(value).map(([key, item]) => [key, convert(item, depth + 1)]));
  };
  return { value: convert(object, 0) } as CelObject;
}
