import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gate, type Verdict } from "../../../hub/rollout/gate.ts";
import type { SiteProgress } from "../../../hub/rollout/run.ts";
import { atLeast, isOver } from "../../../hub/rollout/share.ts";
import { startRun } from "../../../hub/rollout/start.ts";
import { Tally } from "../../../hub/rollout/tally.ts";
import { OUTCOMES, type Outcome } from "../../../shared/rollout.ts";
import { heard, memberOf, NOBODY_AWAY, reportOf, some, specOf, targetOf } from "./samples.ts";

interface WaveSite {
  site: string;
  progress: SiteProgress;
  healthyFor: number;
}

interface Rules {
  quorum: number;
  success: number;
  over: number;
  minSample: number;
  soak: number;
}

const sites = fc
  .array(fc.record({ outcome: fc.constantFrom(...OUTCOMES), healthyFor: fc.integer({ min: 0, max: 20 }) }), {
    minLength: 1,
    maxLength: 30,
  })
  .map((list) => list.map(({ outcome, healthyFor }, index) => siteOf(`s-${index}`, outcome, healthyFor)));
const rules = fc.record({
  quorum: fc.integer({ min: 0, max: 100 }),
  success: fc.integer({ min: 0, max: 100 }),
  over: fc.integer({ min: 0, max: 100 }),
  minSample: fc.integer({ min: 1, max: 30 }),
  soak: fc.integer({ min: 0, max: 20 }),
});

function siteOf(site: string, outcome: Outcome, healthyFor: number): WaveSite {
  return { site, healthyFor, progress: { wave: 0, outcome, since: 0, assignedAt: null, dueAt: null, code: null } };
}

function asked(list: readonly WaveSite[], rule: Rules): Verdict {
  const wave = { name: "w", index: 0, soakSeconds: rule.soak, success: `${rule.success}%` };
  const failure = { over: `${rule.over}%`, minSample: rule.minSample };
  return gate(wave, tallyOf(list, rule.soak), { quorum: `${rule.quorum}%`, failure });
}

function tallyOf(list: readonly WaveSite[], soak: number): Tally {
  const members = new Map(
    list.map(({ site, healthyFor }) => [site, heard(memberOf(site), reportOf({ healthyFor }, [1, 1]), 0)]),
  );
  const target = targetOf(2);
  const start = { id: "pos-1", rollout: "pos", commit: "c", spec: specOf(), target, back: false, seed: "x" };
  const run = startRun(start, [...members.values()], 0);
  const sites = run.sites.with(list.map(({ site, progress }) => [site, progress]));
  const tally = new Tally({ ...run, sites }, () => soak);
  for (const [site, progress] of sites) tally.note(sites.placeOf(site) ?? 0, progress, members.get(site), "pos");
  return tally;
}

/** The rule as it is written, by nothing but counting. */
function expected(list: readonly WaveSite[], rule: Rules): Verdict["kind"] {
  const count = (...outcomes: Outcome[]) => list.filter(({ progress }) => outcomes.includes(progress.outcome)).length;
  const reachable = list.length - count("ahead", "skipped", "ineligible");
  const counted = reachable - count("offline", "held", "deferred");
  const failures = count("failed", "reverted", "timedOut");
  const ended = failures + count("succeeded");
  const hold = list.filter((site) => site.progress.outcome === "succeeded" && site.healthyFor >= rule.soak).length;
  if (reachable === 0) return "pause";
  const judged = ended >= rule.minSample || ended === counted;
  if (judged && failures * 100 > rule.over * ended) return "pause";
  const hope = counted - failures;
  if (counted > 0 && (hope === 0 || hope * 100 < rule.success * counted)) return "pause";
  const quorum = counted > 0 && counted * 100 >= rule.quorum * reachable;
  return quorum && hold > 0 && hold * 100 >= rule.success * counted ? "pass" : "wait";
}

describe("gate", () => {
  it("decides as plain counting does", () => {
    fc.assert(
      fc.property(sites, rules, (list, rule) => {
        expect(asked(list, rule).kind).toBe(expected(list, rule));
      }),
      { numRuns: 2000 },
    );
  });

  it("says how long the share that it asks for has held, not how long the last straggler has", () => {
    const list = [
      siteOf("a", "succeeded", 9),
      siteOf("b", "succeeded", 6),
      siteOf("c", "succeeded", 1),
      siteOf("d", "notified", 0),
    ];
    const verdict = asked(list, { quorum: 50, success: 50, over: 0, minSample: 1, soak: 10 });
    expect(verdict).toEqual({
      kind: "wait",
      because: {
        kind: "soaking",
        wave: "w",
        healthy: 3,
        of: 4,
        needed: 2,
        shortestSeconds: 6,
        soakSeconds: 10,
        waitingFor: some("notified", "d"),
        ...NOBODY_AWAY,
      },
    });
  });
});

describe("shares", () => {
  it("are exact where floating point is not", () => {
    expect(0.29 * 100).toBeLessThan(29);
    expect(isOver(29, "29%", 100)).toBe(false);
    expect(isOver(30, "29%", 100)).toBe(true);
    expect(atLeast("29%", 100)).toBe(29);
    expect(atLeast("0.1%", 1001)).toBe(2);
    expect(atLeast("33.333%", 100_000)).toBe(33_333);
  });
});
