import type { ASTNode } from "@marcbachmann/cel-js";
import { AppError } from "./errors.ts";

/**
 * Counts the work of an expression. The CEL package has no such count, so an expression is written out anew with calls that
 * count: `a.exists(x, x == b)` becomes `_each(a,23).exists(x,(_whole(x)==_whole(b)))`. Each call charges what comes next
 * before it is done, so what still runs once the budget is spent was paid for.
 */

/** One step is near 100 ns on a small machine: 200 000 are some ten milliseconds. */
const BUDGET = 200_000;
/** Of a loop, besides the parts of its body: an element that ends in an error costs this much. */
const ELEMENT = 20;
const CHARACTERS_A_STEP = 16;
/** Searching takes text times needle. */
const NEEDLE = 128;

const MACROS: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "map", "filter"]);
const FUNCTIONS: ReadonlySet<string> = new Set(["size", "string", "int", "double", "bool", "type", "dyn"]);
const METHODS: ReadonlySet<string> = new Set(["size", "startsWith", "endsWith", "contains", "split", "join", "trim"]);
const NO_KEYS: ReadonlySet<string> = new Set(["constructor", "prototype", "__proto__"]);

/** The same expression, counting. Throws `too-large` where it nests too deep, `unsupported` for a function not taken. */
export function meteredSource(root: ASTNode, maxDepth: number, where: string): string {
  let nodes = 0;
  const whole = (node: ASTNode, depth: number): string =>
    node.op === "value" ? write(node, depth) : `_whole(${write(node, depth)})`;
  const list = (of: readonly ASTNode[], depth: number): string => of.map((node) => write(node, depth)).join(",");

  const write = (node: ASTNode, parent: number): string => {
    nodes += 1;
    const depth = parent + 1;
    if (depth > maxDepth) throw new AppError("too-large", `the expression nests deeper than ${maxDepth}`, { where });
    switch (node.op) {
      case "value":
        return literal(node, where);
      case "id":
        return node.args;
      case ".":
        return `${write(node.args[0], depth)}.${node.args[1]}`;
      case "[]":
        return `${write(node.args[0], depth)}[${write(node.args[1], depth)}]`;
      case "!_":
      case "-_":
        return `(${node.op[0]}${write(node.args, depth)})`;
      case "&&":
      case "||":
        return `(${write(node.args[0], depth)}${node.op}${write(node.args[1], depth)})`;
      case "?:":
        return `(${write(node.args[0], depth)}?${write(node.args[1], depth)}:${write(node.args[2], depth)})`;
      case "list":
        return `[${list(node.args, depth)}]`;
      case "map":
        return `{${node.args.map(([key, value]) => `${literalKey(key, where)}:${write(value, depth)}`).join(",")}}`;
      case "call":
        return call(node.args[0], node.args[1], depth);
      case "rcall":
        return method(node.args[0], node.args[1], node.args[2], depth, node.input.length);
      case ".?":
      case "[?]":
        throw new AppError("unsupported", "optional fields are not read", { where, fix: "use has()" });
      default:
        return `(${whole(node.args[0], depth)} ${node.op} ${whole(node.args[1], depth)})`;
    }
  };

  const call = (name: string, args: readonly ASTNode[], depth: number): string => {
    // What has() takes is a path, not a value.
    if (name === "has") return `has(${list(args, depth)})`;
    if (!FUNCTIONS.has(name)) throw notTaken(name, where);
    const [first] = args;
    if ((name === "int" || name === "double") && first) return `${name}(_numeral(${write(first, depth)}))`;
    return `${name}(${args.map((arg) => whole(arg, depth)).join(",")})`;
  };

  const method = (name: string, of: ASTNode, args: readonly ASTNode[], depth: number, length: number): string => {
    if (MACROS.has(name)) {
      const before = nodes;
      const body = list(args, depth);
      // The package looks for an error's line from the beginning of the source, each time.
      const price = ELEMENT + (nodes - before) + Math.ceil(length / CHARACTERS_A_STEP);
      return `_each(${write(of, depth)},${price}).${name}(${body})`;
    }
    if (!METHODS.has(name)) throw notTaken(name, where);
    const receiver = name === "split" ? `_each(${write(of, depth)},${ELEMENT / 2})` : `_whole(${write(of, depth)})`;
    return `${receiver}.${name}(${args.map((arg) => `_needle(${write(arg, depth)})`).join(",")})`;
  };

  return write(root, 0);
}

/** Bytes and `uint` are nowhere in JSON, and the package compares them wrongly. */
function literal(node: ASTNode, where: string): string {
  const text = node.input.slice(node.start, node.end);
  if (typeof node.args !== "object" || node.args === null) return text;
  const what = `${text.slice(0, 40)}: bytes and unsigned numbers are not taken in an expression`;
  throw new AppError("unsupported", what, { where });
}

/**
 * Keys of maps are literals, because the type of a map holds that of its keys: keys that are maps make it twice as long with
 * each step. And text, because the package makes text of all others; it leaves three names out without a word.
 */
function literalKey(key: ASTNode, where: string): string {
  const text = key.input.slice(key.start, key.end);
  if (key.op === "value" && typeof key.args === "string" && !NO_KEYS.has(key.args)) return text;
  const what = `${text.slice(0, 40)} cannot be a key of a map that is written out`;
  throw new AppError("unsupported", what, { where, fix: "use a text between quotes" });
}

function notTaken(name: string, where: string): AppError {
  const fix = name === "matches" ? "use startsWith, endsWith, contains or split" : undefined;
  return new AppError("unsupported", `${name}() is not taken in an expression`, { where, ...(fix && { fix }) });
}

const SPENT = new Error("the budget of steps is spent");

export interface CelMeter {
  readonly functions: readonly { readonly signature: string; run(value: unknown, price?: bigint): unknown }[];
  /** Before each evaluation. */
  begin(): void;
  spent(): boolean;
}

/** The counter of one program, and the calls that count. */
export function celMeter(): CelMeter {
  let left = BUDGET;
  const charge = (steps: number): void => {
    left -= steps;
    if (left < 0) throw SPENT;
  };
  /** Walks all of a value, as a comparison would. */
  const walk = (value: unknown): void => {
    charge(typeof value === "string" ? 1 + value.length / CHARACTERS_A_STEP : 1);
    if (typeof value !== "object" || value === null) return;
    if (Array.isArray(value)) value.forEach(walk);
    else if (value instanceof Map) value.forEach(walk);
    else if (Object.getPrototypeOf(value) === Object.prototype) Object.values(value).forEach(walk);
  };
  const functions: CelMeter["functions"] = [
    {
      signature: "_whole(dyn): dyn",
      run(value) {
        walk(value);
        return value;
      },
    },
    {
      signature: "_each(dyn, int): dyn",
      run(value, price = 1n) {
        charge(Number(price) * (1 + sizeOf(value)));
        return value;
      },
    },
    {
      signature: "_needle(dyn): dyn",
      run(value) {
        if (typeof value === "string" && value.length > NEEDLE) {
          throw new Error(`text of ${value.length} characters to look for, at most ${NEEDLE}`);
        }
        walk(value);
        return value;
      },
    },
    {
      // The package takes "" for 0, and JavaScript's prefixes; Kubernetes takes neither.
      signature: "_numeral(dyn): dyn",
      run(value) {
        walk(value);
        if (typeof value === "string" && !/^[+-]?[\d.]+(?:[eE][+-]?\d+)?$/.test(value)) {
          throw new Error(`"${value.slice(0, 40)}" is no number`);
        }
        return value;
      },
    },
  ];
  return {
    functions,
    begin() {
      left = BUDGET;
    },
    spent: () => left < 0,
  };
}

function sizeOf(value: unknown): number {
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  return typeof value === "object" && value !== null ? Object.keys(value).length : 0;
}
