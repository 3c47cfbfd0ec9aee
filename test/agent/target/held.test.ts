import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Ask, charged, type Held, heldBy, heldWords, leftOf } from "../../../agent/target/held.ts";

const HOUR = 3_600_000;
const EVER = Number.POSITIVE_INFINITY;
const ask = (id: string, more: Partial<Ask> = {}): Ask => ({ by: "command", id, reason: "", forMs: null, ...more });

/** What the site is after these turns: so much later, so much is asked. */
function after(...turns: readonly (readonly [number, ...Ask[]])[]): Held | null {
  return turns.reduce<Held | null>((held, [passed, ...asks]) => heldBy(held, asks, passed), null);
}

describe("how long a site is held", () => {
  it("begins when it is asked for, whatever passed before", () => {
    const held = after([HOUR], [HOUR, ask("a", { forMs: 2 * HOUR })]);
    expect([held?.spentMs, leftOf(held, EVER), leftOf(held, HOUR)]).toEqual([0, 2 * HOUR, HOUR]);
  });

  it("ends by itself after the time that was asked for, though the ask is still there", () => {
    const asked = ask("a", { forMs: 2 * HOUR });
    expect(leftOf(after([0, asked], [HOUR, asked]), EVER)).toBe(HOUR);
    expect(leftOf(after([0, asked], [3 * HOUR, asked]), EVER)).toBe(0);
  });

  it("is not made longer by asking again, by whomever, without letting go in between", () => {
    const lease = ask("l", { by: "lease" });
    const held = after([0, ask("a")], [5 * HOUR, ask("b")], [5 * HOUR, lease], [5 * HOUR, lease, ask("c")]);
    expect([leftOf(held, 16 * HOUR), leftOf(held, 15 * HOUR)]).toEqual([HOUR, 0]);
  });

  it("begins anew once it was let go, or its time was over", () => {
    expect(leftOf(after([0, ask("a")], [5 * HOUR, ask("a")], [1], [HOUR, ask("b")]), 6 * HOUR)).toBe(6 * HOUR);
    const over = ask("a", { forMs: HOUR });
    expect(leftOf(after([0, over], [2 * HOUR, over], [HOUR, over, ask("b")]), 6 * HOUR)).toBe(6 * HOUR);
  });

  it("is taken back by whoever asked, while the others still hold it", () => {
    const both = after([0, ask("a", { reason: "sale" }), ask("file", { by: "file", reason: "" })]);
    expect(heldWords(both as Held)).toBe("sale (command); no reason given (file)");
    expect(leftOf(heldBy(both, [ask("file", { by: "file" })], HOUR), EVER)).toBe(EVER);
    expect(heldBy(both, [], HOUR)).toBeNull();
  });

  it("its words fit a report, whatever people write", () => {
    const asks = ["a", "b", "c"].map((id) => ask(id, { reason: `${id}${"\u{1f6d2}".repeat(59)}` }));
    const words = heldWords(after([0, ...asks]) as Held);
    expect([words.length <= 200, words.isWellFormed()]).toEqual([true, true]);
  });

  it("what is asked for two hours cannot outlast them by any number of restarts, nor lose more than a charge to each", () => {
    const asked = ask("a", { forMs: 2 * HOUR });
    const charge = 60_000;
    const lives = fc.array(fc.integer({ min: 0, max: HOUR }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(lives, (times) => {
        let disk = charged(heldBy(null, [asked], 0) as Held, charge);
        let ran = 0;
        for (const time of times) {
          // Killed after so long: what was stored last is what counts, and it was charged ahead.
          let live = disk;
          for (let left = time; left > 0; left -= charge) {
            live = heldBy(live, [asked], Math.min(left, charge)) as Held;
            if (live.spentMs > disk.spentMs) disk = charged(live, charge);
          }
          ran += time;
          const left = leftOf(disk, EVER);
          expect(left).toBeLessThanOrEqual(Math.max(0, 2 * HOUR - ran));
          expect(left).toBeGreaterThanOrEqual(2 * HOUR - ran - (times.length + 1) * 2 * charge);
        }
      }),
    );
  });
});
