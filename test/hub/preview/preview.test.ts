import { expect, it } from "vitest";
import { type AsksInput, asks, MOST_DIFFS } from "../../../hub/preview/asks.ts";
import { Groups } from "../../../hub/preview/groups.ts";
import { previewOf } from "../../../hub/preview/rows.ts";
import type { Prepared } from "../../../shared/report.ts";

const STATE = { bundle: "pos", digest: "a".repeat(64), values: "" };
const hash = (char: string) => char.repeat(32);
const prepared = (diff: string, more: Partial<Prepared> = {}): Prepared => {
  return { bundle: "pos", digest: hash("a"), values: "", record: 1, diff: hash(diff), ...more };
};

function fleet(sites: number, said: (index: number) => Prepared[]): Groups {
  const groups = new Groups();
  for (let index = 0; index < sites; index += 1) groups.take(`s-${String(index).padStart(5, "0")}`, said(index));
  return groups;
}

const asked = (groups: Groups, more: Partial<AsksInput> = {}) =>
  asks({
    wanting: [{ run: "pos-1", groups: groups.of(STATE) }],
    isKnown: () => false,
    kept: () => 0,
    isThere: () => true,
    asked: [],
    now: 0,
    ...more,
  });

it("5,000 sites with three different diffs are three rows, and three of them are asked", () => {
  const groups = fleet(5_000, (index) => [prepared(index < 4_000 ? "1" : index < 4_990 ? "2" : "3")]);
  const preview = previewOf(groups.of(STATE), () => true);
  expect(preview?.rows.map(({ sites, first }) => [sites, first[0], first.length])).toEqual([
    [4_000, "s-00000", 5],
    [990, "s-04000", 5],
    [10, "s-04990", 5],
  ]);
  expect(asked(groups).map(({ diff, site }) => [diff, site])).toEqual([
    [hash("1"), "s-00000"],
    [hash("2"), "s-04000"],
    [hash("3"), "s-04990"],
  ]);
});

it("those that are not ready come first, by code, and sites of other runs are not counted", () => {
  const groups = fleet(10, (index) => [prepared("1", index < 3 ? { code: index < 2 ? "kube" : "scope" } : {})]);
  const preview = previewOf(groups.of(STATE), (site) => site !== "s-00009");
  expect(preview?.rows.map(({ code, sites }) => [code, sites])).toEqual([
    ["kube", 2],
    ["scope", 1],
    [null, 6],
  ]);
  expect(previewOf(groups.of(STATE), () => false)).toBeNull();
  expect(previewOf(groups.of({ ...STATE, values: "0123456789abcdef" }), () => true)).toBeNull();
});

it("follows what each site says last", () => {
  const groups = fleet(3, () => [prepared("1")]);
  groups.take("s-00001", [prepared("2")]);
  groups.take("s-00002", []);
  groups.take("s-00002", []);
  expect(groups.of(STATE).map(({ diff, sites }) => [diff, [...sites]])).toEqual([
    [hash("1"), ["s-00000"]],
    [hash("2"), ["s-00001"]],
  ]);
  for (const site of ["s-00000", "s-00001"]) groups.take(site, []);
  expect(groups.of(STATE)).toEqual([]);
});

it("of a fleet in which every site is another, the largest groups are of interest, and no more are shown", () => {
  const groups = fleet(500, (index) => [prepared("1", { diff: index.toString(16).padStart(32, "0") })]);
  const preview = previewOf(groups.of(STATE), () => true);
  expect([preview?.rows.length, preview?.more, preview?.sites]).toEqual([MOST_DIFFS, 500 - MOST_DIFFS, 500]);
  expect(asked(groups)).toHaveLength(8);
  const known = new Set(
    groups
      .of(STATE)
      .slice(0, MOST_DIFFS)
      .map(({ diff }) => diff),
  );
  expect(asked(groups, { isKnown: (_, diff) => known.has(diff) })).toEqual([]);
  expect(asked(groups, { kept: () => 128 })).toEqual([]);
});

it("another site is asked where one does not answer, none that is away, and none twice until a while has passed", () => {
  const groups = fleet(3, () => [prepared("1")]);
  const before = { run: "pos-1", diff: hash("1"), site: "s-00000", at: 0 };
  expect(asked(groups, { asked: [before], now: 29_999 })).toEqual([]);
  expect(asked(groups, { asked: [before], now: 30_000 }).map(({ site }) => site)).toEqual(["s-00001"]);
  const isThere = (site: string) => site !== "s-00001";
  expect(asked(groups, { asked: [before], now: 30_000, isThere }).map(({ site }) => site)).toEqual(["s-00002"]);
  const all = ["s-00000", "s-00001", "s-00002"].map((site) => ({ ...before, site }));
  expect(asked(groups, { asked: all, now: 299_999 })).toEqual([]);
  expect(asked(groups, { asked: all, now: 300_000 }).map(({ site }) => site)).toEqual(["s-00000"]);
});
