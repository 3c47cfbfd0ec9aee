import * as fc from "fast-check";
import { expect, it } from "vitest";
import { parseJsonOnce } from "../../../shared/node/json-once.ts";
import { refusal } from "./ssh-keygen.ts";

const read = (text: string) => parseJsonOnce(text, "statement");
/** Made of what the reader could mistake for the end of a text or for a key. */
const tricky = fc.string({ unit: fc.constantFrom('"', "\\", ":", ",", "{", "}", " ", "a", "\n", "é") });

it("reads any JSON, in any layout", () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: "small" },
      tricky,
      fc.integer(),
      fc.constantFrom(null, true),
      fc.array(tie("any"), { maxLength: 4 }),
      fc.dictionary(tricky, tie("any"), { maxKeys: 4 }),
    ),
  })).any;
  fc.assert(
    fc.property(value, fc.constantFrom("", " ", "\n\t"), (each, space) => {
      expect(read(JSON.stringify(each, undefined, space))).toEqual(each);
    }),
    { numRuns: 2000 },
  );
});

it.each([
  ['{"a":1,"a":1}', "malformed"],
  ['{"a":1,"\\u0061":2}', "malformed"],
  ['[{"a":{"b":[{"c":1, "c" : 2}]}}]', "malformed"],
  ['{"__proto__":1,"__proto__":2}', "malformed"],
  ['{"":1,"":2}', "malformed"],
  ['{"a":{"b":1},"b":{"a":1}}', "accepted"],
  ['{"__proto__":{"a":1},"a":2}', "accepted"],
  ['["a:","a:",":"]', "accepted"],
  ['{"a\\":":1,"a":"\\":"}', "accepted"],
  ['{"a":1}}', "malformed"],
  ['{"a\n":1}', "malformed"],
  ['{"a\\x":1}', "malformed"],
  ['{"a:1}', "malformed"],
  ['["a":1]', "malformed"],
  ["", "malformed"],
])("%s is %s", (text, code) => {
  expect(refusal(() => read(text))).toBe(code);
});

it("reads keys as they stand, also where JSON.parse does not (nodejs/node#63785)", () => {
  JSON.parse('{"a":[],"\\\\":0}');
  expect(Object.keys(read('{"a":1,"\\"":2}') as object)).toEqual(["a", '"']);
  expect(() => read('{"a":1,"\\u0061":2}')).toThrow('the key "a" stands twice in the statement');
});

it("reads deep nesting", () => {
  expect(refusal(() => read(`${"[".repeat(100_000)}${"]".repeat(100_000)}`))).toBe("accepted");
});
