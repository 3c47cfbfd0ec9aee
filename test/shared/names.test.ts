import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import {
  comparePairs,
  duration,
  matchesPattern,
  milliseconds,
  name,
  namePattern,
  type Pair,
  percent,
  rfc3339,
  share,
  siteId,
  time,
  version,
} from "../../shared/names.ts";

const accepts = (schema: z.core.$ZodType, text: string) => z.safeParse(schema, text).success;

describe("durations", () => {
  it.each<[string, number | null]>([
    ["0", 0],
    ["90s", 90_000],
    ["10m", 600_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
    ["1h30m", 5_400_000],
    ["1d2h3m4s", 93_784_000],
    ["0s", 0],
    ["", null],
    ["90", null],
    ["s", null],
    ["1.5h", null],
    ["-1h", null],
    ["1m1h", null],
    ["1h 30m", null],
    ["1H", null],
    ["1w", null],
    ["1234567d", null],
    ["1h\n", null],
  ])("%j is %s ms", (text, expected) => {
    expect(accepts(duration, text)).toBe(expected !== null);
    if (expected !== null) expect(milliseconds(text)).toBe(expected);
  });

  it("add up their parts", () => {
    const parts = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99), fc.nat(99));
    fc.assert(
      fc.property(parts, ([d, h, m, s]) => {
        const text = `${d}d${h}h${m}m${s}s`;
        expect(accepts(duration, text)).toBe(true);
        expect(milliseconds(text)).toBe((((d * 24 + h) * 60 + m) * 60 + s) * 1000);
      }),
    );
  });
});

describe("times", () => {
  it.each<[string, boolean]>([
    ["2026-11-01T08:00:00Z", true],
    ["2026-11-01T23:59:59Z", true],
    ["2028-02-29T00:00:00Z", true],
    ["2026-11-01T08:00:00.5Z", false],
    ["2026-11-01T08:00:00+00:00", false],
    ["2026-11-01T08:00:00", false],
    ["2026-11-01 08:00:00Z", false],
    ["2026-13-01T08:00:00Z", false],
    ["2026-00-01T08:00:00Z", false],
    ["2026-11-32T08:00:00Z", false],
    ["2026-11-01T24:00:00Z", false],
    ["2026-11-01T08:60:00Z", false],
    ["2026-11-01T08:00:60Z", false],
    ["2026-11-01t08:00:00z", false],
  ])("%s: %s", (text, expected) => {
    expect(accepts(time, text)).toBe(expected);
  });

  it("are written in whole seconds, and read back", () => {
    const moments = fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true });
    fc.assert(
      fc.property(moments, (date) => {
        const text = rfc3339(date.getTime());
        expect(accepts(time, text)).toBe(true);
        expect(Date.parse(text)).toBe(Math.floor(date.getTime() / 1000) * 1000);
      }),
    );
  });
});

describe("percentages", () => {
  it.each<[string, number | null]>([
    ["0%", 0],
    ["12.5%", 0.125],
    ["100%", 1],
    ["100.0%", 1],
    ["0.001%", 0.00001],
    ["100.1%", null],
    ["101%", null],
    ["-1%", null],
    ["5", null],
    ["5 %", null],
    [".5%", null],
    ["5.%", null],
    ["1e1%", null],
  ])("%s is a share of %s", (text, expected) => {
    expect(accepts(percent, text)).toBe(expected !== null);
    if (expected !== null) expect(share(text)).toBeCloseTo(expected, 12);
  });
});

it("pairs are compared by epoch, then by number", () => {
  const pairs = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }));
  fc.assert(
    fc.property(pairs, pairs, (a: Pair, b: Pair) => {
      expect(Math.sign(comparePairs(a, b))).toBe(Math.sign(a[0] * 100 + a[1] - (b[0] * 100 + b[1])));
    }),
  );
});

describe("names", () => {
  it.each<[string, boolean]>([
    ["pos", true],
    ["s-1", true],
    ["a".repeat(63), true],
    ["a".repeat(64), false],
    ["", false],
    ["-a", false],
    ["a-", false],
    ["A", false],
    ["a.b", false],
    ["a/b", false],
    ["..", false],
    ["a\n", false],
  ])("%j: %s", (text, expected) => {
    expect(accepts(name, text)).toBe(expected);
    expect(accepts(siteId, text)).toBe(expected);
  });

  it("`all` is a topic of its own, and no site", () => {
    expect([accepts(siteId, "all"), accepts(name, "all"), accepts(siteId, "all-1")]).toEqual([false, true, true]);
  });

  it.each<[string, boolean]>([
    ["*", true],
    ["pos*", true],
    ["pos", true],
    ["*pos", false],
    ["p*s", false],
    ["pos**", false],
    ["", false],
  ])("pattern %j: %s", (text, expected) => {
    expect(accepts(namePattern, text)).toBe(expected);
  });

  it.each<[string, string, boolean]>([
    ["pos", "pos", true],
    ["pos", "pos-2", false],
    ["pos*", "pos", true],
    ["pos*", "pos-2", true],
    ["pos*", "po", false],
    ["*", "anything", true],
  ])("pattern %s, bundle %s: %s", (pattern, bundle, expected) => {
    expect(matchesPattern(pattern, bundle)).toBe(expected);
  });

  it.each<[string, boolean]>([
    ["1.4.2", true],
    ["1.4.2-rc.1+build", true],
    ["", false],
    ["../x", false],
    ["a/b", false],
    [".1", false],
    ["1 2", false],
  ])("version %j: %s", (text, expected) => {
    expect(accepts(version, text)).toBe(expected);
  });
});
