import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Hold, Marks, State } from "../../../agent/cache/cache.ts";
import { begin, commit, giveUp, pass, sameState, verifying } from "../../../agent/target/hold.ts";
import { target } from "../../../agent/target/target.ts";
import { comparePairs } from "../../../shared/names.ts";
import { memoryCache } from "../../support/cache.ts";
import { assignmentOf, attemptOf, SINCE, siteAt, version } from "./sample.ts";

const start = (hold: Hold | null, name: string, run = "r-1") =>
  begin(hold, "pos", { state: version(name), run, up: true }, SINCE);
const committed = (hold: Hold | null, name: string) => commit(verifying(start(hold, name), SINCE), SINCE);
/** Runs, state, committed, previous, failed: a hold at a glance. */
function glance(hold: Hold): string {
  const failed = hold.failed.map((entry) => entry.digest.slice(0, 2)).join("+") || "-";
  const name = (state: State | null) => state?.version ?? "-";
  return `${hold.state} ${hold.running.version}, committed ${name(hold.committed)}, previous ${name(hold.previous)}, failed ${failed}`;
}

describe("a bundle's place at a site", () => {
  it("first install to a second version", () => {
    const first = start(null, "v1");
    expect(glance(first)).toBe("applying v1, committed -, previous -, failed -");
    expect(glance(verifying(first, SINCE))).toBe("verifying v1, committed -, previous -, failed -");
    const one = committed(null, "v1");
    expect(glance(one)).toBe("committed v1, committed v1, previous -, failed -");
    const moving = start(one, "v3");
    expect(glance(moving)).toBe("applying v3, committed v1, previous -, failed -");
    expect(glance(commit(verifying(moving, SINCE), SINCE))).toBe("committed v3, committed v3, previous v1, failed -");
  });

  it("a version that is given up: back to what was committed", () => {
    const back = giveUp(start(committed(null, "v1"), "v2"), "unhealthy", SINCE);
    expect(glance(back)).toBe("reverting v1, committed v1, previous -, failed v2");
    expect(glance(verifying(back, SINCE))).toBe(glance(back));
    expect(glance(commit(back, SINCE))).toBe("reverted v1, committed v1, previous -, failed v2");
  });

  it("remembers the last failed states, however many values a hub invents", () => {
    let hold = committed(null, "v1");
    for (let each = 0; each < 200; each += 1) {
      const state = { ...version("v2"), values: each.toString(16).padStart(16, "0") };
      hold = giveUp(begin(hold, "pos", { state, run: "r-1", up: true }, SINCE), "unhealthy", SINCE);
    }
    expect(hold.failed.length).toBe(64);
    expect(hold.failed.at(-1)?.values).toBe((199).toString(16).padStart(16, "0"));
  });

  it("a first install that is given up stays as it is: there is nothing to return to", () => {
    const failed = giveUp(start(null, "v1"), "kube", SINCE);
    expect(glance(failed)).toBe("failed v1, committed -, previous -, failed v1");
    expect(failed.failed[0]?.code).toBe("kube");
    expect(glance(start(failed, "v2"))).toBe("applying v2, committed -, previous -, failed v1");
  });

  it("a return that is given up, too, is stuck, and does not loop", () => {
    const back = giveUp(start(committed(null, "v1"), "v2"), "unhealthy", SINCE);
    const stuck = giveUp(back, "unhealthy", SINCE);
    expect(glance(stuck)).toBe("stuck v1, committed v1, previous -, failed v2");
    expect(glance(commit(stuck, SINCE))).toBe("committed v1, committed v1, previous -, failed v2");
  });

  it("what was committed and is moved to again is never remembered as failed", () => {
    const returned = start(start(committed(null, "v1"), "v2"), "v1");
    expect(glance(giveUp(returned, "unhealthy", SINCE))).toBe("stuck v1, committed v1, previous -, failed -");
  });

  it("a retry is remembered until the state is committed, so that each run gets one", () => {
    const reverted = commit(giveUp(start(committed(null, "v1"), "v2"), "unhealthy", SINCE), SINCE);
    const again = start(reverted, "v2", "r-2");
    expect(again.failed).toMatchObject([{ code: "unhealthy", retried: "r-2" }]);
    expect(giveUp(again, "kube", SINCE).failed).toMatchObject([{ code: "kube", retried: "r-2" }]);
    expect(commit(again, SINCE).failed).toEqual([]);
  });

  it("going back keeps where it came from", () => {
    const two = committed(committed(null, "v1"), "v2");
    expect(glance(committed(two, "v1"))).toBe("committed v1, committed v1, previous v2, failed -");
  });

  it("the same version with another record is another state", () => {
    const one = committed(null, "v1");
    expect(sameState(version("v1"), version("v1", 2))).toBe(false);
    const again = commit(begin(one, "pos", { state: version("v1", 2), run: "r-1", up: true }, SINCE), SINCE);
    expect([again.committed?.record, again.previous?.record]).toEqual([2, 1]);
  });
});

describe("whatever is assigned and however it turns out", () => {
  const words = fc
    .tuple(
      fc.constantFrom("v1", "v2", "v3", "v4", "v5!", "v6"),
      fc.constantFrom("", " back", " retry", " back retry", " expired"),
    )
    .map((parts) => parts.join(""));
  const move = fc.record({
    applied: fc.boolean(),
    refused: fc.boolean(),
    health: fc.constantFrom<("healthy" | "progressing" | "failed")[]>("healthy", "progressing", "failed"),
    healthyFor: fc.constantFrom("0", "60s"),
    lasts: fc.constantFrom("1s", "600s"),
    broken: fc.boolean(),
    passed: fc.constantFrom(false, false, true),
    asks: fc.constantFrom(false, false, false, true),
  });

  /** Every decision of a site under these assignments and moves, each with hold and marks before and after it. */
  function* play(turns: readonly (readonly [string, Parameters<typeof attemptOf>[0]])[]) {
    const cache = memoryCache();
    const marks = () => cache.marks().get("pos") ?? null;
    let hold: Hold | null = null;
    for (const [assigned, moving] of turns) {
      const before: { hold: Hold | null; marks: Marks | null } = { hold, marks: marks() };
      const wanted = assignmentOf(assigned);
      const decision = target({ ...siteAt(), wanted, hold, marks: marks(), attempt: attemptOf(moving) });
      if (decision.do === "start") hold = begin(hold, "pos", decision, SINCE);
      else if (hold !== null && decision.do === "verify") hold = verifying(hold, SINCE);
      else if (hold !== null && decision.do === "pass") hold = pass(hold, decision.phase);
      else if (hold !== null && decision.do === "commit") {
        hold = commit(hold, SINCE);
        // As the cycle does, in the transaction of the commit.
        if (hold.state === "committed") cache.raiseMarks("pos", hold.running);
      } else if (hold !== null && decision.do === "give-up") hold = giveUp(hold, decision.code, SINCE, decision.asks);
      yield { decision, before: before.hold, after: hold, marks: { before: before.marks, after: marks() } };
    }
  }

  it("no mark ever falls, and marks rise at a commit only", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(words, move), { maxLength: 40 }), (turns) => {
        for (const { decision, marks } of play(turns)) {
          const { before: old, after: fresh } = marks;
          if (decision.do !== "commit") expect(fresh).toEqual(old);
          if (old === null || fresh === null) continue;
          expect(comparePairs(fresh.pair, old.pair)).toBeGreaterThanOrEqual(0);
          expect(comparePairs(fresh.floor, old.floor)).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("nothing below the floor is begun but what the site itself ran before", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(words, move), { maxLength: 40 }), (turns) => {
        for (const { decision, before, marks } of play(turns)) {
          if (decision.do !== "start" || marks.before === null) continue;
          const own = [before?.committed, before?.previous].some((state) => state?.digest === decision.state.digest);
          expect(own || comparePairs(decision.state.pair, marks.before.floor) >= 0).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("what failed is begun again only where retry is said, and what is committed is never among the failed", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(words, move), { maxLength: 40 }), (turns) => {
        for (const { decision, before, after } of play(turns)) {
          const { committed: last = null, failed = [] } = after ?? {};
          expect(failed.some((entry) => last !== null && entry.digest === last.digest)).toBe(false);
          if (decision.do !== "start") continue;
          const failedBefore = before?.failed.find((entry) => entry.digest === decision.state.digest);
          expect(decision.because).toBe(failedBefore === undefined ? "assigned" : "retry");
          // Never twice for one run: that would be a loop.
          expect(failedBefore?.retried).not.toBe(decision.run);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("a site that has committed something runs it, or moves to or from it: it is never left failed", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(words, move), { maxLength: 40 }), (turns) => {
        for (const { after } of play(turns)) {
          if (after === null || after.committed === null) continue;
          expect(after.state).not.toBe("failed");
          if (["committed", "reverting", "reverted"].includes(after.state))
            expect(after.running.digest).toBe(after.committed.digest);
          // Stuck is a return that fails, or what waits for a person.
          const waits = after.failed.some((entry) => entry.digest === after.running.digest);
          if (after.state === "stuck") expect(waits || after.running.digest === after.committed.digest).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("behind a phase without return nothing older is run, until something is committed", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(words, move), { maxLength: 40 }), (turns) => {
        for (const { before, after } of play(turns)) {
          if (before?.passed === undefined || after === null) continue;
          expect(comparePairs(after.running.pair, before.passed.pair)).toBeGreaterThanOrEqual(0);
          expect(after.passed !== undefined || after.state === "committed").toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
