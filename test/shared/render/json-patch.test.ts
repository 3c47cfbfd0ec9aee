import { describe, expect, it } from "vitest";
import type { Json } from "../../../shared/live.ts";
import { jsonPatch } from "../../../shared/render/json-patch.ts";
import { refusal } from "./sample.ts";

const op = (name: string, path: string, rest: { [key: string]: Json } = {}): Json => ({ op: name, path, ...rest });

/** RFC 6902, appendix A, by its sections, and the corners of its text. */
const DONE: [string, Json, Json[], Json][] = [
  ["A.1 a member is added", { foo: "bar" }, [op("add", "/baz", { value: "qux" })], { baz: "qux", foo: "bar" }],
  [
    "A.2 an element is added",
    { foo: ["bar", "baz"] },
    [op("add", "/foo/1", { value: "qux" })],
    { foo: ["bar", "qux", "baz"] },
  ],
  ["A.3 a member is removed", { baz: "qux", foo: "bar" }, [op("remove", "/baz")], { foo: "bar" }],
  ["A.4 an element is removed", { foo: ["bar", "qux", "baz"] }, [op("remove", "/foo/1")], { foo: ["bar", "baz"] }],
  ["A.5 a value is replaced", { baz: "qux" }, [op("replace", "/baz", { value: "boo" })], { baz: "boo" }],
  [
    "A.6 a value is moved",
    { foo: { bar: "baz", waldo: "fred" }, qux: { corge: "grault" } },
    [op("move", "/qux/thud", { from: "/foo/waldo" })],
    { foo: { bar: "baz" }, qux: { corge: "grault", thud: "fred" } },
  ],
  [
    "A.7 an element is moved",
    { foo: ["all", "grass", "cows", "eat"] },
    [op("move", "/foo/3", { from: "/foo/1" })],
    { foo: ["all", "cows", "eat", "grass"] },
  ],
  [
    "A.8 a test holds",
    { baz: "qux", foo: ["a", 2, "c"] },
    [op("test", "/baz", { value: "qux" }), op("test", "/foo/1", { value: 2 })],
    { baz: "qux", foo: ["a", 2, "c"] },
  ],
  [
    "A.10 a nested member is added",
    { foo: "bar" },
    [op("add", "/child", { value: { g: {} } })],
    { foo: "bar", child: { g: {} } },
  ],
  [
    "A.11 other members are ignored",
    { foo: "bar" },
    [op("add", "/baz", { value: "qux", xyz: 123 })],
    { foo: "bar", baz: "qux" },
  ],
  ["A.14 ~ is escaped", { "/": 9, "~1": 10 }, [op("test", "/~01", { value: 10 })], { "/": 9, "~1": 10 }],
  [
    "A.16 a list is added to a list",
    { foo: ["bar"] },
    [op("add", "/foo/-", { value: ["abc"] })],
    { foo: ["bar", ["abc"]] },
  ],
  ["a slash is escaped", { "a/b": 1 }, [op("replace", "/a~1b", { value: 2 })], { "a/b": 2 }],
  ["an empty key", { "": 1 }, [op("replace", "/", { value: 2 })], { "": 2 }],
  ["an index as a key", { "0": 1 }, [op("remove", "/0")], {}],
  ["a member that exists is replaced by add", { a: 1 }, [op("add", "/a", { value: [] })], { a: [] }],
  ["an element is added at the end by its index", [1], [op("add", "/1", { value: 2 })], [1, 2]],
  ["the last element is replaced", [1, 2], [op("replace", "/1", { value: 3 })], [1, 3]],
  ["the whole is replaced", { a: 1 }, [op("replace", "", { value: { b: 2 } })], { b: 2 }],
  ["the whole is added over", { a: 1 }, [op("add", "", { value: 7 })], 7],
  ["null is a value", { a: 1 }, [op("replace", "/a", { value: null }), op("test", "/a", { value: null })], { a: null }],
  [
    "a copy is its own",
    { a: { b: 1 } },
    [op("copy", "/c", { from: "/a" }), op("add", "/c/d", { value: 2 })],
    { a: { b: 1 }, c: { b: 1, d: 2 } },
  ],
  ["a move to where it is", { a: [1] }, [op("move", "/a", { from: "/a" })], { a: [1] }],
  ["a move by a name that begins alike", { a: 1 }, [op("move", "/ab", { from: "/a" })], { ab: 1 }],
  [
    "test knows no order of members",
    { a: { b: 1, c: [2] } },
    [op("test", "/a", { value: { c: [2], b: 1 } })],
    { a: { b: 1, c: [2] } },
  ],
];

const REFUSED: [string, Json, Json, string][] = [
  ["A.9 a test that does not hold", { baz: "qux" }, op("test", "/baz", { value: "bar" }), "another value"],
  ["A.12 an add below nothing", { foo: "bar" }, op("add", "/baz/bat", { value: "qux" }), 'nothing at "baz"'],
  ["A.15 a test of another type", { a: 10 }, op("test", "/a", { value: "10" }), "another value"],
  ["a test of a list in another order", { a: [1, 2] }, op("test", "/a", { value: [2, 1] }), "another value"],
  ["a remove of nothing", {}, op("remove", "/a"), 'nothing at "a"'],
  ["a replace of nothing", {}, op("replace", "/a", { value: 1 }), 'nothing at "a"'],
  ["a copy of nothing", {}, op("copy", "/a", { from: "/b" }), 'nothing at "b"'],
  ["a move into itself", { a: { b: 1 } }, op("move", "/a/b/c", { from: "/a" }), "into itself"],
  ["an index past the end", [1], op("add", "/2", { value: 1 }), "no index 2"],
  ["a remove past the end", [1], op("remove", "/1"), "no index 1"],
  ["a remove of -", [1], op("remove", "/-"), '"-" is no index'],
  ["a leading zero", [1, 2], op("remove", "/01"), '"01" is no index'],
  ["an exponent", [1, 2], op("remove", "/1e0"), '"1e0" is no index'],
  ["a member of text", { a: "b" }, op("add", "/a/b", { value: 1 }), 'nothing at "b"'],
  ["what every object has", {}, op("copy", "/a", { from: "/constructor" }), 'nothing at "constructor"'],
  ["an element by what every list has", { a: [] }, op("copy", "/b", { from: "/a/length" }), '"length" is no index'],
  ["a remove of the whole", {}, op("remove", ""), "cannot be removed"],
  ["no value", {}, op("add", "/a"), "needs value"],
  ["no from", {}, op("move", "/a"), "needs from"],
  ["no path", {}, { op: "remove" }, "needs path"],
  ["a pointer without /", { a: 1 }, op("remove", "a"), "no JSON pointer"],
  ["a pointer with a bare ~", { "~": 1 }, op("remove", "/~"), "no JSON pointer"],
  ["another operation", {}, op("merge", "/a", { value: 1 }), '"merge" is no operation'],
  ["an operation that every object has", {}, op("constructor", "/a"), '"constructor" is no operation'],
  ["no object", {}, "remove", "must be an object"],
];

describe("a JSON patch", () => {
  it.each(DONE)("%s", (_title, document, operations, meant) => {
    const before = JSON.stringify(document);
    expect(jsonPatch(document, operations, "p")).toEqual(meant);
    expect(JSON.stringify(document)).toBe(before);
  });

  it.each(REFUSED)("refuses %s", (_title, document, operation, words) => {
    const first = op("test", "", { value: document });
    const found = refusal(() => jsonPatch(document, [first, operation], "files/p.json", "/patch"));
    expect(found).toMatchObject({ code: "patch", where: "files/p.json /patch/1" });
    expect(found.words).toContain(words);
  });

  it("makes members of keys that would be a prototype", () => {
    const after = jsonPatch(
      {},
      [op("add", "/__proto__", { value: { a: 1 } }), op("add", "/__proto__/b", { value: 2 })],
      "p",
    );
    expect(JSON.stringify(after)).toBe('{"__proto__":{"a":1,"b":2}}');
    expect(({} as Record<string, unknown>)["b"]).toBeUndefined();
  });

  it("cannot double itself without end", () => {
    const doubling = Array.from({ length: 64 }, (_, index) => op("copy", `/${index}`, { from: "" }));
    expect(refusal(() => jsonPatch({ a: 1 }, doubling, "p")).words).toContain("copies");
  });
});
