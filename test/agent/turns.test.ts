import { beforeEach, describe, expect, it } from "vitest";
import { Turns } from "../../agent/turns.ts";
import { FakeClock } from "../support/clock.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("when a cycle runs", () => {
  let clock: FakeClock;
  let began: number[];
  /** What the cycles take, ms, one after the other; then nothing. */
  let takes: number[];
  let inCycle: () => void;
  let turns: Turns;

  beforeEach(() => {
    clock = new FakeClock(0);
    began = [];
    takes = [];
    inCycle = () => {};
    turns = new Turns(clock, async () => {
      began.push(clock.monotonic());
      inCycle();
      clock.advance(takes.shift() ?? 0);
      await settled();
    });
  });

  async function passed(ms: number): Promise<void> {
    await settled();
    for (let each = 0; each < ms; each += 1) {
      clock.advance(1);
      await settled();
      await settled();
    }
  }

  it("runs at once, and once for all that came together", async () => {
    for (let change = 0; change < 15; change += 1) turns.wake();
    await passed(5);
    expect(began).toEqual([0]);
  });

  it("runs again for what came while it ran", async () => {
    inCycle = () => {
      if (began.length === 1) for (let change = 0; change < 15; change += 1) turns.wake();
    };
    turns.wake();
    await passed(5);
    expect(began).toHaveLength(2);
  });

  it("rests after a cycle for as long as it took, and then takes together what came meanwhile", async () => {
    takes = [20];
    turns.wake();
    await settled();
    await settled();
    expect(clock.monotonic()).toBe(20);
    for (let change = 0; change < 10; change += 1) {
      turns.wake();
      await passed(1);
    }
    expect(began).toEqual([0]);
    await passed(30);
    expect(began).toEqual([0, 40]);
  });

  it("rests for 100 ms at most: most of a long cycle is waiting for the cluster", async () => {
    takes = [15_000];
    turns.wake();
    await settled();
    await settled();
    turns.wake();
    await passed(120);
    expect(began).toEqual([0, 15_100]);
  });

  it("begins at once where the rest is over", async () => {
    takes = [20];
    turns.wake();
    await passed(50);
    const now = clock.monotonic();
    turns.wake();
    await settled();
    expect(began).toEqual([0, now]);
  });

  it("begins by itself when it was told to, unless a cycle came first", async () => {
    turns.wakeIn(10);
    await passed(5);
    turns.wake();
    await passed(20);
    expect(began).toEqual([5]);
    turns.wakeIn(10);
    await passed(20);
    expect(began).toHaveLength(2);
  });

  it("begins nothing once it is stopped, also in a rest", async () => {
    takes = [20];
    turns.wake();
    await settled();
    await settled();
    turns.wake();
    await settled();
    await turns.stop();
    turns.wake();
    turns.wakeIn(1);
    await passed(200);
    expect(began).toEqual([0]);
  });
});
