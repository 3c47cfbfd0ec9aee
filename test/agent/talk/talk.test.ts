import { beforeEach, describe, expect, it } from "vitest";
import { shownAck, shownSet } from "../../../hub/ingest/shown.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Hello } from "../../../shared/protocol.ts";
import { keys, rootDocument, trustedRoot } from "../../support/fleet.ts";
import { assignmentSet, BOOT, reportWith, talkingSite, trustUnder } from "./talking-site.ts";

const HOUR = 3_600_000;
const WEEK = 168 * HOUR;
let site: ReturnType<typeof talkingSite>;
beforeEach(() => {
  site = talkingSite();
});

const event = (words: string) => ({ at: "2026-11-02T08:00:00Z", kind: "started" as const, words });
const numbers = (said: ReturnType<typeof site.said>) =>
  said.flatMap(({ body }) =>
    (body["events"] as { number: number; words: string }[]).map((each) => [each.number, each.words]),
  );

describe("on a connection", () => {
  it("the site says hello before anything else", async () => {
    await site.talk.speak(reportWith(), HOUR);
    expect(site.said()).toEqual([]);
    await site.talk.connected();
    await site.talk.speak(reportWith(), HOUR);
    const said = site.said();
    expect(said.map(({ kind, retain }) => [kind, retain])).toEqual([
      ["presence", true],
      ["up/hello", false],
      ["up/report", false],
    ]);
    expect(said[1]?.body).toEqual({ boot: BOOT, agent: "0.1.0", report: 0, event: 0, root: 1, record: 1 });
  });

  it("hello names the set taken and the numbers that were acknowledged", async () => {
    site.hear("down/assign", assignmentSet({ term: 2, number: 7 }));
    site.ack(4, 3);
    await site.talk.connected();
    expect(site.said("up/hello")[0]?.body).toMatchObject({ assignment: [2, 7], report: 4, event: 3 });
  });

  it("hello shows both as the hub signed them, byte for byte, and nothing before there is anything", async () => {
    await site.talk.connected();
    expect(site.said("up/hello")[0]?.body).not.toHaveProperty("shown");
    site.hear("down/assign", assignmentSet({ term: 2, number: 7 }));
    site.ack(4, 3);
    const again = talkingSite({ cache: site.cache });
    await again.talk.connected();
    const hello = again.said("up/hello")[0]?.body as Hello;
    const root = trustedRoot();
    expect(shownSet(hello, "s-1", root)).toBeUndefined();
    expect(shownAck(hello, "s-1", root)).toEqual({ boot: BOOT, term: 1, report: 4, event: 3 });
  });

  it("all that no ack confirmed is said again", async () => {
    site.cache.addEvents([event("a")]);
    await site.talk.connected();
    site.ack(0, 0);
    await site.talk.speak(reportWith(), HOUR);
    site.said();
    await site.talk.connected();
    await site.talk.speak(reportWith(), HOUR);
    expect(site.said().map(({ kind }) => kind)).toEqual(["presence", "up/hello", "up/report", "up/event"]);
  });

  it("an empty outbox is not numbered: nothing is written for it", async () => {
    const { numberEvents } = site.cache;
    let times = 0;
    site.cache.numberEvents = (max) => ((times += 1), numberEvents(max));
    await site.talk.connected();
    site.ack(0, 0);
    await site.talk.speak(reportWith(), HOUR);
    expect(times).toBe(0);
    site.cache.addEvents([event("a")]);
    await site.talk.speak(reportWith(), HOUR);
    expect(times).toBe(1);
  });

  it("nothing is said while it is down, and a cut in the midst is no error", async () => {
    await site.talk.connected();
    site.said();
    site.line.broken = true;
    await site.talk.speak(reportWith(), HOUR);
    site.line.broken = false;
    site.line.connected = false;
    await site.talk.speak(reportWith({ root: 2 }), HOUR);
    expect([site.said(), site.talk.wakeIn(HOUR)]).toEqual([[], null]);
  });
});

describe("a broker that does not acknowledge", () => {
  const acknowledged = Promise.withResolvers<void>();
  beforeEach(async () => {
    await site.talk.connected();
    site.ack(0, 0);
    site.said();
    Object.assign(acknowledged, Promise.withResolvers<void>());
    site.line.acknowledged = acknowledged.promise;
    site.cache.addEvents([event("a")]);
    void site.talk.speak(reportWith(), HOUR);
    void site.talk.speak(reportWith({ root: 2 }), HOUR);
    site.clock.advance(60_000);
    void site.talk.speak(reportWith({ root: 3 }), HOUR);
  });

  it("has one report under way, and wakes nobody to say more", () => {
    expect(site.said().map(({ kind, body }) => [kind, body["number"]])).toEqual([["up/report", 1]]);
    expect([site.cache.counters().report, site.talk.wakeIn(HOUR)]).toEqual([1, null]);
  });

  it("hears, once it does, the events, and then what the site is by then, under the next number", async () => {
    const { changes } = site.counts;
    acknowledged.resolve();
    await site.talk.speak(reportWith({ root: 3 }), HOUR);
    expect(site.counts.changes).toBe(changes + 1);
    await site.talk.speak(reportWith({ root: 4 }), HOUR);
    expect(site.said().map(({ kind, body }) => [kind, body["number"], body["root"]])).toEqual([
      ["up/report", 1, 1],
      ["up/event", undefined, undefined],
      ["up/report", 2, 4],
    ]);
  });

  it("loses nothing where it ends the connection instead", async () => {
    site.line.connected = false;
    acknowledged.reject(new AppError("unreachable", "the line is cut"));
    await site.talk.speak(reportWith(), HOUR);
    site.line.connected = true;
    site.line.acknowledged = Promise.resolve();
    site.said();
    await site.talk.connected();
    await site.talk.speak(reportWith({ root: 4 }), HOUR);
    expect(site.said().map(({ kind, body }) => [kind, body["number"]])).toEqual([
      ["presence", undefined],
      ["up/hello", undefined],
      ["up/report", 2],
      ["up/event", undefined],
    ]);
  });
});

it("a disk that cannot number a report ends nothing: it is said a moment later", async () => {
  await site.talk.connected();
  site.said();
  const { takeReportNumber } = site.cache;
  site.cache.takeReportNumber = () => {
    throw new AppError("storage", "the disk is full");
  };
  await site.talk.speak(reportWith(), HOUR);
  site.cache.takeReportNumber = takeReportNumber;
  const { changes } = site.counts;
  site.clock.advance(5_000);
  expect([site.said(), site.counts.changes]).toEqual([[], changes + 1]);
  await site.talk.speak(reportWith(), HOUR);
  expect(site.said("up/report")).toHaveLength(1);
});

describe("a report", () => {
  beforeEach(async () => {
    await site.talk.connected();
    await site.talk.speak(reportWith(), HOUR);
    site.said();
    site.ack(1, 0);
  });

  it("is sent where something changed, and not for the passing of time", async () => {
    site.clock.advance(HOUR - 1);
    await site.talk.speak(reportWith({ at: "2026-11-02T09:00:00Z" }), HOUR);
    expect(site.said()).toEqual([]);
    await site.talk.speak(reportWith({ synced: false }), HOUR);
    expect(site.said().map(({ body }) => [body["number"], body["synced"]])).toEqual([[2, false]]);
  });

  it("is sent when its time has come, though nothing changed", async () => {
    expect(site.talk.wakeIn(HOUR)).toBe(HOUR);
    site.clock.advance(HOUR);
    await site.talk.speak(reportWith(), HOUR);
    expect(site.said().map(({ body }) => body["number"])).toEqual([2]);
  });

  it("is sent again, with a new number, where no ack came", async () => {
    await site.talk.speak(reportWith({ root: 2 }), HOUR);
    site.said();
    expect(site.talk.wakeIn(HOUR)).toBe(15_000);
    site.clock.advance(14_999);
    await site.talk.speak(reportWith({ root: 2 }), HOUR);
    expect(site.said()).toEqual([]);
    site.clock.advance(1);
    await site.talk.speak(reportWith({ root: 2 }), HOUR);
    expect(site.said().map(({ body }) => body["number"])).toEqual([3]);
  });

  it("is sent again ever more seldom where no ack comes for long, and soon again once one came", async () => {
    await site.talk.speak(reportWith({ root: 2 }), WEEK);
    const waits: number[] = [];
    const resend = async () => {
      waits.push(site.talk.wakeIn(WEEK) ?? 0);
      site.clock.advance(waits.at(-1) ?? 0);
      await site.talk.speak(reportWith({ root: 2 }), WEEK);
    };
    for (let time = 0; time < 8; time += 1) await resend();
    expect(waits.map((ms) => ms / 1000)).toEqual([15, 30, 60, 120, 240, 480, 960, 960]);
    expect(site.said()).toHaveLength(9);
    site.ack(3, 0);
    await resend();
    expect(waits.at(-1)).toBe(15_000);
  });

  it("is sent in full where the hub asks for it", async () => {
    site.ack(1, 0, { full: true });
    await site.talk.speak(reportWith(), HOUR);
    expect(site.said().map(({ body }) => body["number"])).toEqual([2]);
  });
});

describe("events", () => {
  beforeEach(async () => {
    await site.talk.connected();
    site.ack(0, 0);
    site.cache.addEvents([event("a"), event("b")]);
    await site.talk.speak(reportWith(), HOUR);
  });

  it("have no number before the hub has answered this start: it may know higher ones than a lost disk does", async () => {
    const anew = talkingSite();
    await anew.talk.connected();
    anew.cache.addEvents([event("a")]);
    await anew.talk.speak(reportWith(), HOUR);
    expect(anew.said("up/event")).toEqual([]);
    anew.ack(5, 7);
    await anew.talk.speak(reportWith(), HOUR);
    expect(numbers(anew.said("up/event"))).toEqual([[8, "a"]]);
  });

  it("are numbered once, and said again with the same numbers until an ack comes", async () => {
    expect(numbers(site.said("up/event"))).toEqual([
      [1, "a"],
      [2, "b"],
    ]);
    site.cache.addEvents([event("c")]);
    await site.talk.speak(reportWith(), HOUR);
    expect(site.said("up/event")).toEqual([]);
    site.clock.advance(15_000);
    await site.talk.speak(reportWith(), HOUR);
    expect(numbers(site.said("up/event"))).toEqual([
      [1, "a"],
      [2, "b"],
      [3, "c"],
    ]);
    site.ack(9, 2);
    site.clock.advance(15_000);
    await site.talk.speak(reportWith(), HOUR);
    expect(numbers(site.said("up/event"))).toEqual([[3, "c"]]);
    site.ack(9, 3);
    site.clock.advance(15_000);
    await site.talk.speak(reportWith(), HOUR);
    expect(site.said("up/event")).toEqual([]);
  });

  it("are not dropped by an ack for another start of this site", () => {
    site.ack(1, 2, { boot: "f".repeat(16) });
    expect(site.cache.numberEvents(9)).toHaveLength(2);
    site.ack(1, 2);
    expect(site.cache.numberEvents(9)).toHaveLength(0);
  });

  it("keep their numbers where a stolen key acknowledges more than there will ever be", () => {
    site.ack(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    expect(site.refusals()).toEqual(["malformed"]);
    expect(Math.max(...Object.values(site.cache.counters()))).toBeLessThan(100);
  });

  it("are not dropped by an ack that no hub of this fleet signed, which is told", () => {
    site.hear("down/ack", { boot: BOOT, term: 1, report: 1, event: 2 }, keys.stranger);
    expect(site.cache.counters().eventAcked).toBe(0);
    expect(site.refusals()).toEqual(["signature"]);
  });

  it("take their numbers from the hub's ack where the site lost its counters", async () => {
    site.said();
    site.ack(40, 30);
    expect(site.cache.counters()).toMatchObject({ report: 40, event: 30 });
    site.cache.addEvents([event("c")]);
    await site.talk.speak(reportWith({ root: 2 }), HOUR);
    const said = site.said();
    expect(said[0]?.body["number"]).toBe(41);
    expect(numbers(said.slice(1)).at(-1)).toEqual([33, "c"]);
  });
});

describe("an assignment set", () => {
  it("is taken, told, and stands after a restart without the hub", () => {
    site.hear("down/assign", assignmentSet({ number: 3 }));
    expect(site.talk.current()?.number).toBe(3);
    expect(site.cache.numberEvents(9).map(({ kind, words }) => [kind, words])).toEqual([["assigned", "set 1.3"]]);
    expect(talkingSite({ cache: site.cache, boot: "f".repeat(16) }).talk.current()?.number).toBe(3);
  });

  it("that comes again with a connection changes and tells nothing", () => {
    site.hear("down/assign", assignmentSet({ number: 3 }));
    const { changes } = site.counts;
    site.hear("down/assign", assignmentSet({ number: 3 }));
    expect([site.counts.changes, site.cache.numberEvents(9)]).toEqual([
      changes,
      expect.objectContaining({ length: 1 }),
    ]);
  });

  it.each<[string, string, () => void]>([
    ["older", "assignment", () => site.hear("down/assign", assignmentSet({ number: 2 }))],
    ["of an older term", "assignment", () => site.hear("down/assign", assignmentSet({ number: 9, term: 1 }))],
    [
      "for another site",
      "assignment",
      () => site.hear("down/assign", assignmentSet({ term: 2, number: 4, site: "s-2" })),
    ],
    [
      "for another site, moved by the broker",
      "signature",
      () => site.hear("down/assign", assignmentSet({ term: 2, number: 4 }), keys.assign, "s-2"),
    ],
    [
      "of another fleet",
      "fleet",
      () => site.hear("down/assign", assignmentSet({ term: 2, number: 4, fleet: "ships" })),
    ],
    [
      "by a stranger",
      "signature",
      () => site.hear("down/assign", assignmentSet({ term: 2, number: 4 }), keys.stranger),
    ],
    ["of another shape", "schema", () => site.hear("down/assign", { ...assignmentSet({ number: 4 }), extra: 1 })],
  ])("that is %s is refused, told once, and the old one stands", (_title, code, hear) => {
    site.hear("down/assign", assignmentSet({ term: 2, number: 3 }));
    hear();
    hear();
    expect([site.talk.current()?.number, site.refusals()]).toEqual([3, [code]]);
    expect(talkingSite({ cache: site.cache }).talk.current()?.number).toBe(3);
  });

  it("that knows a newer root waits until that root is pulled", () => {
    site.hear("down/assign", assignmentSet({ root: 2 }));
    expect([site.talk.current(), site.counts.pulls, site.refusals()]).toEqual([null, 1, []]);
    site.setTrust(trustUnder(trustedRoot({ number: 2 })));
    expect(site.talk.current()?.root).toBe(2);
  });

  it("signed by a key that only the next root names is taken when that root is here", () => {
    site.hear("down/assign", assignmentSet(), keys.stranger);
    expect([site.talk.current(), site.refusals()]).toEqual([null, ["signature"]]);
    const roles = { ...rootDocument().roles, assign: { keys: ["stranger"], threshold: 1 } };
    site.setTrust(trustUnder(trustedRoot({ number: 2, roles })));
    expect(site.talk.current()?.number).toBe(1);
  });

  it("that was refused is refused again under the next root, quietly", () => {
    site.hear("down/assign", assignmentSet(), keys.stranger);
    site.setTrust(trustUnder(trustedRoot({ number: 2 })));
    expect([site.talk.current(), site.refusals()]).toEqual([null, ["signature"]]);
  });

  it("does not stand any more once its key left the root", () => {
    site.hear("down/assign", assignmentSet());
    const roles = { ...rootDocument().roles, assign: { keys: ["stranger"], threshold: 1 } };
    site.setTrust(trustUnder(trustedRoot({ number: 2, roles })));
    expect(site.talk.current()).toBeNull();
  });

  it("by a new key begins its numbers afresh", () => {
    site.hear("down/assign", assignmentSet({ term: 5, number: 9 }));
    const roles = { ...rootDocument().roles, assign: { keys: ["assign", "stranger"], threshold: 1 } };
    site.setTrust(trustUnder(trustedRoot({ number: 2, roles })));
    site.hear("down/assign", assignmentSet({ term: 1, number: 1 }), keys.stranger);
    expect(site.talk.current()).toMatchObject({ term: 1, number: 1 });
  });
});

it("an assignment that a full disk cannot keep waits, and ends nothing", () => {
  const { keepAssignment } = site.cache;
  site.cache.keepAssignment = () => {
    throw new AppError("storage", "the disk is full");
  };
  site.hear("down/assign", assignmentSet());
  expect([site.talk.current(), site.refusals()]).toEqual([null, []]);
  site.cache.keepAssignment = keepAssignment;
  site.clock.advance(5_000);
  expect(site.talk.current()?.number).toBe(1);
});

it("of what strangers send no more is told than fits an hour", () => {
  for (let each = 0; each < 100; each += 1) site.talk.heard("down/assign", Buffer.from(`stranger ${each}`.repeat(9)));
  expect([site.refusals().length, site.counts.changes]).toEqual([16, 16]);
  site.clock.advance(3_600_000);
  site.talk.heard("down/assign", Buffer.from("another".repeat(9)));
  expect(site.refusals().length).toBe(17);
});

describe("a question", () => {
  const ask = { id: "q-1", deadline: "2026-11-02T08:01:00Z" };

  it("to look at the sources is done and answered", async () => {
    site.hear("down/ask", { ...ask, what: "sync" });
    await Promise.resolve();
    expect(site.counts.pulls).toBe(1);
    expect(site.said().map(({ kind, body }) => [kind, body])).toEqual([["up/answer", { id: "q-1", boot: BOOT }]]);
  });

  it("that this version does not answer is told", () => {
    site.hear("down/ask", { ...ask, what: "diagnostics" });
    expect([site.said(), site.refusals()]).toEqual([[], ["unsupported"]]);
  });
});

describe("assignments of those who should not", () => {
  const roles = (...names: string[]) => ({ ...rootDocument().roles, assign: { keys: names, threshold: 1 } });
  const item = { bundle: "pos", version: "1.0.0", digest: "a".repeat(64), pair: [1, 1] as [number, number], record: 1 };
  const run = { ...item, mode: "run" as const, run: "r-1", wave: "all", values: {} };

  it("with a stolen key count until the root drops the key, and not a moment longer", () => {
    site.hear("down/assign", assignmentSet({ number: 3, items: [run] }));
    expect(site.talk.current()?.items).toHaveLength(1);
    site.setTrust(trustUnder(trustedRoot({ number: 2, roles: roles("stranger") })));
    expect(site.talk.current()).toBeNull();
    site.hear("down/assign", assignmentSet({ number: 4, items: [run] }));
    expect([site.talk.current(), site.refusals()]).toEqual([null, ["signature"]]);
    site.hear("down/assign", assignmentSet({ number: 1 }), keys.stranger);
    expect(site.talk.current()?.number).toBe(1);
  });

  it("with a key that left do not count after a restart either, though they lie on disk", () => {
    site.hear("down/assign", assignmentSet({ number: 3, items: [run] }));
    const dropped = trustUnder(trustedRoot({ number: 2, roles: roles("stranger") }));
    const later = talkingSite({ cache: site.cache, boot: "f".repeat(16) });
    later.setTrust(dropped);
    expect(later.talk.current()).toBeNull();
  });

  it("that name nothing take nothing away: the set is empty, and says so", () => {
    site.hear("down/assign", assignmentSet({ number: 3, items: [run] }));
    site.hear("down/assign", assignmentSet({ number: 4, items: [] }));
    expect([site.talk.current()?.items, site.refusals()]).toEqual([[], []]);
  });

  it("of a lower term are refused, however high their number; a restored hub takes a higher term", () => {
    site.hear("down/assign", assignmentSet({ term: 3, number: 1 }));
    site.hear("down/assign", assignmentSet({ term: 2, number: 99 }));
    expect([site.talk.current(), site.refusals()]).toMatchObject([{ term: 3, number: 1 }, ["assignment"]]);
    site.hear("down/assign", assignmentSet({ term: 4, number: 1 }));
    expect(site.talk.current()).toMatchObject({ term: 4, number: 1 });
  });

  it("for one bundle twice are refused whole", () => {
    site.hear("down/assign", assignmentSet({ items: [run, { ...run, digest: "b".repeat(64) }] }));
    expect([site.talk.current(), site.refusals()]).toEqual([null, ["schema"]]);
  });

  it("of the same number with other content change nothing: the first one stands", () => {
    site.hear("down/assign", assignmentSet({ number: 3, items: [run] }));
    site.hear("down/assign", assignmentSet({ number: 3, items: [] }));
    expect(site.talk.current()?.items).toHaveLength(1);
  });
});
