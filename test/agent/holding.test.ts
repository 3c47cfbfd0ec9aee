import { describe, expect, it } from "vitest";
import type { Cache } from "../../agent/cache/cache.ts";
import { Holding } from "../../agent/holding.ts";
import type { Ask } from "../../agent/target/held.ts";
import { memoryCache } from "../support/cache.ts";
import { FakeClock } from "../support/clock.ts";
import { NOW } from "../support/fleet.ts";

const HOUR = 3_600_000;
const LOG = { debug() {}, info() {}, warn() {}, error() {} };
const sale: Ask = { by: "command", id: "1", reason: "sale", forMs: 2 * HOUR };
const lease: Ask = { by: "lease", id: "uid", reason: "till", forMs: null };

/** One life of an agent; give the cache of another for a restart. */
function life(cache: Cache = memoryCache(), atMostMs = 24 * HOUR) {
  const clock = new FakeClock(NOW);
  const says: { files: Ask[]; lease: Ask | null | "unseen" } = { files: [], lease: null };
  let wakes = 0;
  const holding = new Holding({
    cache,
    clock,
    log: LOG,
    files: () => says.files,
    lease: () => says.lease,
    atMostMs: () => atMostMs,
    onChange: () => {
      wakes += 1;
    },
  });
  return {
    cache,
    clock,
    says,
    holding,
    wakes: () => wakes,
    told: () =>
      cache
        .numberEvents(100)
        .flatMap(({ kind, words }) => (kind === "held" || kind === "released" ? `${kind}: ${words}` : [])),
  };
}

describe("a held site", () => {
  it("notices by itself, tells it once, says it in its report, and lets go when the time is over", () => {
    const { clock, says, holding, told, wakes } = life();
    expect([holding.look(), holding.words()]).toEqual([null, null]);
    says.files = [sale];
    clock.advance(2_000);
    expect([wakes(), holding.words(), told()]).toEqual([1, "sale (command)", ["held: sale (command)"]]);
    clock.advance(HOUR);
    expect(holding.words()).toBe("sale (command)");
    clock.advance(HOUR);
    expect([holding.words(), told()]).toEqual([null, ["held: sale (command)", "released: its time is over"]]);
  });

  it("is held for ever by no clock: a wall clock that stands or leaps changes nothing, and the time goes on over restarts", () => {
    const first = life();
    first.says.files = [sale];
    first.holding.look();
    first.clock.advance(HOUR);
    // A year later, or in 1970: the wall clock of the next life has no say.
    const second = life(first.cache);
    second.says.files = [sale];
    second.holding.look();
    expect(second.holding.words()).toBe("sale (command)");
    second.clock.advance(HOUR - 3 * 60_000);
    expect(second.holding.words()).toBe("sale (command)");
    second.clock.advance(3 * 60_000);
    expect([second.holding.words(), second.told()]).toEqual([
      null,
      ["held: sale (command)", "released: its time is over"],
    ]);
  });

  it("an agent that is killed every few seconds is not held for ever", () => {
    const cache = memoryCache();
    let lives = 0;
    for (; lives < 1_000; lives += 1) {
      const { clock, says, holding } = life(cache);
      says.files = [sale];
      holding.look();
      if (holding.words() === null) break;
      clock.advance(5_000);
    }
    expect(lives).toBeLessThanOrEqual(120);
  });

  it("a flag that somebody forgot holds it no longer than what runs here allows, and writes to the disk once a minute at most", () => {
    const writes: string[] = [];
    const { clock, says, holding, told } = life(
      memoryCache({ journal: (effect, place) => place === "after" && writes.push(effect) }),
      2 * HOUR,
    );
    says.files = [{ by: "file", id: "file", reason: "", forMs: null }];
    clock.advance(2 * HOUR + 2_000);
    expect([holding.words(), told()]).toEqual([
      null,
      ["held: no reason given (file)", "released: held for as long as what runs here allows"],
    ]);
    expect(writes.filter((effect) => effect === "held.keep").length).toBeLessThanOrEqual(2 * 60 + 3);
    clock.advance(5 * HOUR);
    expect(told().length).toBe(2);
  });

  it("is told again only when it is held again", () => {
    const { clock, says, holding, told } = life();
    for (const files of [[sale], [sale, lease], [lease], [], [{ ...sale, id: "2" }]]) {
      says.files = files;
      holding.look();
      clock.advance(1_000);
    }
    expect(told()).toEqual(["held: sale (command)", "released: taken back", "held: sale (command)"]);
  });

  it("goes on being held by a Lease that the cluster cannot show just now, over a restart too", () => {
    const first = life();
    first.says.lease = lease;
    first.holding.look();
    first.says.lease = "unseen";
    first.clock.advance(60_000);
    expect(first.holding.words()).toBe("till (lease)");
    const second = life(first.cache);
    second.says.lease = "unseen";
    second.clock.advance(60_000);
    expect(second.holding.words()).toBe("till (lease)");
    second.says.lease = null;
    second.clock.advance(1_000);
    expect(second.holding.words()).toBeNull();
  });

  it("waits a few seconds after a start for what the cluster says, and no longer", () => {
    const { clock, says, holding, wakes } = life();
    says.lease = "unseen";
    expect([holding.look(), holding.words()]).toEqual(["unknown", null]);
    clock.advance(5_000);
    expect([holding.look(), wakes()]).toEqual([null, 1]);
    const soon = life();
    soon.says.lease = "unseen";
    expect(soon.holding.look()).toBe("unknown");
    soon.says.lease = null;
    expect(soon.holding.look()).toBeNull();
  });

  it.each(["before", "between", "after"] as const)("killed %s it is kept, is told once, and goes on", (place) => {
    let armed = true;
    const cache = memoryCache({
      journal: (effect, at) => {
        if (armed && effect === "held.keep" && at === place) throw new Error("killed");
      },
    });
    const first = life(cache);
    first.says.files = [sale];
    expect(() => first.holding.look()).toThrow("killed");
    armed = false;
    const second = life(cache);
    second.says.files = [sale];
    second.holding.look();
    expect([second.holding.words(), second.told()]).toEqual(["sale (command)", ["held: sale (command)"]]);
  });

  it("what could not be stored is stored later, and told once", () => {
    let full = true;
    const { clock, says, holding, told } = life(
      memoryCache({
        journal: () => {
          if (full) throw new Error("the disk is full");
        },
      }),
    );
    says.files = [sale];
    clock.advance(10_000);
    expect(holding.words()).toBe("sale (command)");
    full = false;
    clock.advance(10_000);
    expect(told()).toEqual(["held: sale (command)"]);
  });
});
