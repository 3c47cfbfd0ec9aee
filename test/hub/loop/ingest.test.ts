import { afterEach, beforeEach, expect, test } from "vitest";
import { BODY_MAX, PACKET_MAX, topicOf } from "../../../shared/protocol.ts";
import { keys } from "../../support/fleet.ts";
import { FLEET } from "./site.ts";
import { acked, setOf, told } from "./told.ts";
import { type HubWorld, hubOfTwo, rollout } from "./world.ts";

let world: HubWorld;

beforeEach(async () => {
  world = await hubOfTwo();
  world.commits.length = 0;
  world.trace.length = 0;
});

afterEach(() => world.end());

const event = (number: number) => ({ number, at: "2026-11-02T08:00:00Z", kind: "drift" as const });

test("a report is confirmed only after it was committed, to its sender, by its boot", async () => {
  const site = world.site("s-1");
  world.faults.store = true;
  await expect(site.report()).rejects.toMatchObject({ code: "storage" });
  expect(site.acks).toEqual([]);
  world.faults.store = false;
  await site.report();
  await world.settle();
  expect(site.acks).toEqual([{ boot: site.boot, term: 1, report: 2, event: 0 }]);
  expect(world.trace.indexOf("store.ingest")).toBeLessThan(world.trace.indexOf("bus.ack"));
});

test("messages that come together share one commit", async () => {
  const sent = [...world.sites.values()].flatMap((site) => [site.hello(), site.report(), site.event(event(1))]);
  await Promise.all(sent);
  const ingests = world.commits.filter(({ effect }) => effect === "ingest");
  expect(ingests).toHaveLength(1);
  expect(ingests[0]?.batch.sites).toHaveLength(2);
  await world.settle();
  expect(world.site("s-2").acks).toEqual([{ boot: world.site("s-2").boot, term: 1, report: 1, event: 1 }]);
});

test("an event that is sent again is kept once and confirmed again", async () => {
  const site = world.site("s-1");
  await site.event(event(1), event(2));
  await site.event(event(1), event(2), event(3));
  await world.settle();
  const kept = await world.hub.events({ site: "s-1", limit: 10 });
  expect(kept.map((each) => each.event.number)).toEqual([3, 2, 1]);
  expect(site.acks.map((ack) => ack.event)).toEqual([2, 3]);
});

test("presence is a hint: seen at once, and worth no commit", async () => {
  const site = world.site("s-1");
  await site.say("presence", { online: false, boot: site.boot });
  expect(world.commits).toEqual([]);
  expect(world.hub.read().members.find(({ id }) => id === "s-1")?.site.presence).toBe("offline");
});

const REPORT = topicOf(FLEET, "s-1", "up/report");
const HELLO = { boot: "0".repeat(16), agent: "0.1.0", report: 0, event: 0, root: 1, record: 1 };

test.each([
  {
    name: "signed with another key",
    code: "signature",
    message: () => ({ topic: REPORT, frame: world.site("s-1").frame("up/report", {}, keys.stranger) }),
  },
  {
    name: "moved to the topic of another kind",
    code: "signature",
    message: () => ({ topic: topicOf(FLEET, "s-1", "up/event"), frame: world.site("s-1").frame("up/report", {}) }),
  },
  {
    name: "moved to another site",
    code: "signature",
    message: () => ({
      topic: topicOf(FLEET, "s-2", "up/hello"),
      client: "s-2",
      frame: world.site("s-1").frame("up/hello", HELLO),
    }),
  },
  {
    name: "from a client that is not the site",
    code: "sender",
    message: () => ({ topic: REPORT, client: "s-2", frame: world.site("s-1").frame("up/report", {}) }),
  },
  {
    name: "from a site without a record",
    code: "sender",
    message: () => ({ topic: topicOf(FLEET, "s-9", "up/hello"), client: "s-9", frame: new Uint8Array(100) }),
  },
  {
    name: "for another fleet",
    code: "fleet",
    message: () => ({ topic: topicOf("ships", "s-1", "up/hello"), frame: new Uint8Array(100) }),
  },
  {
    name: "on a topic of the hub",
    code: "sender",
    message: () => ({
      topic: topicOf(FLEET, "s-1", "down/ack"),
      frame: world.site("s-1").frame("down/ack", {}),
    }),
  },
  { name: "on no topic of ours", code: "malformed", message: () => ({ topic: "a/b", frame: new Uint8Array(100) }) },
  { name: "shorter than a signature", code: "malformed", message: () => ({ topic: REPORT, frame: new Uint8Array(3) }) },
  {
    name: "over the cap of a packet",
    code: "too-large",
    message: () => ({ topic: REPORT, frame: new Uint8Array(PACKET_MAX + 1) }),
  },
  {
    name: "over the cap of a body once inflated",
    code: "too-large",
    message: () => ({
      topic: REPORT,
      frame: world.site("s-1").frame("up/report", { held: "x".repeat(BODY_MAX) }),
    }),
  },
  {
    name: "with a key that nobody knows",
    code: "schema",
    message: () => ({
      topic: topicOf(FLEET, "s-1", "up/hello"),
      frame: world.site("s-1").frame("up/hello", { ...HELLO, admin: true }),
    }),
  },
])("a message $name is refused as $code, said once, and changes nothing", async ({ code, message }) => {
  const before = world.hub.read();
  const { topic, frame, client = "s-1" } = { client: undefined, ...message() };
  for (let again = 0; again < 3; again += 1) await world.hub.onMessage({ topic, client: client ?? "s-1", frame });
  await world.settle();
  expect(world.hub.read()).toEqual({ ...before });
  expect([...world.sites.values()].flatMap((site) => site.acks)).toEqual([]);
  expect(await world.notices(code)).toHaveLength(1);
  expect(await world.notices()).toHaveLength(1);
  expect(world.commits.map(({ batch }) => Object.keys(batch).filter((key) => key !== "notices"))).toEqual([
    ["sites", "events"],
  ]);
});

test("a refused message among good ones takes nothing away from them", async () => {
  const site = world.site("s-1");
  const bad = world.hub.onMessage({ topic: REPORT, client: "s-1", frame: new Uint8Array(100) });
  await Promise.all([bad, site.report(), site.event(event(1))]);
  await world.settle();
  expect(site.acks).toEqual([{ boot: site.boot, term: 1, report: 1, event: 1 }]);
  expect(await world.notices("signature")).toHaveLength(1);
});

test("a refusal is said again after a minute, a breach of the broker's rules too", async () => {
  const breach = { client: "s-1", words: "sender: site s-1 spoke where it may not" };
  for (let second = 0; second < 65; second += 1) {
    world.hub.onBreach(breach);
    world.clock.advance(1_000);
    await world.settle();
  }
  expect(await world.notices("sender")).toHaveLength(2);
});

test("a site with two report keys may sign with either", async () => {
  const site = world.addSite("s-3", { ring: "shop" }, [keys.report]);
  await world.pass(6);
  world.commits.length = 0;
  await world.hub.onMessage({
    topic: topicOf(FLEET, "s-3", "up/hello"),
    client: "s-3",
    frame: site.frame("up/hello", { ...HELLO, boot: site.boot }, keys.report),
  });
  await world.settle();
  expect(site.acks.at(-1)).toMatchObject({ boot: site.boot, event: 0 });
  expect(await world.notices("signature")).toEqual([]);
});

const restorations = async () => (await world.notices()).filter((each) => each.startsWith("this hub was restored"));

test("a hub that was restored from an older state pauses its runs and fences the one that went on", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(7);
  const site = world.site("s-1");
  await site.hello({ event: 12, shown: { ack: told("s-1", "down/ack", acked(0, 12)) } });
  await world.settle();
  expect(world.run("pos-1").run.phase).toMatchObject({ kind: "paused", because: { kind: "person", who: "hub" } });
  expect(site.set).toMatchObject({ term: 2 });
  expect(site.acks.at(-1)).toMatchObject({ term: 2 });
  const pausing = world.commits.find(({ batch }) => batch.meta !== undefined);
  expect(pausing?.batch.runs).toHaveLength(1);
  expect((await restorations())[0]).toContain("s-1 had event 12 confirmed, and 0 is the last one stored here");

  await world.hub.act({ run: "pos-1", verb: "resume", who: "kim", reason: "looked at it" });
  await world.site("s-2").hello({ event: 7, shown: { ack: told("s-2", "down/ack", acked(0, 7)) } });
  // It took the new term, and shows what the life before said: that is fenced.
  await site.hello({ event: 12, shown: { ack: told("s-1", "down/ack", acked(900, 12)) } });
  await world.pass(20);
  expect(world.run("pos-1").run.phase.kind).toBe("completed");
  expect(await restorations()).toHaveLength(1);
  expect(await world.notices("assignment")).toEqual([]);
});

test("a site that holds an assignment which is not stored here is a sign of a restored hub", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(7);
  const { boot } = world.site("s-1");
  const shown = { assign: told("s-1", "down/assign", setOf("s-1", 4, 2)) };
  await world.site("s-1").say("up/hello", { ...HELLO, boot, assignment: [4, 2], shown });
  await world.settle();
  expect(world.run("pos-1").run.phase.kind).toBe("paused");
  expect(world.commits.find(({ batch }) => batch.meta !== undefined)?.batch.meta).toEqual({ term: 5 });
});

test("a site whose confirmed report this hub does not have is asked for a whole one", async () => {
  const site = world.site("s-1");
  await site.hello({ report: 40 });
  await world.settle();
  expect(site.acks).toEqual([{ boot: site.boot, term: 1, report: 0, event: 0, full: true }]);
});
