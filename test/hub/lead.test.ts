import { getEventListeners } from "node:events";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Bus } from "../../hub/broker/bus.ts";
import { type Lead, type LeadOptions, standBy } from "../../hub/lead.ts";
import { FakeClock } from "../support/clock.ts";
import { FakeMachine } from "../support/machine.ts";
import { memoryStore } from "../support/store.ts";
import { writerOf } from "../support/writer.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The store's clock and the hub's run at one speed, and say different times. */
function world() {
  const clock = new FakeClock(0);
  const machine = new FakeMachine();
  const store = memoryStore({ machine });
  const pass = async (ms: number) => {
    machine.time += ms;
    clock.advance(ms);
    await setImmediate();
  };
  return { clock, machine, store, pass, options: { store, holder: "a", ms: 9_000, clock, log: quiet } };
}

async function leading(options: LeadOptions): Promise<Lead> {
  const lead = await standBy(options, new AbortController().signal);
  if (lead === null) throw new Error("stands by");
  return lead;
}

function publishing(lead: Lead): { publish(): Promise<void>; sent: string[] } {
  const sent: string[] = [];
  const bus: Bus = { url: "", publish: async (topic) => void sent.push(topic), close: async () => {} };
  return { publish: () => lead.guard(bus).publish("t", new Uint8Array(), { retain: false }), sent };
}

test("who stands by for long leaves nothing behind at its signal", async () => {
  const { pass, options } = world();
  await leading({ ...options, ms: 3_600_000 });
  const end = new AbortController();
  const ended = standBy({ ...options, holder: "b" }, end.signal);
  for (let turn = 0; turn < 20; turn += 1) await pass(1_000);
  expect(getEventListeners(end.signal, "abort").length).toBe(1);
  end.abort();
  expect(await ended).toBeNull();
});

test("is renewed in time, and ends with the hub", async () => {
  const { store, pass, options } = world();
  const lead = await leading(options);
  for (let turn = 0; turn < 10; turn += 1) await pass(3_000);
  expect([lead.epoch, lead.holds(), await store.take("b", 1)]).toEqual([1, true, null]);
  await lead.stop();
  expect(await store.take("b", 1)).toMatchObject({ epoch: 2 });
});

test("who was asleep past its lease publishes nothing before it knows that it still holds it", async () => {
  const { clock, machine, options } = world();
  const lead = await leading(options);
  const { publish, sent } = publishing(lead);
  await publish();
  machine.time += 9_000;
  // Awake, and its timers have not run yet.
  const asleep = clock.monotonic() + 9_000;
  clock.monotonic = () => asleep;
  await expect(publish()).rejects.toMatchObject({ code: "fenced" });
  expect(sent).toEqual(["t"]);
});

test("lost to another, it says so once, refuses what is asked, and does not take the other's away when it stops", async () => {
  const { store, machine, pass, options } = world();
  const lead = await leading(options);
  machine.time += 9_000;
  await writerOf(store, "b", 9_000);
  let lost = false;
  void lead.lost.then(() => (lost = true));
  await expect(lead.commit("x", { meta: { term: 7 } })).rejects.toMatchObject({ code: "fenced" });
  await setImmediate();
  expect([lost, lead.holds()]).toEqual([true, false]);
  await lead.stop();
  expect(await store.take("c", 1)).toBeNull();
  await pass(3_000);
  expect((await store.load()).meta.term).toBe(1);
});

test("a renewal finds out that it is lost, too", async () => {
  const { store, machine, pass, options } = world();
  const lead = await leading(options);
  machine.time += 9_000;
  await writerOf(store, "b", 9_000);
  await pass(3_000);
  await lead.lost;
  expect(lead.holds()).toBe(false);
});

test("stands by until the other is gone, or until it is told to stop", async () => {
  const { store, machine, pass, options } = world();
  await writerOf(store, "b", 60_000);
  const waiting = standBy(options, new AbortController().signal);
  const end = new AbortController();
  const other = standBy({ ...options, holder: "c" }, end.signal);
  await pass(1_000);
  end.abort();
  expect(await other).toBeNull();
  machine.gone.add("b");
  await pass(1_000);
  expect((await waiting)?.epoch).toBe(2);
});
