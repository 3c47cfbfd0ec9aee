import { describe, expect, it } from "vitest";
import { type Contests, healed as putRight, ruling } from "../../../agent/apply/contested.ts";

const MINUTE = 60_000;

/** Somebody changes these fields at each of these times. How often they were put right, and when it was told. */
function fought(times: readonly number[], fields: (index: number) => string[]) {
  let contests: Contests = new Map();
  const healed: number[] = [];
  const told: number[] = [];
  for (const [index, now] of times.entries()) {
    const ruled = ruling(contests, fields(index), now);
    if (ruled.heal) {
      healed.push(now);
      contests = putRight(contests, fields(index), now);
    } else {
      contests = ruled.contests;
      if (ruled.tell) told.push(now);
    }
  }
  return { healed, told, contests };
}

const everySecond = (seconds: number) => Array.from({ length: seconds }, (_, second) => second * 1000);

describe("a field that somebody changes again and again", () => {
  it("is put right ten times in ten minutes, twenty in an hour, forty in a day, and told once", () => {
    const { healed, told } = fought(everySecond(2 * 24 * 3600 - 1), () => [".data.a"]);
    const within = (ms: number) => healed.filter((at) => at < ms).length;
    expect([within(10 * MINUTE), within(60 * MINUTE), within(24 * 60 * MINUTE), healed.length]).toEqual([
      10, 20, 40, 80,
    ]);
    expect(told).toEqual([10_000]);
  });

  it("keeps no other field of the object from being put right, with which it is written too", () => {
    const other = (index: number) => (index === 11 ? [".data.a", ".data.b"] : [".data.a"]);
    expect(fought(everySecond(12), other).healed).toHaveLength(11);
  });

  it("says until when it is left", () => {
    const { contests } = fought(everySecond(10), () => [".data.a"]);
    expect(ruling(contests, [".data.a"], 20_000)).toMatchObject({ heal: false, until: 10 * MINUTE, tell: true });
  });

  it("is forgotten after a day", () => {
    const { contests } = fought(everySecond(20), () => [".data.a"]);
    const later = putRight(contests, [".data.b"], 25 * 60 * MINUTE);
    expect([...later.keys()]).toEqual([".data.b"]);
  });

  it("once in a while is not contested", () => {
    const hourly = Array.from({ length: 100 }, (_, hour) => hour * 60 * MINUTE);
    expect(fought(hourly, () => [".data.a"])).toMatchObject({ told: [] });
  });
});
