import { describe, expect, it } from "vitest";
import type { Pair } from "../../../shared/names.ts";
import { brokenRequirement, type Committed, mayComeFrom, unmetRequirement } from "../../../shared/verify/requires.ts";

const needs = (bundle: string, atLeast: string) => ({ requires: [{ bundle, atLeast }] });

describe("what a version requires", () => {
  it.each<[string, string, string | null, boolean]>([
    ["the same version", "2.1.0", "2.1.0", true],
    ["a later one", "2.1.0", "2.10.0", true],
    ["an older one", "2.1.0", "2.0.9", false],
    ["a pre-release of it", "2.1.0", "2.1.0-rc.1", false],
    ["none", "2.1.0", null, false],
    ["one that cannot be compared", "2.1.0", "2026-11", false],
  ])("%s: at least %s, has %s: %s", (_title, atLeast, has, met) => {
    const committed = new Map(has === null ? [] : [["base", { version: has }]]);
    const unmet = unmetRequirement(needs("base", atLeast), committed);
    expect(unmet).toEqual(met ? null : { bundle: "base", atLeast, has });
  });

  it("is nothing where it says nothing, and the first that is missing otherwise", () => {
    expect(unmetRequirement({}, new Map())).toBeNull();
    const both = { requires: [...needs("base", "1.0.0").requires, ...needs("cafe", "1.0.0").requires] };
    expect(unmetRequirement(both, new Map([["base", { version: "1.0.0" }]]))).toMatchObject({ bundle: "cafe" });
  });
});

describe("what others require", () => {
  const pos: Committed = { version: "1.4.2", ...needs("base", "2.1.0") };
  const committed = new Map([
    ["base", { version: "2.1.0", requires: undefined }],
    ["pos", pos],
  ]);

  it.each<[string, { name: string; version: string; remove?: boolean }, boolean]>([
    ["going forward", { name: "base", version: "3.0.0" }, true],
    ["staying", { name: "base", version: "2.1.0" }, true],
    ["going back too far", { name: "base", version: "2.0.0" }, false],
    ["being removed, whatever the version", { name: "base", version: "9.0.0", remove: true }, false],
    ["moving what nobody requires", { name: "cafe", version: "0.0.1", remove: true }, true],
    ["moving the one that requires", { name: "pos", version: "1.0.0", remove: true }, true],
  ])("%s", (_title, move, fine) => {
    expect(brokenRequirement(move, committed)).toEqual(fine ? null : { by: "pos", bundle: "base", atLeast: "2.1.0" });
  });
});

it.each<[string, Pair | undefined, Pair | null, boolean]>([
  ["from anywhere", undefined, [1, 1], true],
  ["from nothing", [1, 5], null, true],
  ["from the oldest that is named", [1, 5], [1, 5], true],
  ["from a newer one", [1, 5], [2, 1], true],
  ["from an older one", [1, 5], [1, 4], false],
])("a version may come %s", (_title, from, committed, may) => {
  expect(mayComeFrom(from, committed)).toBe(may);
});
