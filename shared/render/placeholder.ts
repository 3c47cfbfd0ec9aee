import { type Variable, valueProblem } from "../variable.ts";
import type { Value } from "./variables.ts";

/** What text is made up of, the plainest first: a label may have the first few. */
const CHARACTERS = [
  ..."a0A1-._",
  ..."bcdefghijklmnopqrstuvwxyz",
  ..."BCDEFGHIJKLMNOPQRSTUVWXYZ",
  ..."23456789 /:@,+=%#~!?*&;()[]{}|<>\"'`^$\\",
];

/**
 * Values that a bundle is tried with before it is signed: the default, every value of an enum, both ends of a range, both booleans; for text that
 * only a pattern or nothing bounds, one made up. Empty where nothing was found that the declaration allows.
 */
export function valuesToTry(variable: Variable): Value[] {
  const { type = "string", default: preset, enum: listed, min, max, pattern } = variable;
  const ends = [min, max].flatMap((end) => (end === undefined ? [] : [end, Math.ceil(end), Math.floor(end)]));
  const made: readonly Value[] =
    type === "boolean"
      ? [false, true]
      : type !== "string"
        ? [...ends, 0]
        : [pattern === undefined ? "a" : textFor(pattern)];
  const all = listed ?? (preset === undefined || type !== "string" ? made : []);
  const candidates = new Set(preset === undefined ? all : [preset, ...all]);
  return [...candidates].filter((value) => valueProblem(variable, value) === null);
}

/** A text that is likely to fit a pattern of the accepted sort: of each part the first choice, as short as may be, but not empty. */
function textFor(pattern: string): string {
  let rest = pattern.slice(1, -1);
  const sequence = (): string => {
    let text = "";
    while (rest !== "" && !/^[|)]/.test(rest)) {
      const part = atom();
      const [whole, from] = /^(?:[?*+]|\{(\d+)(?:,\d*)?\})/.exec(rest) ?? [""];
      rest = rest.slice(whole.length);
      text += part.repeat(from === undefined || from === "0" ? 1 : Number(from));
    }
    return text;
  };
  const atom = (): string => {
    if (rest.startsWith("(")) {
      rest = rest.slice(rest.startsWith("(?:") ? 3 : 1);
      const first = sequence();
      while (rest.startsWith("|")) {
        rest = rest.slice(1);
        sequence();
      }
      rest = rest.slice(1);
      return first;
    }
    const [one = ""] = /^(?:\[(?:\\.|[^\]])*\]|\\.|[^])/.exec(rest) ?? [];
    rest = rest.slice(one.length);
    const test = new RegExp(`^${one}$`, "u");
    return CHARACTERS.find((char) => test.test(char)) ?? "";
  };
  return sequence();
}
