import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cache } from "../../../agent/cache/cache.ts";
import type { Journal } from "../../../shared/ports.ts";
import { observe } from "./observe.ts";
import { event, hold, object, record, refusal, row, signed, state, version } from "./samples.ts";

/** What every `Cache` does. `make` gives an empty one. */
export function cacheContract(name: string, make: (journal: Journal) => Cache): void {
  describe(`cache contract: ${name}`, () => {
    let cache: Cache;
    const trace: string[] = [];
    /** `effect place` at which the journal throws, as a kill there would end the program. */
    let killAt: string | undefined;

    beforeEach(() => {
      killAt = undefined;
      cache = make((effect, place) => {
        trace.push(`${effect} ${place}`);
        if (killAt === `${effect} ${place}`) throw new Error("killed");
      });
      trace.splice(0);
    });
    afterEach(() => cache.close());

    it("is empty at first", () => {
      expect(cache.roots()).toEqual([]);
      expect(cache.record()).toBeNull();
      expect(cache.recordAt(1)).toBeNull();
      expect(cache.adoptions()).toEqual(new Map());
      expect(cache.held()).toBeNull();
      expect(cache.prepared()).toEqual([]);
      expect(cache.marks()).toEqual(new Map());
      expect(cache.floorTime()).toBe(0);
      expect(cache.head()).toBeNull();
      expect(cache.seen("git")).toEqual(new Map());
      expect(cache.versions()).toEqual([]);
      expect(cache.manifest("d1")).toBeNull();
      expect(cache.hasBlob("f1")).toBe(false);
      expect(cache.blob("f1")).toBeNull();
      expect(cache.refusals()).toEqual([]);
      expect(cache.holds()).toEqual([]);
      expect(cache.inventory("pos")).toEqual([]);
      expect(cache.assignment()).toBeNull();
      expect(cache.counters()).toEqual({ report: 0, reportAcked: 0, event: 0, eventAcked: 0 });
      expect(cache.waitingEvents()).toBe(0);
      expect(cache.heardAt()).toBeNull();
      expect(cache.numberEvents(10)).toEqual([]);
    });

    describe("documents", () => {
      it("gives back exact bytes and signatures, roots rising by number", () => {
        for (const number of [10, 9, 2]) cache.keepRoot(number, signed(`root ${number}`));
        cache.keepRecord(record(4, 1, signed("record")));
        expect(cache.roots()).toEqual([signed("root 2"), signed("root 9"), signed("root 10")]);
        expect(cache.record()).toEqual(record(4, 1, signed("record")));
      });

      it("replaces a root, and a record of the same number", () => {
        cache.keepRoot(1, signed("a"));
        cache.keepRoot(1, signed("b"));
        cache.keepRecord(record(4, 1, signed("old")));
        cache.keepRecord(record(4, 2, { body: new Uint8Array([0, 255, 10]), signatures: new Map() }));
        expect(cache.roots()).toEqual([signed("b")]);
        expect(cache.record()).toEqual(record(4, 2, { body: new Uint8Array([0, 255, 10]), signatures: new Map() }));
      });

      it("keeps records by number until they are named no more, and the newest always", () => {
        for (const number of [9, 10, 2]) cache.keepRecord(record(number, number + 1, signed(`record ${number}`)));
        expect(cache.record()).toEqual(record(10, 11, signed("record 10")));
        expect(cache.recordAt(2)).toEqual(record(2, 3, signed("record 2")));
        cache.dropRecordsBut(new Set([2, 77]));
        expect([2, 9, 10].map((number) => cache.recordAt(number)?.root)).toEqual([3, undefined, 11]);
        cache.dropRecordsBut(new Set());
        expect([2, 10].map((number) => cache.recordAt(number)?.root)).toEqual([undefined, 11]);
      });

      it("is not changed by what the caller does to its own values", () => {
        const mine = signed("mine");
        cache.keepRecord(record(1, 1, mine));
        mine.body.fill(0);
        cache.record()?.document.body.fill(0);
        expect(cache.record()?.document).toEqual(signed("mine"));
      });
    });

    describe("head and what was seen", () => {
      it("keeps the newest head, and what was seen of each source by itself", () => {
        cache.keepHead(signed("old"));
        cache.keepHead(signed("new"));
        cache.keepSeen("git", new Map([["trust", "t1"]]));
        cache.keepSeen("stick", new Map([["trust", "s1"]]));
        cache.keepSeen("git", new Map([["bundles/pos", "p2"]]));
        expect(cache.head()).toEqual(signed("new"));
        expect(cache.seen("git")).toEqual(new Map([["bundles/pos", "p2"]]));
        expect(cache.seen("stick")).toEqual(new Map([["trust", "s1"]]));
      });
    });

    describe("versions and blobs", () => {
      it("lists versions by bundle and pair, and completes one", () => {
        cache.keepManifest(version("d9", { bundle: "zoo" }), signed("d9"));
        cache.keepManifest(version("d2", { pair: [2, 1] }), signed("d2"));
        cache.keepManifest(version("d1", { pair: [1, 10] }), signed("d1"));
        cache.completeVersion("d2");
        cache.completeVersion("unknown");
        expect(cache.versions()).toEqual([
          version("d1", { pair: [1, 10] }),
          version("d2", { pair: [2, 1], complete: true }),
          version("d9", { bundle: "zoo" }),
        ]);
        expect(cache.manifest("d2")).toEqual(signed("d2"));
      });

      it("replaces what it holds of a version", () => {
        cache.keepManifest(version("d1"), signed("a"));
        cache.keepManifest(version("d1", { root: 4, files: [], complete: true }), signed("b"));
        expect(cache.versions()).toEqual([version("d1", { root: 4, files: [], complete: true })]);
        expect(cache.manifest("d1")).toEqual(signed("b"));
      });

      it("keeps blobs byte by byte, an empty one too, and replaces one that went bad", () => {
        const every = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
        cache.keepBlob("bad", new Uint8Array([1]));
        cache.keepBlob("bad", every);
        cache.keepBlob("empty", new Uint8Array(0));
        expect(cache.blob("bad")).toEqual(every);
        expect(cache.blob("empty")).toEqual(new Uint8Array(0));
        expect(cache.hasBlob("empty")).toBe(true);
      });

      it("drops a version with the blobs that only it names", () => {
        cache.keepManifest(version("d1", { files: ["shared", "own", "own"] }), signed("d1"));
        cache.keepManifest(version("d2", { files: ["shared"] }), signed("d2"));
        for (const blob of ["shared", "own", "not named yet"]) cache.keepBlob(blob, new Uint8Array([1]));
        cache.dropVersion("d1");
        expect(cache.versions().map(({ digest }) => digest)).toEqual(["d2"]);
        expect(cache.manifest("d1")).toBeNull();
        expect(["shared", "own", "not named yet"].map((blob) => cache.hasBlob(blob))).toEqual([true, false, true]);
        cache.dropVersion("d2");
        cache.dropVersion("d2");
        expect(["shared", "own", "not named yet"].map((blob) => cache.hasBlob(blob))).toEqual([false, false, true]);
      });
    });

    it("keeps one refusal by bundle and id", () => {
      cache.keepRefusal(refusal("pos", "b"));
      cache.keepRefusal(refusal("pos", "a"));
      cache.keepRefusal(refusal("base", "b", { digest: "d1" }));
      cache.keepRefusal(refusal("pos", "a", { root: 2 }));
      expect(cache.refusals()).toEqual([
        refusal("base", "b", { digest: "d1" }),
        refusal("pos", "a", { root: 2 }),
        refusal("pos", "b"),
      ]);
      cache.dropRefusal("pos", "b");
      cache.dropRefusal("pos", "unknown");
      expect(cache.refusals().map(({ bundle, id }) => `${bundle} ${id}`)).toEqual(["base b", "pos a"]);
    });

    it("keeps one hold by bundle", () => {
      cache.keepHold(hold("pos"));
      cache.keepHold(hold("base", { committed: null, failed: [] }));
      cache.keepHold(hold("pos", { state: "committed", committed: state(7), previous: state(6) }));
      expect(cache.holds()).toEqual([
        hold("base", { committed: null, failed: [] }),
        hold("pos", { state: "committed", committed: state(7), previous: state(6) }),
      ]);
    });

    it("keeps one adoption a bundle, the last", () => {
      cache.keepAdoption("pos", { digest: "d1", id: "a1", against: null });
      cache.keepAdoption("pos", { digest: "d2", id: "a2", against: [1, 2] });
      cache.keepAdoption("base", { digest: "d3", id: "a2", against: [1, 2] });
      expect(cache.adoptions()).toEqual(
        new Map([
          ["base", { digest: "d3", id: "a2", against: [1, 2] }],
          ["pos", { digest: "d2", id: "a2", against: [1, 2] }],
        ]),
      );
    });

    it("keeps what holds the site back until it is let go", () => {
      const ask = { by: "command", id: "h1", reason: "sale", forMs: null, spentMs: 60_000 } as const;
      cache.keepHeld({ spentMs: 1, asks: [], told: false });
      cache.keepHeld({ spentMs: 90_000, asks: [ask], told: true });
      expect(cache.held()).toEqual({ spentMs: 90_000, asks: [ask], told: true });
      cache.keepHeld(null);
      expect(cache.held()).toBeNull();
    });

    it("keeps what was found of one state a bundle, the last, until it is dropped", () => {
      const changes = { objects: [{ object: "v1 Secret shop/a", action: "create" as const }], unchanged: 2 };
      const ready = { diff: { hash: "h1", changes }, code: null, words: "1 comes", basis: "b", at: 7 };
      const not = { diff: null, code: "scope" as const, words: "not for it", basis: "", at: 9 };
      const state = { digest: "d1", values: "", record: 4 };
      cache.keepPrepared({ bundle: "pos", ...state, ...not });
      cache.keepPrepared({ bundle: "pos", ...state, ...ready });
      cache.keepPrepared({ bundle: "base", ...state, ...not });
      expect(cache.prepared()).toEqual([
        { bundle: "base", ...state, ...not },
        { bundle: "pos", ...state, ...ready },
      ]);
      cache.dropPrepared("pos");
      cache.dropPrepared("nobody");
      expect(cache.prepared()).toEqual([{ bundle: "base", ...state, ...not }]);
    });

    it("raises marks of a bundle, each by itself, and lowers none", () => {
      cache.raiseMarks("pos", { pair: [1, 10], floor: [1, 9] });
      cache.raiseMarks("base", { pair: [1, 1], floor: [1, 1] });
      cache.raiseMarks("pos", { pair: [2, 1], floor: [1, 1] });
      cache.raiseMarks("pos", { pair: [1, 99], floor: [1, 10] });
      expect(cache.marks()).toEqual(
        new Map([
          ["base", { pair: [1, 1], floor: [1, 1] }],
          ["pos", { pair: [2, 1], floor: [1, 10] }],
        ]),
      );
    });

    it("raises the floor of time, and never lowers it", () => {
      cache.raiseFloorTime(2_000_000_000_000);
      cache.raiseFloorTime(1_000);
      expect(cache.floorTime()).toBe(2_000_000_000_000);
    });

    it("keeps the inventory of each bundle by object name", () => {
      cache.keepInventory("pos", [row("b"), row("a")]);
      cache.keepInventory("base", [row("a")]);
      const cluster = row("a", { object: object("a", "") });
      const settled = row("a", { uid: "u1", fields: "f", live: "l", state: "applied" });
      cache.keepInventory("pos", [settled, cluster]);
      expect(cache.inventory("pos")).toEqual([cluster, settled, row("b")]);
      cache.dropInventory("pos", [object("b"), object("a", ""), object("unknown")]);
      expect(cache.inventory("pos")).toEqual([settled]);
      expect(cache.inventory("base")).toEqual([row("a")]);
    });

    it("keeps the last assignment", () => {
      cache.keepAssignment({ term: 1, number: 9, key: "k1", frame: new Uint8Array([1, 2]) });
      cache.keepAssignment({ term: 2, number: 1, key: "k2", frame: new Uint8Array([3]) });
      expect(cache.assignment()).toEqual({ term: 2, number: 1, key: "k2", frame: new Uint8Array([3]) });
    });

    describe("counters and events", () => {
      it("numbers reports without gaps", () => {
        expect([1, 2, 3].map(() => cache.takeReportNumber())).toEqual([1, 2, 3]);
        expect(cache.counters()).toEqual({ report: 3, reportAcked: 0, event: 0, eventAcked: 0 });
      });

      it("takes numbers beyond 32 bits", () => {
        cache.acknowledge({ report: Number.MAX_SAFE_INTEGER - 1, event: 2 ** 40, frame: new Uint8Array([1]) }, 1);
        expect(cache.takeReportNumber()).toBe(Number.MAX_SAFE_INTEGER);
        cache.addEvents([event("a")]);
        expect(cache.numberEvents(1)).toEqual([{ ...event("a"), number: 2 ** 40 + 1 }]);
      });

      it("numbers events when they are first asked for, oldest first, and repeats them until they are confirmed", () => {
        cache.addEvents([event("a"), event("b")]);
        cache.addEvents([]);
        cache.addEvents([event("c")]);
        expect(cache.counters().event).toBe(0);
        expect(cache.numberEvents(0)).toEqual([]);
        const two = [
          { ...event("a"), number: 1 },
          { ...event("b"), number: 2 },
        ];
        expect(cache.numberEvents(2)).toEqual(two);
        expect(cache.numberEvents(2)).toEqual(two);
        expect(cache.counters().event).toBe(2);
        cache.acknowledge({ report: 0, event: 1, frame: new Uint8Array([1]) }, 1);
        expect(cache.numberEvents(9)).toEqual([two[1], { ...event("c"), number: 3 }]);
        expect(cache.heardAt()).toBe(1);
        cache.acknowledge({ report: 0, event: 3, frame: new Uint8Array([1]) }, 9);
        expect(cache.heardAt()).toBe(9);
        cache.addEvents([event("d")]);
        expect(cache.numberEvents(9)).toEqual([{ ...event("d"), number: 4 }]);
        expect(cache.counters()).toEqual({ report: 0, reportAcked: 0, event: 4, eventAcked: 3 });
      });

      it("does not drop an event that was never numbered", () => {
        cache.addEvents([event("a")]);
        cache.acknowledge({ report: 0, event: 5, frame: new Uint8Array([1]) }, 1);
        expect(cache.numberEvents(9)).toEqual([{ ...event("a"), number: 6 }]);
      });

      it("never lowers a counter", () => {
        cache.acknowledge({ report: 7, event: 7, frame: new Uint8Array([1]) }, 1);
        cache.takeReportNumber();
        cache.acknowledge({ report: 2, event: 2, frame: new Uint8Array([1]) }, 1);
        expect(cache.counters()).toEqual({ report: 8, reportAcked: 7, event: 7, eventAcked: 7 });
      });

      it("keeps the acknowledgement that raised what is confirmed, as it came", () => {
        expect(cache.acked()).toBeNull();
        cache.acknowledge({ report: 0, event: 0, frame: new Uint8Array([1]) }, 1);
        expect(cache.acked()).toBeNull();
        cache.acknowledge({ report: 4, event: 0, frame: new Uint8Array([2]) }, 1);
        cache.acknowledge({ report: 4, event: 3, frame: new Uint8Array([3]) }, 1);
        cache.acknowledge({ report: 4, event: 3, frame: new Uint8Array([4]) }, 1);
        cache.acknowledge({ report: 1, event: 2, frame: new Uint8Array([5]) }, 1);
        expect(cache.acked()).toEqual(new Uint8Array([3]));
      });

      it.each([100, 600])(
        "keeps so many events that wait, %s at a time, and says how many of the oldest of low value made way",
        (most) => {
          const at = "2026-11-02T08:00:00Z";
          cache.addEvents([{ at, kind: "committed", words: "the one that counts" }]);
          for (let each = 0; each < 3_000; each += most) {
            const flood = Array.from({ length: most }, (_, index) => String(each + index));
            cache.addEvents(flood.map((words) => ({ at, kind: "refused", code: "threshold", words })));
          }
          const kept = cache.numberEvents(5_000);
          const told = kept.filter(({ words = "" }) => / older events were dropped/.test(words));
          const dropped = told.reduce((sum, { words = "" }) => sum + Number.parseInt(words, 10), 0);
          expect(kept.length).toBeLessThanOrEqual(1_000);
          expect(kept[0]?.words).toBe("the one that counts");
          expect(kept.at(-2)?.words).toBe("2999");
          expect(dropped + kept.length - told.length).toBe(3_001);
        },
      );

      it("numbers events anew where the hub knows higher numbers: ours were lost, and it took none of them", () => {
        cache.addEvents([event("a"), event("b")]);
        cache.numberEvents(9);
        cache.acknowledge({ report: 40, event: 50, frame: new Uint8Array([1]) }, 1);
        expect(cache.counters()).toEqual({ report: 40, reportAcked: 40, event: 50, eventAcked: 50 });
        expect(cache.numberEvents(9)).toEqual([
          { ...event("a"), number: 51 },
          { ...event("b"), number: 52 },
        ]);
      });
    });

    describe("transactions", () => {
      const writes: Readonly<Record<string, (cache: Cache) => void>> = {
        keepRoot: (to) => to.keepRoot(1, signed("r")),
        keepRecord: (to) => to.keepRecord(record(2, 1, signed("r"))),
        dropRecordsBut: (to) => to.dropRecordsBut(new Set()),
        keepHead: (to) => to.keepHead(signed("h")),
        keepSeen: (to) => to.keepSeen("git", new Map([["trust", "t2"]])),
        keepManifest: (to) => to.keepManifest(version("d1"), signed("d1")),
        completeVersion: (to) => to.completeVersion("d0"),
        dropVersion: (to) => to.dropVersion("d0"),
        keepBlob: (to) => to.keepBlob("f9", new Uint8Array([9])),
        keepRefusal: (to) => to.keepRefusal(refusal("pos", "a")),
        dropRefusal: (to) => to.dropRefusal("old", "old"),
        keepHold: (to) => to.keepHold(hold("pos")),
        keepAdoption: (to) => to.keepAdoption("pos", { digest: "d1", id: "a1", against: [1, 2] }),
        raiseMarks: (to) => to.raiseMarks("pos", { pair: [1, 2], floor: [1, 1] }),
        raiseFloorTime: (to) => to.raiseFloorTime(7),
        keepHeld: (to) => to.keepHeld({ spentMs: 1, asks: [], told: true }),
        keepInventory: (to) => to.keepInventory("pos", [row("a"), row("b")]),
        dropInventory: (to) => to.dropInventory("old", [object("old")]),
        keepAssignment: (to) => to.keepAssignment({ term: 1, number: 1, key: "k", frame: new Uint8Array([1]) }),
        takeReportNumber: (to) => to.takeReportNumber(),
        acknowledge: (to) => to.acknowledge({ report: 1, event: 1, frame: new Uint8Array([1]) }, 1),
        addEvents: (to) => to.addEvents([event("a"), event("b")]),
        numberEvents: (to) => to.numberEvents(2),
      };
      const fill = () => {
        cache.keepManifest(version("d0", { bundle: "old", files: ["f0"] }), signed("d0"));
        cache.keepBlob("f0", new Uint8Array([0]));
        for (const number of [0, 1]) cache.keepRecord(record(number, 1, signed(`record ${number}`)));
        cache.keepRefusal(refusal("old", "old"));
        cache.keepInventory("old", [row("old")]);
        cache.addEvents([event("old")]);
        trace.splice(0);
      };

      it.each(Object.keys(writes))("%s alone is one, named after it; a kill leaves it undone or done", (method) => {
        const write = () => writes[method]?.(cache);
        const effect = `cache.${method}`;
        fill();
        const before = observe(cache);
        for (const place of ["before", "between"]) {
          killAt = `${effect} ${place}`;
          expect(write).toThrow("killed");
          expect(observe(cache)).toEqual(before);
        }
        killAt = `${effect} after`;
        trace.splice(0);
        expect(write).toThrow("killed");
        expect(trace).toEqual([`${effect} before`, `${effect} between`, `${effect} after`]);
        expect(observe(cache)).not.toEqual(before);
      });

      it("are one where they are nested, named after the outer one", () => {
        const result = cache.transaction("accept", () => {
          cache.keepRoot(1, signed("r"));
          return cache.transaction("inner", () => cache.takeReportNumber());
        });
        expect(result).toBe(1);
        expect(trace).toEqual(["accept before", "accept between", "accept after"]);
      });

      it("show their own writes inside, and leave nothing where the work throws", () => {
        fill();
        const before = observe(cache);
        const failing = () =>
          cache.transaction("accept", () => {
            for (const write of Object.values(writes)) write(cache);
            expect(cache.record()?.document).toEqual(signed("r"));
            throw new Error("half-way");
          });
        expect(failing).toThrow("half-way");
        expect(observe(cache)).toEqual(before);
        cache.keepRecord(record(3, 1, signed("next")));
        expect(cache.record()?.document).toEqual(signed("next"));
      });

      it("leave nothing of an inner one where the outer one throws", () => {
        const failing = () =>
          cache.transaction("outer", () => {
            cache.transaction("inner", () => cache.keepRecord(record(1, 1, signed("r"))));
            throw new Error("later");
          });
        expect(failing).toThrow("later");
        expect(cache.record()).toBeNull();
      });
    });
  });
}
