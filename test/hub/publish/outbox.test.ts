import { setImmediate } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { Outbox } from "../../../hub/publish/outbox.ts";
import type { SiteAssignment } from "../../../hub/registry/store.ts";
import { AppError } from "../../../shared/errors.ts";
import { silent } from "../../../shared/ports.ts";
import { FakeClock } from "../../support/clock.ts";

let clock: FakeClock;
let published: string[];
let attempts: number;
let done: SiteAssignment[];
let isDown: boolean;
let outbox: Outbox;

beforeEach(() => {
  clock = new FakeClock(0);
  published = [];
  attempts = 0;
  done = [];
  isDown = false;
  outbox = new Outbox({
    fleet: "shops",
    bus: {
      url: "",
      publish: async (topic, frame, { retain }) => {
        attempts += 1;
        if (isDown) throw new AppError("unreachable", "down");
        published.push(`${topic} ${Buffer.from(frame)} ${retain ? "retained" : ""}`);
      },
      close: async () => {},
    },
    clock,
    random: () => 1,
    journal: silent,
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    onPublished: (sets) => done.push(...sets),
  });
});

function entry(site: string, number: number): SiteAssignment {
  const set = { fleet: "shops", site, term: 1, number, root: 1, expires: "2026-12-01T00:00:00Z", items: [] };
  return { site, set, frame: Buffer.from(`${number}`), assigned: {}, published: false };
}

test("each site's set is retained on its own topic, and told to be there", async () => {
  const sets = Array.from({ length: 40 }, (_, index) => entry(`s-${index}`, 1));
  outbox.offer(sets);
  await setImmediate();
  expect(published).toHaveLength(40);
  expect(published[0]).toBe("skerry/1/shops/s-0/down/assign 1 retained");
  expect(done).toEqual(sets);
});

test("what waits for the bus is replaced by what is newer: an old set never comes after a new one", async () => {
  isDown = true;
  outbox.offer([entry("s-1", 1)]);
  await setImmediate();
  const newer = entry("s-1", 2);
  outbox.offer([newer]);
  isDown = false;
  clock.advance(1_000);
  await setImmediate();
  expect(published).toEqual(["skerry/1/shops/s-1/down/assign 2 retained"]);
  expect(done).toEqual([newer]);
});

test("a bus that stays down is tried again ever more rarely, at least once a minute", async () => {
  isDown = true;
  outbox.offer([entry("s-1", 1)]);
  await setImmediate();
  const waits = [1, 2, 4, 8, 16, 32, 60, 60];
  for (const [index, seconds] of waits.entries()) {
    expect(attempts).toBe(index + 1);
    clock.advance(seconds * 1_000 - 1);
    await setImmediate();
    expect(attempts).toBe(index + 1);
    clock.advance(1);
    await setImmediate();
  }
  isDown = false;
  clock.advance(60_000);
  await setImmediate();
  expect(done).toHaveLength(1);
});

test("after a stop nothing is published any more", async () => {
  isDown = true;
  outbox.offer([entry("s-1", 1)]);
  await setImmediate();
  await outbox.stop();
  isDown = false;
  clock.advance(600_000);
  outbox.offer([entry("s-2", 1)]);
  await setImmediate();
  expect(published).toEqual([]);
});
