import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Follower } from "../../../hub/follow/follow.ts";
import { Watch } from "../../../hub/follow/watch.ts";
import { FakeClock } from "../../support/clock.ts";

function watched() {
  const clock = new FakeClock(0);
  const looks: number[] = [];
  let release = () => {};
  let slow = false;
  const poll = async () => {
    looks.push(clock.monotonic());
    if (slow) await new Promise<void>((resolve) => (release = resolve));
    return null;
  };
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const follower = { poll } as unknown as Follower;
  const watch = new Watch({ follower, everyMs: 30_000, clock, log, onLook: async () => {} });
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 500) {
      clock.advance(500);
      await setImmediate();
    }
  };
  return { watch, looks, pass, hold: () => (slow = true), free: () => ((slow = false), release()) };
}

test("woken it looks a second later, however often it is woken, and then at its own pace", async () => {
  const { watch, looks, pass } = watched();
  watch.start();
  await pass(5_000);
  for (let n = 0; n < 100; n += 1) watch.wake();
  await pass(60_000);
  expect(looks).toEqual([0, 6_000, 36_000]);
});

test("woken while it looks it looks once more, for that look may have been too early", async () => {
  const { watch, looks, pass, hold, free } = watched();
  hold();
  watch.start();
  await pass(1_000);
  watch.wake();
  free();
  await pass(5_000);
  expect(looks).toHaveLength(2);
  watch.stop();
  watch.wake();
  await pass(60_000);
  expect(looks).toHaveLength(2);
});
