import * as fc from "fast-check";
import { expect, it, vi } from "vitest";
import type { Input } from "../../../hub/rollout/run.ts";
import { startRun } from "../../../hub/rollout/start.ts";
import { ITEM_STATES } from "../../../shared/report.ts";
import { Book } from "./book.ts";
import { digestOf, heard, memberOf, reportOf, specOf, targetOf } from "./samples.ts";
import { World } from "./world.ts";

vi.setConfig({ testTimeout: 60_000 });

const SITES = ["s-0", "s-1", "s-2", "s-3", "s-4", "s-5"];
const by = { who: "ada", reason: "because" };
const site = fc.constantFrom(...SITES);
const verb: fc.Arbitrary<Input> = fc.oneof(
  fc.constantFrom<Input>({ kind: "pause", ...by }, { kind: "resume", ...by }, { kind: "resume", ...by }),
  fc.constantFrom("lab", "early", "rest").map((wave): Input => ({ kind: "promote", wave, ...by })),
  site.map((each): Input => ({ kind: "skip", site: each, ...by })),
);
const report = fc.record({
  site,
  state: fc.oneof({ weight: 4, arbitrary: fc.constant("committed" as const) }, fc.constantFrom(...ITEM_STATES)),
  version: fc.constantFrom(2, 2, 2, 1, 3),
  healthyFor: fc.integer({ min: 0, max: 30 }),
  down: fc.constantFrom(0, 0, 0, 1),
  mark: fc.constantFrom(1, 1, 1, 3),
  failed: fc.constantFrom(false, false, false, true),
  held: fc.constantFrom(false, false, false, true),
  takes: fc.constantFrom(true, true, false),
});
const happening = fc.oneof(
  { weight: 8, arbitrary: report.map((said) => ({ kind: "report" as const, said })) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(1, 5, 60, 181, 301, 1801).map((seconds) => ({ kind: "wait" as const, seconds })),
  },
  {
    weight: 4,
    arbitrary: fc.integer({ min: 1, max: 30 }).map((healthyFor) => ({ kind: "well" as const, healthyFor })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "dawdle" as const }) },
  { weight: 1, arbitrary: verb.map((input) => ({ kind: "input" as const, input })) },
  { weight: 1, arbitrary: site.map((each) => ({ kind: "leave" as const, site: each })) },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;
type Said = typeof report extends fc.Arbitrary<infer T> ? T : never;

const rules = fc.record({
  failure: fc.constantFrom({ over: "0%", minSample: 1 }, { over: "30%", minSample: 2 }, { over: "50%", minSample: 9 }),
  quorum: fc.constantFrom("10%", "50%", "100%"),
  success: fc.constantFrom("60%", "100%"),
  soak: fc.constantFrom("0s", "10s", "20s"),
});

function begun({ success, soak, ...more }: typeof rules extends fc.Arbitrary<infer T> ? T : never): World {
  const world = new World();
  for (const id of SITES) world.fleet.set(id, memberOf(id, id === "s-3" ? { ring: "lab" } : {}));
  const waves = [
    { name: "lab", sites: { ring: "lab" }, success, soak },
    { name: "early", take: 3, success, soak },
  ];
  const spec = specOf({ waves, late: "ignore", ...more });
  const start = { id: "pos-1", rollout: "pos", commit: "c", spec, target: targetOf(2), back: false, seed: "x" };
  world.runs.set("pos-1", startRun(start, [...world.fleet.values()], 0));
  return world;
}

function happen(world: World, event: Happening): Input[] {
  if (event.kind === "input") return [event.input];
  if (event.kind === "wait") world.now += event.seconds * 1000;
  if (event.kind === "leave" && world.fleet.has(event.site)) world.fleet.delete(event.site);
  else if (event.kind === "leave") world.join(memberOf(event.site));
  if (event.kind === "report") say(world, event.said);
  // All of them are there, and take nothing.
  if (event.kind === "dawdle") {
    world.now += 1_801_000;
    const idle = {
      state: "committed",
      version: 1,
      down: 0,
      mark: 1,
      failed: false,
      held: false,
      takes: false,
    } as const;
    for (const id of world.sets.keys()) say(world, { ...idle, site: id, healthyFor: 30 });
  }
  if (event.kind === "well") {
    const well = { state: "committed", version: 2, down: 0, mark: 1, failed: false, held: false, takes: true } as const;
    for (const id of world.sets.keys()) say(world, { ...well, site: id, healthyFor: event.healthyFor });
  }
  return [];
}

function say(world: World, { site: id, state, version, healthyFor, down, mark, failed, held, takes }: Said): void {
  const member = world.fleet.get(id);
  if (member === undefined) return;
  const set = world.sets.get(id)?.set;
  const taken: [number, number] | undefined =
    takes && set !== undefined ? [set.term, set.number] : member.site.report?.body.assignment;
  const item = {
    state,
    healthyFor,
    digest: digestOf(version).slice(0, 32),
    objects: { total: 2, healthy: 2 - down, drifted: 0 },
    marks: [
      [1, mark],
      [1, 1],
    ] as [[number, number], [number, number]],
    ...(failed && { failed: { digest: digestOf(2).slice(0, 32), code: "unhealthy" as const } }),
  };
  const body = { ...reportOf(item, taken), ...(held && { held: "stock-taking" }) };
  world.fleet.set(id, heard(member, body, world.now));
}

const LAX = {
  failure: { over: "0%", minSample: 1 },
  quorum: "10%",
  success: "60%",
  soak: "0s",
};
/** A site that left and came back takes nothing until its deadline, and then falls silent. */
const BACK_AND_SLOW: Happening[] = [
  { kind: "well", healthyFor: 1 },
  { kind: "input", input: { kind: "promote", wave: "early", who: "ada", reason: "because" } },
  { kind: "well", healthyFor: 1 },
  { kind: "leave", site: "s-1" },
  { kind: "leave", site: "s-1" },
  { kind: "dawdle" },
];

/** A site that a person skipped while it was away stays out when it is back. */
const SKIPPED_AWAY: Happening[] = [
  { kind: "leave", site: "s-5" },
  { kind: "input", input: { kind: "skip", site: "s-5", who: "ada", reason: "because" } },
  { kind: "leave", site: "s-5" },
  { kind: "wait", seconds: 1 },
];

it("decides as the book says: every outcome, every gate", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(rules, fc.array(happening, { minLength: 1, maxLength: 60 }), (more, events) => {
      const world = begun(more);
      const [first] = world.runs.values();
      if (first === undefined) throw new Error("no run");
      const book = new Book(first);
      for (const event of [{ kind: "wait" as const, seconds: 1 as const }, ...events]) {
        const inputs = happen(world, event);
        const fleet = new Map(world.fleet);
        const [turn] = world.turn(new Map([["pos-1", inputs]])).turns;
        book.turn(fleet, inputs, world.now);
        const { phase, sites } = turn?.run ?? first;
        const wave = phase.kind === "rolling" ? phase.wave : phase.kind === "paused" ? phase.resume.wave : null;
        const isOver = phase.kind === "completed";
        expect([wave ?? 3, phase.kind === "paused", isOver]).toEqual([book.wave, book.paused, book.wave === 3]);
        expect(new Map([...sites].map(([id, { outcome }]) => [id, outcome]))).toEqual(book.outcomes);
        for (const outcome of [...book.outcomes.values(), phase.kind]) seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      }
    }),
    {
      numRuns: 400,
      examples: [
        [LAX, BACK_AND_SLOW],
        [LAX, SKIPPED_AWAY],
      ],
    },
  );
  const outcomes = ["ahead", "applying", "failed", "held", "ineligible", "notified", "offline", "pending", "reverted"];
  const rest = ["skipped", "succeeded", "timedOut", "verifying", "completed", "paused", "rolling"];
  expect([...seen.keys()].toSorted()).toEqual([...outcomes, ...rest].toSorted());
});
