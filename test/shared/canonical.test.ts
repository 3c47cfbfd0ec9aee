import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alike, canonicalJson, parseCanonical, sorted } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { mayBeMisread } from "../support/misread.ts";

function code(bytes: Uint8Array | string, maxBytes = 1024 * 1024): string {
  try {
    parseCanonical(Buffer.from(bytes), "sample", maxBytes);
    return "read";
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.where).toBe("sample");
    return error.code;
  }
}

describe("canonical JSON", () => {
  it("sorts keys by UTF-16 unit at every level, and ends with one line feed", () => {
    const value = { b: [{ z: 1, a: "é" }], "": null, a: { "10": 1, "9": 2 }, "\u{1f600}": 1, "￿": 2, left: undefined };
    expect(canonicalJson(value)).toBe('{"":null,"a":{"10":1,"9":2},"b":[{"a":"é","z":1}],"\u{1f600}":1,"￿":2}\n');
  });

  it.each<[string, string | Uint8Array, string]>([
    ["an empty object", "{}\n", "read"],
    ["a duplicate key", '{"a":1,"a":1}\n', "malformed"],
    ["a duplicate key that is written with an escape", '{"a":1,"\\u0061":1}\n', "malformed"],
    ["keys that are not sorted", '{"b":1,"a":1}\n', "malformed"],
    ["white space inside", '{"a": 1}\n', "malformed"],
    ["white space before", ' {"a":1}\n', "malformed"],
    ["a byte order mark", '\ufeff{"a":1}\n', "malformed"],
    ["no line feed at the end", '{"a":1}', "malformed"],
    ["two line feeds at the end", '{"a":1}\n\n', "malformed"],
    ["a carriage return", '{"a":1}\r\n', "malformed"],
    ["an escape that is not needed", '{"a":"\\u0061"}\n', "malformed"],
    ["a number in another form", '{"a":1.0}\n', "malformed"],
    ["a number with an exponent", '{"a":1e2}\n', "malformed"],
    ["minus zero", '{"a":-0}\n', "malformed"],
    ["a number that no double holds", '{"a":9007199254740993}\n', "malformed"],
    ["a comment", '{"a":1}//\n', "malformed"],
    ["two documents", "{}\n{}\n", "malformed"],
    ["nothing", "", "malformed"],
    ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0x22, 0x0a]), "malformed"],
    ["an overlong form of a slash", Buffer.from([0x22, 0xc0, 0xaf, 0x22, 0x0a]), "malformed"],
    ["64 levels", nested(64), "read"],
    ["65 levels", nested(65), "malformed"],
    ["a hundred thousand levels", nested(100_000), "malformed"],
  ])("%s", (_title, bytes, expected) => {
    expect(code(bytes)).toBe(expected);
  });

  it("has no key that readers of maps drop without a word; as a text it may stand there", () => {
    expect(() => parseCanonical(Buffer.from('{"labels":{"__proto__":"x"}}\n'), "x", 100)).toThrow(/__proto__/);
    const text = canonicalJson({ words: '"__proto__":' });
    expect(parseCanonical(Buffer.from(text), "x", 100)).toEqual({ words: '"__proto__":' });
  });

  it("is not read above its cap", () => {
    expect(code('{"a":1}\n', 8)).toBe("read");
    expect(code('{"a":1}\n', 7)).toBe("too-large");
  });

  it("is stable: what was read is written as the same bytes, and read as the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = canonicalJson(value);
        fc.pre(!text.includes('"__proto__":') && !mayBeMisread(text));
        const read = parseCanonical(Buffer.from(text), "sample", text.length * 4);
        expect(canonicalJson(read)).toBe(text);
        expect(read).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("has one form for one value, in whatever order it was built", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })), (value) => {
        const turned = Object.fromEntries(Object.entries(value).toReversed());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
      }),
    );
  });
});

function nested(levels: number): string {
  return `${"[".repeat(levels)}1${"]".repeat(levels)}\n`;
}

describe("two values are alike", () => {
  it("exactly where they are written the same", () => {
    const small = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
    fc.assert(
      fc.property(small, small, fc.boolean(), (a, b, isOne) => {
        const other = isOne ? structuredClone(a) : b;
        expect(alike(a, other)).toBe(sorted(a) === sorted(other));
      }),
    );
  });

  it.each<[string, unknown, unknown, boolean]>([
    ["keys in another order", { a: 1, b: 2 }, { b: 2, a: 1 }, true],
    ["a key without a value, and none", { a: undefined }, {}, true],
    ["a key with nothing in it, and none", { a: null }, {}, false],
    ["a list and a map of the same", [1], { 0: 1 }, false],
    ["a longer list", [1], [1, 2], false],
    ["another key on either side", { a: 1 }, { b: 1 }, false],
  ])("%s", (_title, a, b, expected) => {
    expect(alike(a, b)).toBe(expected);
    expect(alike(b, a)).toBe(expected);
  });

  it("but for keys at the top that are named, and no deeper", () => {
    expect(alike({ at: 1, b: 2 }, { at: 3, b: 2 }, ["at"])).toBe(true);
    expect(alike({ b: 2 }, { at: 3, b: 2 }, ["at"])).toBe(true);
    expect(alike({ in: { at: 1 } }, { in: { at: 3 } }, ["at"])).toBe(false);
  });
});
