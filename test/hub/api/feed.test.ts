import { expect, it } from "vitest";
import { Feed, type Mailbox } from "../../../hub/api/feed.ts";
import type { Snapshot } from "../../../hub/api/snapshot.ts";
import { fleetView } from "../../../hub/api/view.ts";
import type { Log } from "../../../shared/ports.ts";
import { quiet, ScriptedHub } from "./hub.ts";
import { inWords, NOW, siteOf, snapshotOf } from "./sample.ts";

/** Timers that fire when the test says so. */
function timers() {
  let now = 0;
  const waiting = new Set<{ at: number; run(): void }>();
  return {
    after: (ms: number, run: () => void) => {
      const timer = { at: now + ms, run };
      waiting.add(timer);
      return () => void waiting.delete(timer);
    },
    waiting,
    pass: (ms: number) => {
      const end = now + ms;
      for (;;) {
        const [next] = [...waiting].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
        if (next === undefined) break;
        waiting.delete(next);
        now = next.at;
        next.run();
      }
      now = end;
    },
  };
}

function feedOf(hub: ScriptedHub, log: Log = quiet) {
  const time = timers();
  const view = () => fleetView(hub.read(), inWords);
  return { time, feed: new Feed({ view, subscribe: (onChange) => hub.subscribe(onChange), after: time.after, log }) };
}

interface Taken {
  id: number;
  event: string;
  data: Partial<ReturnType<typeof fleetView>>;
}

/** Null where nothing waits. */
async function take(mailbox: Mailbox): Promise<Taken | null> {
  const nothing = new Promise<"">((resolve) => setImmediate(() => resolve("")));
  const text = await Promise.race([mailbox.next(), nothing]);
  if (text === "" || text === null) return null;
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1] ?? "";
  expect(text.endsWith("\n\n")).toBe(true);
  return { id: Number(field("id")), event: field("event"), data: JSON.parse(field("data")) };
}

const shops = Array.from({ length: 1000 }, (_, index) => siteOf(`s-${index}`));
const sites = (count: number): Partial<Snapshot> => ({ members: shops.slice(0, count) });

it("begins with the view as it is, and says how soon to come back", async () => {
  const { feed } = feedOf(new ScriptedHub(snapshotOf(sites(2))));
  const text = await feed.listen().next();
  expect(text).toMatch(/^retry: 1000\nid: 0\nevent: fleet\ndata: /);
});

it("a thousand changes in 200 ms are one event with the last of them, built once for all listeners", async () => {
  const hub = new ScriptedHub();
  const { feed, time } = feedOf(hub);
  const [one, two] = [feed.listen(), feed.listen()];
  await take(one);
  await take(two);
  const before = hub.reads;
  for (let count = 1; count <= 1000; count += 1) hub.show(sites(count));
  time.pass(199);
  expect(await take(one)).toBeNull();
  time.pass(1);
  const taken = await take(one);
  expect(taken).toMatchObject({ id: 1, event: "fleet" });
  expect(taken?.data.sites).toHaveLength(1000);
  expect((await take(two))?.id).toBe(1);
  expect(hub.reads - before).toBe(1);
});

it("changes without an end are at most five events a second", async () => {
  const hub = new ScriptedHub();
  const { feed, time } = feedOf(hub);
  const mailbox = feed.listen();
  let last = await take(mailbox);
  for (let count = 0; count < 1000; count += 1) {
    hub.show(sites(count % 7));
    time.pass(10);
    last = (await take(mailbox)) ?? last;
  }
  expect(last?.id).toBe(50);
});

it("a listener that does not keep up gets the newest and none of those between", async () => {
  const hub = new ScriptedHub();
  const { feed, time } = feedOf(hub);
  const slow = feed.listen();
  for (const count of [1, 2, 3]) {
    hub.show(sites(count));
    time.pass(200);
  }
  expect((await take(slow))?.data.sites).toHaveLength(3);
  expect(await take(slow)).toBeNull();
});

it("beats every 10 s with the hub's time, and sends the view where time alone changed it", async () => {
  const hub = new ScriptedHub(snapshotOf(sites(1)));
  let now = NOW;
  hub.read = () => ({ ...snapshotOf(sites(1)), now });
  const { feed, time } = feedOf(hub);
  const mailbox = feed.listen();
  await take(mailbox);
  now += 10_000;
  time.pass(10_000);
  expect(await take(mailbox)).toEqual({ id: 0, event: "beat", data: { now: "2026-11-02T08:00:10Z" } });
  now += 14 * 3_600_000;
  time.pass(10_000);
  const taken = await take(mailbox);
  expect([taken?.id, taken?.event, taken?.data.sites?.[0]?.connection]).toEqual([1, "fleet", "offline"]);
});

it("a change that shows nothing new sends nothing; without listeners nothing is built", async () => {
  const hub = new ScriptedHub(snapshotOf(sites(1)));
  const { feed, time } = feedOf(hub);
  hub.show({});
  time.pass(60_000);
  expect(hub.reads).toBe(0);
  const mailbox = feed.listen();
  await take(mailbox);
  hub.show({ now: NOW + 500 });
  time.pass(200);
  expect(await take(mailbox)).toBeNull();
});

it("a view that cannot be made is logged, and the next one is sent", async () => {
  const said: string[] = [];
  const hub = new ScriptedHub();
  const { feed, time } = feedOf(hub, { ...quiet, error: (_fields, words) => said.push(words) });
  const mailbox = feed.listen();
  await take(mailbox);
  const { read } = hub;
  hub.read = () => {
    throw new Error("a bug");
  };
  hub.show(sites(1));
  time.pass(200);
  expect(said).toEqual(["internal: a bug"]);
  hub.read = read;
  hub.show(sites(2));
  time.pass(200);
  expect((await take(mailbox))?.data.sites).toHaveLength(2);
});

it("stop ends the listening and leaves no timer and no subscription", async () => {
  const hub = new ScriptedHub();
  const { feed, time } = feedOf(hub);
  const mailbox = feed.listen();
  await take(mailbox);
  hub.show(sites(1));
  feed.stop();
  expect(await mailbox.next()).toBeNull();
  expect([feed.listeners, hub.watchers, time.waiting.size]).toEqual([0, 0, 0]);
});
