import { describe, expect, it } from "vitest";
import { AppError } from "../../shared/errors.ts";
import { parseAs } from "../../shared/parse.ts";
import { type Variable, valueProblem, variable } from "../../shared/variable.ts";
import { thrownBy } from "../support/thrown.ts";

describe("a declaration", () => {
  it.each<[string, Variable]>([
    ["a string with nothing said", {}],
    ["a label", { label: "region", default: "north" }],
    ["a bounded integer", { type: "integer", min: 1, max: 5, default: 1, settable: "hub" }],
    ["a switch", { type: "boolean", default: false, settable: "hub" }],
    ["a string of a list, for the hub", { enum: ["a", "b"], default: "a", settable: "hub" }],
    ["a string of a form, for the hub", { pattern: "^[a-z]{1,9}$", settable: "hub" }],
  ])("is accepted: %s", (_title, declaration) => {
    expect(parseAs(variable, declaration, "v")).toEqual(declaration);
  });

  it.each<[string, string, Variable]>([
    ["a string that the hub may set to anything", "/settable", { settable: "hub" }],
    ["a label that the hub may set", "/settable", { label: "region", enum: ["a"], settable: "hub" }],
    ["a default of another type", "/default", { type: "integer", default: "1" }],
    ["a default that is no integer", "/default", { type: "integer", default: 1.5 }],
    ["a default below its bound", "/default", { type: "integer", min: 2, default: 1 }],
    ["a default above its bound", "/default", { type: "number", max: 2, default: 2.5 }],
    ["a default that is not in its list", "/default", { enum: ["a"], default: "b" }],
    ["a default of another form", "/default", { pattern: "^[a-z]$", default: "B" }],
    ["a list of another type", "/enum", { type: "integer", enum: [1, "2"] }],
    ["an empty list", "/enum", { enum: [] }],
    ["bounds of a string", "/min", { min: 1 }],
    ["bounds that exclude everything", "/min", { type: "number", min: 2, max: 1 }],
    ["a pattern for a number", "/pattern", { type: "number", pattern: "^1$" }],
    ["a pattern without anchors", "/pattern", { pattern: "[a-z]", settable: "hub" }],
    ["a pattern that could run for ever", "/pattern", { pattern: "^(a+)+$" }],
  ])("is refused: %s", (_title, at, declaration) => {
    const error = thrownBy(() => parseAs(variable, declaration, "v"));
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: "schema", where: `v ${at}` });
  });
});

it.each<[unknown, Variable, boolean]>([
  ["a", {}, true],
  [1, {}, false],
  [true, { type: "boolean" }, true],
  ["true", { type: "boolean" }, false],
  [3, { type: "integer", max: 3 }, true],
  [4, { type: "integer", max: 3 }, false],
  [2 ** 60, { type: "integer" }, false],
  [0.5, { type: "number" }, true],
])("value %j of %j", (value, declaration, fits) => {
  expect(valueProblem(declaration, value as string) === null).toBe(fits);
});
