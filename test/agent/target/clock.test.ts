import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { floorTimeAfter, timeOf } from "../../../agent/target/clock.ts";

const at = (text: string) => Date.parse(text);
const BUILT = at("2026-10-01T00:00:00Z");

/** A site through its days: what its host says of the time, and the documents that it holds. Gives what it believes after each. */
function walk(built: number, days: readonly { host: string; synced?: boolean; holds?: readonly string[] }[]) {
  let floorTime = 0;
  return days.map(({ host, synced = true, holds = [] }) => {
    const time = timeOf({ now: at(host), synced }, Math.max(built, floorTime));
    floorTime = floorTimeAfter(floorTime, holds, time);
    return { synced: time.synced, now: new Date(time.now).toISOString().slice(0, 10) };
  });
}

describe("what a site believes of the time", () => {
  it("an NTP answer of 2036 passes, and leaves nothing behind", () => {
    const holds = ["2026-11-01T08:00:00Z"];
    expect(
      walk(BUILT, [
        { host: "2026-11-02T08:00:00Z", holds },
        { host: "2036-02-07T06:28:16Z", holds },
        { host: "2026-11-02T08:05:00Z", holds },
      ]),
    ).toEqual([
      { synced: true, now: "2026-11-02" },
      { synced: true, now: "2036-02-07" },
      { synced: true, now: "2026-11-02" },
    ]);
  });

  it("a document of a build host that is a year ahead does not push the present away", () => {
    const holds = ["2026-11-01T08:00:00Z", "2027-11-01T08:00:00Z"];
    expect(
      walk(BUILT, [
        { host: "2026-11-02T08:00:00Z", holds },
        { host: "2026-11-03T08:00:00Z", holds },
      ]),
    ).toEqual([
      { synced: true, now: "2026-11-02" },
      { synced: true, now: "2026-11-03" },
    ]);
  });

  it("a clock of 1970 that the host calls synced is not, and what documents prove counts", () => {
    expect(
      walk(BUILT, [
        { host: "2026-11-02T08:00:00Z", holds: ["2026-11-01T08:00:00Z"] },
        { host: "1970-01-01T00:00:10Z" },
      ]).at(-1),
    ).toEqual({ synced: false, now: "2026-11-01" });
  });

  it("with an empty disk the build of the program is what is certain", () => {
    expect(walk(BUILT, [{ host: "1970-01-01T00:00:10Z" }])).toEqual([{ synced: false, now: "2026-10-01" }]);
  });

  it("a clock that nobody calls synced raises nothing", () => {
    expect(
      walk(BUILT, [
        { host: "2026-11-02T08:00:00Z", synced: false, holds: ["2026-11-01T08:00:00Z"] },
        { host: "2026-11-02T08:00:00Z", synced: false },
      ]).at(-1),
    ).toEqual({ synced: false, now: "2026-10-01" });
  });

  it("under any clock and documents, the floor never falls and never passes the clock that raised it", () => {
    const moment = fc.integer({ min: 0, max: at("2037-01-01T00:00:00Z") });
    fc.assert(
      fc.property(moment, fc.array(fc.tuple(moment, fc.boolean(), fc.array(moment))), (start, days) => {
        let floorTime = start;
        for (const [now, synced, created] of days) {
          const time = timeOf({ now, synced }, floorTime);
          const documents = created.map((ms) => new Date(ms).toISOString());
          const next = floorTimeAfter(floorTime, documents, time);
          expect(next).toBeGreaterThanOrEqual(floorTime);
          if (next > floorTime) expect(synced && next <= now).toBe(true);
          expect(time.now).toBeGreaterThanOrEqual(floorTime);
          floorTime = next;
        }
      }),
    );
  });
});
