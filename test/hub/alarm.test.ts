import { beforeEach, expect, it } from "vitest";
import { Alarm } from "../../hub/alarm.ts";
import { FakeClock } from "../support/clock.ts";

let clock: FakeClock;
let rung: number[];
let alarm: Alarm;

beforeEach(() => {
  clock = new FakeClock(0);
  rung = [];
  alarm = new Alarm(clock, () => rung.push(clock.monotonic()));
});

it("rings once, at the earliest of its times", () => {
  alarm.within(60_000);
  alarm.within(1_000);
  alarm.within(5_000);
  clock.advance(120_000);
  expect(rung).toEqual([1_000]);
  alarm.within(1_000);
  clock.advance(5_000);
  expect(rung).toEqual([1_000, 121_000]);
});

it("does not ring without a pause, whatever is overdue", () => {
  alarm.within(-500);
  clock.advance(49);
  expect(rung).toEqual([]);
  clock.advance(1);
  expect(rung).toEqual([50]);
});

it("is silent once it was stopped, and is not set again", () => {
  alarm.within(1_000);
  alarm.stop();
  alarm.within(1_000);
  clock.advance(5_000);
  expect(rung).toEqual([]);
});
