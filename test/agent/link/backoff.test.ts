import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextDelay } from "../../../agent/link/backoff.ts";

const PRODUCTION = { firstSpreadMs: 60_000, baseMs: 1_000, maxMs: 900_000 };

describe("nextDelay", () => {
  it("spreads the first attempt, then doubles its ceiling up to 15 min", () => {
    const ceilings = Array.from({ length: 13 }, (_, attempt) => nextDelay(attempt, 1, PRODUCTION) / 1000);
    expect(ceilings).toEqual([60, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  });

  it("falls anywhere between nothing and the ceiling, in proportion to chance, after any number of attempts", () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(5000), chance, (attempt, drawn) => {
        const delay = nextDelay(attempt, drawn, PRODUCTION);
        expect(delay).toBe(Math.floor(drawn * nextDelay(attempt, 1, PRODUCTION)));
        expect(delay).toBeLessThan(900_000);
      }),
    );
  });
});
