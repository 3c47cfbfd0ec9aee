import { setImmediate } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { Relay } from "../../../hub/publish/relay.ts";
import type { Relayable } from "../../../hub/publish/trust.ts";
import { AppError } from "../../../shared/errors.ts";
import { signedRoot, signedSite } from "../../support/fleet.ts";

let published: { topic: string; retain: boolean }[];
let places: string[];
let isDown: boolean;
let held: Relayable;
let relay: Relay;

const roots = (...numbers: number[]) => numbers.map((number) => ({ number, document: signedRoot({ number }) }));

beforeEach(() => {
  published = [];
  places = [];
  isDown = false;
  held = { roots: roots(1, 2), record: { number: 1, document: signedSite() }, head: null };
  relay = new Relay({
    fleet: "shops",
    bus: {
      url: "",
      publish: async (topic, _frame, { retain }) => {
        await setImmediate();
        if (isDown) throw new AppError("unreachable", "down");
        published.push({ topic, retain });
      },
      close: async () => {},
    },
    journal: (effect, place) => places.push(`${effect} ${place}`),
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    relayable: () => held,
  });
});

/** How often something was published since the last call, once nothing is on its way. */
async function said(): Promise<number> {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  return published.splice(0).length;
}

const holding = (root: number) => ({ root, record: 1, head: 0 });

test("goes to the site's own topic and is not retained", async () => {
  relay.heard("s-1", holding(1), true);
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  expect(published).toEqual([{ topic: "skerry/1/shops/s-1/down/trust", retain: false }]);
  expect(places).toEqual(["bus.trust before", "bus.trust after"]);
});

test("a site that stays where it is, because it refuses what it is told, hears the same again only after a hello", async () => {
  relay.heard("s-1", holding(1), true);
  expect(await said()).toBe(1);
  relay.heard("s-1", holding(1), false);
  relay.heard("s-1", holding(1), false);
  expect(await said()).toBe(0);
  relay.heard("s-1", holding(1), true);
  expect(await said()).toBe(1);
});

test("a site that got further hears the rest, and then nothing more", async () => {
  held = { ...held, roots: roots(1, 2, 3) };
  relay.heard("s-1", holding(1), true);
  expect(await said()).toBe(1);
  relay.heard("s-1", holding(2), false);
  expect(await said()).toBe(1);
  relay.heard("s-1", holding(3), false);
  expect(await said()).toBe(0);
});

test("what the hub takes in goes to all that were heard, once", async () => {
  for (let index = 0; index < 5; index += 1) relay.heard(`s-${index}`, holding(2), true);
  expect(await said()).toBe(0);
  held = { ...held, roots: roots(1, 2, 3) };
  relay.changed();
  relay.changed();
  expect(await said()).toBe(5);
  relay.changed();
  expect(await said()).toBe(0);
});

test("what did not reach the bus is said again with the next report", async () => {
  isDown = true;
  relay.heard("s-1", holding(1), true);
  expect(await said()).toBe(0);
  isDown = false;
  relay.heard("s-1", holding(1), false);
  expect(await said()).toBe(1);
});

test("heard while something is on its way to it, the site is told what it lacks then", async () => {
  relay.heard("s-1", holding(1), true);
  held = { ...held, roots: roots(1, 2, 3) };
  relay.heard("s-1", holding(2), false);
  expect(await said()).toBe(2);
});

test("stops after what is on its way", async () => {
  for (let index = 0; index < 5; index += 1) relay.heard(`s-${index}`, holding(1), true);
  await relay.stop();
  expect(await said()).toBe(1);
  relay.heard("s-9", holding(1), true);
  expect(await said()).toBe(0);
});
