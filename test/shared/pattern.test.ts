import { performance } from "node:perf_hooks";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitsPattern, patternProblem } from "../../shared/pattern.ts";

describe("a pattern", () => {
  it.each([
    "^[a-z]+$",
    "^[a-z]+-[0-9]*$",
    "^(lab|shop|kiosk)$",
    "^(?:a|b){1,8}$",
    "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
    "^([a-z]{1,10}\\.){0,2}example\\.com$",
    "^https://[a-z0-9.-]{1,200}/[\\w/-]{0,200}$",
    "^\\$[^$]*$",
    "^$",
    "^[\\]\\-\\[]$",
    "^.{3}$",
  ])("%s is accepted", (pattern) => {
    expect(patternProblem(pattern)).toBeNull();
  });

  it.each<[string, string, RegExp]>([
    ["no anchor", "[a-z]+", /anchored/],
    ["one anchor", "^[a-z]+", /anchored/],
    ["alternatives that slip past the anchors", "^a|b$", /alternatives/],
    ["an anchor in the middle", "^a$|^.*$", /not accepted/],
    ["a nested quantifier", "^(a+)+$", /too long/],
    ["overlapping alternatives, repeated", "^(a|a)*$", /too long/],
    ["a repeated group with an open end", "^([a-z]+\\.)*x$", /too long/],
    ["three open ends", "^a*a*a*b$", /too long/],
    ["many optional parts", `^${"(a?)".repeat(30)}$`, /too long/],
    ["a reference back", "^(a)\\1$", /not accepted/],
    ["looking ahead", "^(?=a)b$", /neither ahead/],
    ["looking behind", "^(?<=a)b$", /neither ahead/],
    ["a lazy quantifier", "^a+?$", /not accepted/],
    ["a quantifier of nothing", "^*$", /not accepted/],
    ["a word boundary", "^a\\b$", /not accepted/],
    ["a class that does not end", "^[a-z$", /not accepted/],
    ["a class that runs backwards", "^[z-a]$", /not a regular expression/],
    ["a repetition that runs backwards", "^a{3,1}$", /not a regular expression/],
    ["a group that does not end", "^(a$", /not closed|not accepted/],
    ["a group that never began", "^a)$", /unexpected/],
    ["a newline", "^a\n$", /ASCII/],
    ["a text without end", `^${"a".repeat(300)}$`, /at most 200/],
    ["groups in groups in groups", `^${"(".repeat(20)}a${")".repeat(20)}$`, /nested/],
  ])("is refused with %s: %s", (_title, pattern, why) => {
    expect(patternProblem(pattern)).toMatch(why);
  });

  it("decides about the whole value", () => {
    expect(fitsPattern("^[a-z]+$", "lab")).toBe(true);
    for (const value of ["lab2", "2lab", "lab\nx", "lab\n", ""]) expect(fitsPattern("^[a-z]+$", value)).toBe(false);
  });

  it("is never slow once it is accepted, on the longest value there is", () => {
    const part = fc.constantFrom("a", "[ab]", ".", "\\w", "(a|ab)", "(?:a|b|ab)", "(a{1,9}b?)", "(aa?)");
    const times = fc.constantFrom("", "*", "+", "?", "{2}", "{1,30}", "{0,8}", "{2,}");
    const pattern = fc.array(fc.tuple(part, times), { maxLength: 6 }).map((parts) => `^${parts.flat().join("")}c$`);
    const value = fc.constantFrom("a".repeat(1023), "ab".repeat(511), `${"a".repeat(1022)}b`);
    let accepted = 0;
    fc.assert(
      fc.property(pattern, value, (text, long) => {
        if (patternProblem(text) !== null) return;
        accepted += 1;
        const start = performance.now();
        fitsPattern(text, long);
        expect(performance.now() - start, text).toBeLessThan(500);
      }),
      { numRuns: 500 },
    );
    expect(accepted).toBeGreaterThan(50);
  });

  it("is read to an answer, whatever it is", () => {
    const sign = fc.constantFrom(..."^$()[]{}|?*+\\.a-,1");
    fc.assert(
      fc.property(fc.array(sign, { maxLength: 30 }), (signs) => {
        const text = `^${signs.join("")}$`;
        if (patternProblem(text) === null) new RegExp(text, "u").test("a");
      }),
      { numRuns: 2000 },
    );
  });
});
