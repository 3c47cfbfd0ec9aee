import { expect, it } from "vitest";
import { FakeClock, JumpingClock, seeded } from "./clock.ts";

it("fires timers in order, each at its own moment, also those that a timer sets", () => {
  const clock = new FakeClock(1_000);
  const fired: [string, number, number][] = [];
  const note = (name: string) => () => fired.push([name, clock.now(), clock.monotonic()]);
  clock.after(30, note("late"));
  clock.after(10, () => {
    note("early")();
    clock.after(5, note("nested"));
    clock.after(-1, note("at once"));
  });
  clock.after(20, note("cancelled"))();
  clock.advance(29);
  expect(fired).toEqual([
    ["early", 1_010, 10],
    ["at once", 1_010, 10],
    ["nested", 1_015, 15],
  ]);
  clock.advance(1);
  expect(fired.at(-1)).toEqual(["late", 1_030, 30]);
  clock.advance(1_000);
  expect(fired).toHaveLength(4);
  expect(clock.now()).toBe(2_030);
});

it("jumps ahead: what is due by then happens, in its order, and nothing else", async () => {
  const clock = new JumpingClock();
  const from = clock.monotonic();
  const fired: string[] = [];
  clock.after(60_000, () => fired.push("a minute"));
  clock.after(30_000, () => fired.push("half a minute"));
  clock.after(40_000, () => fired.push("cancelled"))();
  clock.after(3_600_000, () => fired.push("an hour"));
  clock.jump(20_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(fired).toEqual([]);
  clock.jump(40_000);
  await expect.poll(() => fired).toEqual(["half a minute", "a minute"]);
  expect(clock.monotonic() - from).toBeGreaterThanOrEqual(60_000);
  expect(Math.abs(clock.now() - Date.now() - 60_000)).toBeLessThan(1_000);
});

it("draws the same numbers for the same seed, within [0, 1) and well spread", () => {
  const draw = (seed: number) => {
    const random = seeded(seed);
    return Array.from({ length: 10_000 }, random);
  };
  const numbers = draw(7);
  expect(numbers).toEqual(draw(7));
  expect(numbers.slice(0, 10)).not.toEqual(draw(8).slice(0, 10));
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const hits = numbers.filter((number) => Math.floor(number * 10) === tenth).length;
    expect(hits).toBeGreaterThan(850);
    expect(hits).toBeLessThan(1_150);
  }
});
