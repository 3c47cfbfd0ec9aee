import { AppError } from "../errors.ts";

/**
 * Patterns of variables, in the part of regular expressions that can be matched in a time that grows with the text only: a hub chooses
 * the text, and JavaScript's own expressions can be made to run for hours on 40 characters. Written `^...$` and matched whole; literals, `.`, classes,
 * `\d \w \s`, groups, `|`, `* + ? {m,n}`. No look-around, no back references, no lazy quantifiers.
 */
export interface Pattern {
  matches(text: string): boolean;
  /** A short text that matches, not empty where it can be helped; null where none was found. */
  sample(): string | null;
}

const MAX_STATES = 5000;
const MAX_LENGTH = 512;
const SHORTHANDS: Readonly<Record<string, RegExp>> = { d: /\d/, D: /\D/, w: /\w/, W: /\W/, s: /\s/, S: /\S/ };
/** What a sample is made of, the plainest first. */
const EXAMPLES = [..."a0A1-._/:@ ", ..."bcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ23456789+,=%#~"];

type Test = (char: string) => boolean;
type Node =
  | { is: "char"; test: Test }
  | { is: "seq" | "alt"; of: Node[] }
  | { is: "repeat"; of: Node; min: number; max: number };
type State = { test: Test; to: number } | { fork: number[] };

/** Throws `variable` for what is no pattern, or asks for more than this one does. */
export function compilePattern(source: string, where: string): Pattern {
  if (source.length > MAX_LENGTH || !/^\^[^]*\$$/.test(source)) {
    throw broken(`a pattern must be written ^...$ and have at most ${MAX_LENGTH} characters`, where);
  }
  const states: State[] = [{ fork: [] }];
  const start = wire(parse([...source.slice(1, -1)], where), 0, states, where);
  return { matches: (text) => run(states, start, text), sample: () => sampleOf(states, start) };
}

function parse(chars: readonly string[], where: string): Node {
  let next = 0;
  const take = (char: string) => chars[next] === char && ++next > 0;
  const alternatives = (): Node => {
    const of = [sequence()];
    while (take("|")) of.push(sequence());
    return { is: "alt", of };
  };
  const sequence = (): Node => {
    const of: Node[] = [];
    while (next < chars.length && chars[next] !== "|" && chars[next] !== ")") of.push(quantified(atom()));
    return { is: "seq", of };
  };
  const atom = (): Node => {
    const char = chars[next++] ?? "";
    if (char === "(") {
      if (take("?") && !take(":")) throw broken("groups are written (...) or (?:...)", where);
      const inner = alternatives();
      if (!take(")")) throw broken("a group is not closed", where);
      return inner;
    }
    if (char === "[") return { is: "char", test: characterClass() };
    if (char === ".") return { is: "char", test: (each) => each !== "\n" && each !== "\r" };
    if (char === "\\") return { is: "char", test: escaped() };
    if ("^$*+?{}]".includes(char)) throw broken(`a bare ${char} must be written \\${char}`, where);
    return { is: "char", test: (each) => each === char };
  };
  const escaped = (): Test => {
    const char = chars[next++] ?? "";
    const shorthand = Object.hasOwn(SHORTHANDS, char) ? SHORTHANDS[char] : undefined;
    if (shorthand !== undefined) return (each) => shorthand.test(each);
    if (char === "" || /[A-Za-z0-9]/.test(char)) throw broken(`\\${char} is not done`, where);
    return (each) => each === char;
  };
  const characterClass = (): Test => {
    const negated = take("^");
    const tests: Test[] = [];
    while (next < chars.length && chars[next] !== "]") {
      const from = chars[next] ?? "";
      if (from === "\\") {
        next += 1;
        tests.push(escaped());
        continue;
      }
      next += 1;
      const until = chars[next] === "-" && chars[next + 1] !== "]" ? chars[next + 1] : undefined;
      if (until === undefined) {
        tests.push((each) => each === from);
        continue;
      }
      next += 2;
      if (until === "\\" || order(until) < order(from)) throw broken(`${from}-${until} is no range`, where);
      tests.push((each) => order(each) >= order(from) && order(each) <= order(until));
    }
    if (!take("]")) throw broken("a class is not closed", where);
    return (each) => tests.some((test) => test(each)) !== negated;
  };
  const quantified = (of: Node): Node => {
    const braces = /^\{(\d{1,4})(?:(,)(\d{1,4})?)?\}/.exec(chars.slice(next, next + 12).join(""));
    let [min, max] = [1, 1];
    if (take("*")) [min, max] = [0, Number.POSITIVE_INFINITY];
    else if (take("+")) [min, max] = [1, Number.POSITIVE_INFINITY];
    else if (take("?")) [min, max] = [0, 1];
    else if (braces === null) return of;
    else {
      next += braces[0].length;
      min = Number(braces[1]);
      max = braces[2] === undefined ? min : Number(braces[3] ?? Number.POSITIVE_INFINITY);
      if (max < min) throw broken(`${braces[0]} is no range`, where);
    }
    return { is: "repeat", of, min, max };
  };
  const whole = alternatives();
  if (next < chars.length) throw broken("a ) closes nothing", where);
  return whole;
}

/** Adds the states of a node that goes on to `next`, and gives the first of them. */
function wire(node: Node, next: number, states: State[], where: string): number {
  const push = (state: State): number => {
    if (states.length >= MAX_STATES) throw broken("the pattern is too large, counting repetitions", where);
    return states.push(state) - 1;
  };
  switch (node.is) {
    case "char":
      return push({ test: node.test, to: next });
    case "seq":
      return node.of.reduceRight((after, each) => wire(each, after, states, where), next);
    case "alt":
      return push({ fork: node.of.map((each) => wire(each, next, states, where)) });
    case "repeat": {
      let after = next;
      if (node.max === Number.POSITIVE_INFINITY) {
        const fork = [next];
        after = push({ fork });
        fork.push(wire(node.of, after, states, where));
      } else {
        for (let more = node.min; more < node.max; more += 1) {
          after = push({ fork: [next, wire(node.of, after, states, where)] });
        }
      }
      for (let each = 0; each < node.min; each += 1) after = wire(node.of, after, states, where);
      return after;
    }
  }
}

/** Every state that can be reached from these without a character. */
function spread(states: readonly State[], from: Iterable<number>): Set<number> {
  const reached = new Set(from);
  // A set that grows while it is walked is walked to its new end.
  for (const index of reached) {
    const state = states[index];
    if (state !== undefined && "fork" in state) for (const to of state.fork) reached.add(to);
  }
  return reached;
}

function run(states: readonly State[], start: number, text: string): boolean {
  let now = spread(states, [start]);
  for (const char of text) {
    const after: number[] = [];
    for (const index of now) {
      const state = states[index];
      if (state !== undefined && "test" in state && state.test(char)) after.push(state.to);
    }
    if (after.length === 0) return false;
    now = spread(states, after);
  }
  return now.has(0);
}

function sampleOf(states: readonly State[], start: number): string | null {
  const seen = new Set<number>();
  let front: { at: number; text: string }[] = [{ at: start, text: "" }];
  while (front.length > 0) {
    const after: typeof front = [];
    for (const { at, text } of front) {
      for (const index of spread(states, [at])) {
        const state = states[index];
        if (index === 0 && text !== "") return text;
        if (state === undefined || !("test" in state) || seen.has(index)) continue;
        seen.add(index);
        const char = EXAMPLES.find(state.test);
        if (char !== undefined) after.push({ at: state.to, text: text + char });
      }
    }
    front = after;
  }
  return run(states, start, "") ? "" : null;
}

function order(char: string): number {
  return char.codePointAt(0) ?? 0;
}

function broken(what: string, where: string): AppError {
  return new AppError("variable", what, { where });
}
