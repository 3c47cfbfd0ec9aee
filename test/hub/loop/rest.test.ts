import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Memory } from "../../../hub/memory.ts";
import { type HubWorld, hubOfTwo, rollout } from "./world.ts";

let world: HubWorld;
const looks = vi.spyOn(Memory.prototype, "takeSince");

beforeEach(async () => {
  world = await hubOfTwo();
});

afterEach(() => world.end());

/** Second by second, and no site says a word. */
async function quiet(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    world.clock.advance(1_000);
    await world.settle();
  }
}

test("at rest it looks once a minute, and at what is due when it is due", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(7);
  expect(world.run("pos-1").run.phase).toMatchObject({ kind: "rolling", wave: 0 });
  const { at = 0 } = world.hub.read().members.find(({ id }) => id === "s-1")?.site.report ?? {};
  // Three times reportEvery it counts as healthy, and 60 s after its last report as timed out.
  looks.mockClear();
  const untilDue = at + 60_000 - world.clock.now();
  await quiet(Math.floor(untilDue / 1000) - 1);
  expect(world.run("pos-1").run.phase.kind).toBe("rolling");
  await quiet(2);
  expect(world.run("pos-1").run.phase.kind).toBe("paused");
  // The last report, what came of it, the end of its evidence, the deadline, and one after each that changed something.
  expect(looks.mock.calls.length).toBeLessThan(10);
  await quiet(5);
  looks.mockClear();
  await quiet(600);
  expect(looks.mock.calls.length).toBe(10);
});

test("a decision that could not be stored is taken again in a second", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(7);
  world.faults.store = true;
  await quiet(90);
  expect(world.run("pos-1").run.phase.kind).toBe("rolling");
  world.faults.store = false;
  await quiet(1);
  expect(world.run("pos-1").run.phase.kind).toBe("paused");
});
