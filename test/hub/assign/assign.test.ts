import { describe, expect, it } from "vitest";
import { type AssignInput, assignmentSets, type ChangedSet } from "../../../hub/assign/assign.ts";
import { preparesOf } from "../../../hub/assign/items.ts";
import type { FleetMember } from "../../../hub/registry/site.ts";
import type { Effect, Run } from "../../../hub/rollout/run.ts";
import { startRun } from "../../../hub/rollout/start.ts";
import { assignmentSet } from "../../../shared/assignment.ts";
import { parseAs } from "../../../shared/parse.ts";
import { heard, memberOf, reportOf, specOf, targetOf } from "../rollout/samples.ts";

const DAY = 86_400_000;
const site = heard(memberOf("s-1"), reportOf({}, undefined), 0);

function runOf(id: string, version: number, phase: Run["phase"], members: readonly FleetMember[] = [site]): Run {
  const start = { id, rollout: "pos", commit: "c", spec: specOf(), target: targetOf(version), back: false, seed: "x" };
  return { ...startRun(start, members, version), phase };
}

const ROLLING: Run["phase"] = { kind: "rolling", wave: 0, step: "opening", since: 0 };
const first = runOf("pos-1", 1, { kind: "superseded", by: "pos-2", at: 0 });
const second = runOf("pos-2", 2, ROLLING);
const give: Effect = { kind: "assign", run: "pos-2", site: "s-1", bundle: "pos", target: targetOf(2), back: false };
const takeBack: Effect = { kind: "withdraw", run: "pos-2", site: "s-1", bundle: "pos" };

function asked(more: Partial<AssignInput>): ChangedSet[] {
  return assignmentSets({
    current: new Map(),
    effects: [],
    runs: new Map([first, second].map((run) => [run.id, run])),
    fleet: new Map([[site.id, site]]),
    fleetName: "shops",
    term: 3,
    rootNumber: 2,
    now: DAY,
    lifetimeMs: 14 * DAY,
    ...more,
  });
}

function stored(sets: readonly ChangedSet[]): Map<string, ChangedSet> {
  return new Map(sets.map((set) => [set.site, set]));
}

describe("assignmentSets", () => {
  it("writes a set that the schema accepts, and says what brought its item in", () => {
    const [changed] = asked({ effects: [give] });
    expect(parseAs(assignmentSet, changed?.set, "set")).toEqual({
      fleet: "shops",
      site: "s-1",
      term: 3,
      number: 1,
      root: 2,
      expires: "1970-01-16T00:00:00Z",
      items: [
        {
          bundle: "pos",
          version: "1.2.0",
          digest: targetOf(2).digest,
          pair: [1, 2],
          record: 1,
          mode: "run",
          run: "pos-2",
          wave: "rest",
          values: {},
          reportEvery: "60s",
        },
      ],
    });
    expect(changed?.assigned).toEqual({
      pos: { run: "pos-2", digest: targetOf(2).digest, values: "", record: 1, introduced: [3, 1], at: DAY },
    });
  });

  it("gives a site what it settled on where a hub that was restored hears only after the run was over that it is something else", () => {
    const over = runOf("pos-2", 2, { kind: "superseded", by: "pos-3", at: DAY });
    const runs = new Map([first, over].map((run) => [run.id, run]));
    const current = stored(asked({ effects: [give] }));
    const saying = (version: number, state: "committed" | "applying", number: number) => {
      const item = { digest: targetOf(version).digest.slice(0, 32), state };
      return heard(site, reportOf(item, [3, number]), DAY);
    };
    const after = (member: FleetMember, now = 2 * DAY) =>
      asked({ current, runs, fleet: new Map([[site.id, member]]), now })[0]?.assigned["pos"]?.run ?? "pos-2";
    expect(after(saying(1, "committed", 1))).toBe("pos-1");
    // What it was given, what it has not taken, and what moves still: left as it is.
    expect(after(saying(2, "committed", 1))).toBe("pos-2");
    expect(after(saying(1, "applying", 1))).toBe("pos-2");
    expect(after(saying(1, "committed", 0))).toBe("pos-2");
    // In the turn in which the run ends, that says itself what may yet begin.
    expect(after(saying(1, "committed", 1), DAY)).toBe("pos-2");
  });

  it("changes nothing where nothing is asked, nor when an effect is asked again", () => {
    const current = stored(asked({ effects: [give] }));
    expect(asked({ current })).toEqual([]);
    expect(asked({ current, effects: [give] })).toEqual([]);
  });

  it("numbers a change one higher and keeps what it did not touch", () => {
    const target = { ...targetOf(1), bundle: "aweb" };
    const web: Effect = { kind: "assign", run: "web-1", site: "s-1", bundle: "aweb", target, back: true };
    const runs = new Map([second, { ...first, id: "web-1", target }].map((run) => [run.id, run]));
    const current = stored(asked({ effects: [give] }));
    const [changed] = asked({ current, effects: [web], runs, now: 2 * DAY });
    expect(changed?.set.number).toBe(2);
    expect(changed?.set.items.map((item) => [item.bundle, item.back])).toEqual([
      ["aweb", true],
      ["pos", undefined],
    ]);
    expect(changed?.assigned["pos"]?.introduced).toEqual([3, 1]);
    expect(changed?.assigned["aweb"]?.introduced).toEqual([3, 2]);
  });

  it("issues a set anew after half of its life, keeping what brought its items in", () => {
    const current = stored(asked({ effects: [give] }));
    expect(asked({ current, now: 8 * DAY })).toEqual([]);
    const [changed] = asked({ current, now: 8 * DAY + 1 });
    expect(changed?.set).toMatchObject({ number: 2, expires: "1970-01-23T00:00:00Z" });
    expect(changed?.assigned["pos"]?.introduced).toEqual([3, 1]);
  });

  it.each([{ term: 4 }, { rootNumber: 3 }])("issues a set anew for %j", (newer) => {
    const current = stored(asked({ effects: [give] }));
    expect(asked({ current, ...newer })).toHaveLength(1);
  });

  it("echoes the boot of a site whose clock is not known to be right, and again after a reboot", () => {
    const report = { ...reportOf({}, undefined), synced: false };
    const unsure = heard(site, report, 0);
    const fleet = new Map([["s-1", unsure]]);
    const sets = asked({ effects: [give], fleet });
    expect(sets[0]?.set.boot).toBe("00000000000000aa");
    expect(asked({ current: stored(sets), fleet })).toEqual([]);
    const rebooted = { ...unsure, site: { ...unsure.site, boot: "00000000000000bb" } };
    const [changed] = asked({ current: stored(sets), fleet: new Map([["s-1", rebooted]]) });
    expect(changed?.set).toMatchObject({ number: 2, boot: "00000000000000bb" });
  });

  it("asks for frequent reports until the wave's gate has passed", () => {
    const current = stored(asked({ effects: [give] }));
    const completed: Run = { ...second, phase: { kind: "completed", at: DAY } };
    const [changed] = asked({ current, runs: new Map([["pos-2", completed]]) });
    expect(changed?.set.items[0]).not.toHaveProperty("reportEvery");
    expect(changed?.assigned["pos"]?.introduced).toEqual([3, 1]);
  });

  it("gives a site back what it committed by an earlier run, under a new introduction", () => {
    const current = stored(asked({ effects: [give] }));
    const [changed] = asked({ current, effects: [takeBack] });
    expect(changed?.set.items).toMatchObject([{ version: "1.1.0", run: "pos-1", digest: targetOf(1).digest }]);
    expect(changed?.assigned["pos"]).toMatchObject({ run: "pos-1", introduced: [3, 2] });
  });

  it("names the newest of the runs that gave the site what it committed", () => {
    const again = { ...first, id: "pos-1b", startedAt: first.startedAt + 1 };
    const current = stored(asked({ effects: [give] }));
    for (const order of [
      [first, again, second],
      [second, again, first],
    ]) {
      const runs = new Map(order.map((run) => [run.id, run]));
      expect(asked({ current, effects: [takeBack], runs })[0]?.set.items[0]?.run).toBe("pos-1b");
    }
  });

  it("drops the item where no known run gave the site what it committed", () => {
    const current = stored(asked({ effects: [give] }));
    const [changed] = asked({ current, effects: [takeBack], runs: new Map([["pos-2", second]]) });
    expect(changed?.set).toMatchObject({ number: 2, items: [] });
    expect(changed?.assigned).toEqual({});
  });

  it("takes back nothing but the assignment of the run that asks", () => {
    const current = stored(asked({ effects: [give] }));
    const other: Effect = { ...takeBack, run: "pos-1" };
    expect(asked({ current, effects: [other] })).toEqual([]);
  });

  it("lets the newer of two runs give in the turn in which the older takes back", () => {
    const third = runOf("pos-3", 3, ROLLING);
    const runs = new Map([first, second, third].map((run) => [run.id, run]));
    const current = stored(asked({ effects: [give] }));
    const [changed] = asked({ current, runs, effects: [{ ...give, run: "pos-3", target: targetOf(3) }, takeBack] });
    expect(changed?.set.items.map((item) => item.run)).toEqual(["pos-3"]);
    expect(changed?.set.number).toBe(2);
  });

  it("has a site prepare the next version beside what it runs, without reports by the minute, until it is given it", () => {
    const third = runOf("pos-3", 3, { kind: "preparing", since: 0 });
    const runs = new Map([first, second, third].map((run) => [run.id, run]));
    const current = stored(asked({ effects: [give] }));
    const target = targetOf(3);
    const prepare: Effect = { kind: "prepare", run: "pos-3", site: "s-1", bundle: "pos", target };
    const [changed] = asked({ current, runs, effects: [prepare] });
    const items = (changed?.set.items ?? []).map(({ mode, run, reportEvery }) => [mode, run, reportEvery]);
    expect(items).toEqual([
      ["prepare", "pos-3", undefined],
      ["run", "pos-2", "60s"],
    ]);
    expect(parseAs(assignmentSet, changed?.set, "set")).toBeDefined();
    expect(preparesOf(changed?.set.items ?? [])).toEqual({ pos: { run: "pos-3", record: 1 } });
    // It is no answer to what runs, and nothing that was acknowledged.
    expect(changed?.assigned["pos"]?.run).toBe("pos-2");
    const after = stored(changed === undefined ? [] : [changed]);
    const modes = (effect: Effect) =>
      asked({ current: after, runs, effects: [effect] })[0]?.set.items.map(({ mode }) => mode);
    expect(modes({ ...give, run: "pos-3", target })).toEqual(["run"]);
    expect(modes({ kind: "unprepare", run: "pos-3", site: "s-1", bundle: "pos" })).toEqual(["run"]);
    expect(modes(takeBack)).toEqual(["prepare", "run"]);
    // Of another run.
    expect(modes({ kind: "unprepare", run: "pos-2", site: "s-1", bundle: "pos" })).toBeUndefined();
  });

  it("says nothing to a site that left the fleet", () => {
    const current = stored(asked({ effects: [give] }));
    expect(asked({ current, effects: [takeBack], fleet: new Map() })).toEqual([]);
  });
});
