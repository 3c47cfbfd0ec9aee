import { beforeEach, describe, expect, it } from "vitest";
import type { Marks } from "../../../agent/cache/cache.ts";
import { Keeper } from "../../../agent/keep/keeper.ts";
import { memoryCache } from "../../support/cache.ts";
import { FakeClock } from "../../support/clock.ts";
import { NOW } from "../../support/fleet.ts";
import { down, memoryVault } from "./vault.ts";

const marks = (seq: number, floor = 1): Marks => ({ pair: [1, seq], floor: [1, floor] });
const BOX = "box";
const LOG = { debug() {}, info() {}, warn() {}, error() {} };

let cluster: ReturnType<typeof memoryVault>;
let cache: ReturnType<typeof memoryCache>;
let clock: FakeClock;
let wakes: number;

function keeperOf(reportKey = "key"): Keeper {
  const world = { vault: cluster.vault, cache, clock, journal: () => {}, log: LOG, reportKey, boxKey: BOX };
  return new Keeper({ ...world, onChange: () => (wakes += 1) });
}

/** Lets promises run on; nothing here waits for the world. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

const told = () => cache.numberEvents(99).map(({ kind, code }) => `${kind} ${code}`);
const kept = () => cluster.held()?.marks.get("pos");

beforeEach(() => {
  cluster = memoryVault();
  cache = memoryCache();
  clock = new FakeClock(NOW);
  wakes = 0;
});

describe("the cluster keeps what the disk has", () => {
  it("key and marks, and is asked nothing more while nothing changes", async () => {
    cache.raiseMarks("pos", marks(2));
    const keeper = keeperOf();
    keeper.tend();
    await settle();
    expect(cluster.held()).toEqual({ reportKey: "key", boxKey: BOX, marks: new Map([["pos", marks(2)]]) });
    const { asked } = structuredClone({ asked: cluster.asked });
    for (let turn = 0; turn < 20; turn += 1) keeper.tend();
    await settle();
    expect(cluster.asked).toEqual(asked);
  });

  it("a mark that rose, once for each time it rose", async () => {
    const keeper = keeperOf();
    keeper.tend();
    await settle();
    cache.raiseMarks("pos", marks(3, 2));
    keeper.tend();
    keeper.tend();
    await settle();
    expect([kept(), cluster.asked.writes]).toEqual([marks(3, 2), 2]);
  });

  it("again where somebody removed it while the agent runs", async () => {
    cache.raiseMarks("pos", marks(2));
    const keeper = keeperOf();
    keeper.tend();
    await settle();
    cluster.remove();
    keeper.tend();
    await settle();
    expect(cluster.held()).toEqual({ reportKey: "key", boxKey: BOX, marks: new Map([["pos", marks(2)]]) });
  });

  it("the key of the disk, where the cluster has another", async () => {
    cluster.put({ reportKey: "another", boxKey: BOX, marks: new Map() });
    keeperOf().tend();
    await settle();
    expect(cluster.held()?.reportKey).toBe("key");
  });
});

describe("the larger counts", () => {
  it("of the cluster's and the disk's, bundle by bundle and mark by mark", async () => {
    cache.raiseMarks("pos", marks(5, 1));
    cluster.put({
      reportKey: "key",
      boxKey: BOX,
      marks: new Map([
        ["pos", marks(3, 3)],
        ["gone", marks(9)],
      ]),
    });
    keeperOf().tend();
    await settle();
    const all = new Map([
      ["gone", marks(9)],
      ["pos", marks(5, 3)],
    ]);
    expect([cache.marks(), cluster.held()?.marks]).toEqual([all, all]);
    expect(wakes).toBe(1);
  });

  it("where somebody else wrote meanwhile: it is read again, and nothing higher is lost", async () => {
    const keeper = keeperOf();
    keeper.tend();
    await settle();
    const write = cluster.vault.write;
    let met = false;
    cluster.vault.write = async (...given) => {
      // Just before ours arrives.
      if (!met) cluster.put({ reportKey: "key", boxKey: BOX, marks: new Map([["pos", marks(8, 7)]]) });
      met = true;
      return write(...given);
    };
    cache.raiseMarks("pos", marks(2));
    keeper.tend();
    await settle();
    expect([kept(), cache.marks().get("pos")]).toEqual([marks(8, 7), marks(8, 7)]);
  });
});

describe("marks are known", () => {
  it("at once where the disk has some", () => {
    cache.raiseMarks("pos", marks(2));
    expect(keeperOf().marksKnown()).toBe(true);
  });

  it("on an empty disk only once the cluster was asked", async () => {
    cluster.faults.read = down();
    cluster.put({ reportKey: "key", boxKey: BOX, marks: new Map([["pos", marks(4)]]) });
    const keeper = keeperOf();
    keeper.tend();
    await settle();
    expect(keeper.marksKnown()).toBe(false);
    cluster.faults.read = null;
    clock.advance(1_000);
    await settle();
    expect([keeper.marksKnown(), cache.marks().get("pos")]).toEqual([true, marks(4)]);
  });
});

describe("what cannot be written", () => {
  it("is tried again until it holds, and blocks nobody", async () => {
    cluster.faults.write = down();
    cache.raiseMarks("pos", marks(2));
    const keeper = keeperOf();
    keeper.tend();
    await settle();
    expect(cluster.held()).toBeNull();
    for (let each = 0; each < 6; each += 1) {
      clock.advance(60_000);
      await settle();
    }
    cluster.faults.write = null;
    clock.advance(60_000);
    await settle();
    expect([kept(), told()]).toEqual([marks(2), []]);
  });

  it("is told once where no waiting helps", async () => {
    cluster.faults.write = down("forbidden");
    cache.raiseMarks("pos", marks(2));
    keeperOf().tend();
    for (let each = 0; each < 9; each += 1) {
      await settle();
      clock.advance(60_000);
    }
    expect(told()).toEqual(["refused kube"]);
  });

  it("is left alone for a while where somebody else writes it all the time", async () => {
    const keeper = keeperOf();
    const write = cluster.vault.write;
    cluster.vault.write = async (...given) => {
      cluster.put({ reportKey: "theirs", boxKey: BOX, marks: new Map() });
      return write(...given);
    };
    keeper.tend();
    await settle();
    expect(cluster.asked.writes).toBeLessThan(9);
    await keeper.stop();
  });
});

describe("what is not as it was written", () => {
  it("is told by name, counts as far as it can be read, and is written anew", async () => {
    cache.raiseMarks("pos", marks(2));
    cluster.put({ reportKey: "key", boxKey: BOX, marks: new Map([["base", marks(3)]]) });
    cluster.reads((found) =>
      found.found === "kept" ? { ...found, found: "damaged", words: "report.key: is missing" } : found,
    );
    keeperOf().tend();
    await settle();
    expect(told()).toEqual(["refused record"]);
    expect([...(cluster.held()?.marks.keys() ?? [])]).toEqual(["base", "pos"]);
  });

  it("and is another site's: told, and never touched", async () => {
    cache.raiseMarks("pos", marks(2));
    const theirs = { reportKey: "theirs", boxKey: BOX, marks: new Map([["pos", marks(9)]]) };
    cluster.put(theirs);
    cluster.reads(() => ({ found: "foreign", version: "1", words: "it is of site s-2" }));
    const keeper = keeperOf();
    for (let turn = 0; turn < 5; turn += 1) {
      keeper.tend();
      await settle();
    }
    expect([cluster.held(), cache.marks().get("pos"), told()]).toEqual([theirs, marks(2), ["refused record"]]);
    expect(cluster.asked).toEqual({ reads: 1, writes: 0 });
    expect(keeper.marksKnown()).toBe(true);
  });
});
