import { describe, expect, it } from "vitest";
import type { Hold } from "../../../agent/cache/cache.ts";
import { begin, commit, giveUp, verifying } from "../../../agent/target/hold.ts";
import { goesUp, withJobs } from "../../../agent/target/jobs.ts";
import { holdOf, marksOf, SINCE, type SiteWords, version } from "./sample.ts";

describe("a move runs Jobs", () => {
  it.each<[string, SiteWords | null, string, boolean]>([
    ["at a first install", null, "v1", true],
    ["to a higher version", { runs: "committed v1" }, "v2", true],
    ["not back", { runs: "committed v2" }, "v1", false],
    ["not to the same version with other values or another record", { runs: "committed v2" }, "v2", false],
    ["from one that is under way to a higher one", { runs: "applying v2", committed: "v1" }, "v3", true],
    [
      "not from one that is under way to a lower one, whose Jobs may not follow its own",
      { runs: "applying v3", committed: "v1" },
      "v2",
      false,
    ],
    [
      "again, where it was given up and is tried again",
      { runs: "reverted v1", committed: "v1", failed: ["v2"] },
      "v2",
      true,
    ],
    ["again, where a first install failed", { runs: "failed v1", committed: "none" }, "v1", true],
    ["not down from a first install that failed", { runs: "failed v2", committed: "none" }, "v1", false],
  ])("%s", (_title, site, to, expected) => {
    const hold = site === null ? null : holdOf(site);
    expect(goesUp(hold, site === null ? null : marksOf(site), version(to))).toBe(expected);
  });

  it("not of what the marks say was committed here, though the disk was lost", () => {
    const marks = marksOf({ runs: "committed v2" });
    expect([goesUp(null, marks, version("v2")), goesUp(null, marks, version("v3"))]).toEqual([false, true]);
    expect(goesUp(holdOf({ runs: "failed v2", committed: "none" }), marks, version("v2"))).toBe(false);
  });
});

describe("what is on record of Jobs", () => {
  const ref = (name: string) => ({ apiVersion: "batch/v1", kind: "Job", namespace: "shop", name });
  const start = (hold: Hold | null, name: string, up = true) =>
    begin(hold, "pos", { state: version(name), run: "r-1", up }, SINCE);
  const words = (hold: Hold) =>
    (hold.jobs ?? []).map(({ object, version: of, uid, result }) => `${object.name} ${of} ${uid} ${result}`);
  const ran = (hold: Hold, result: "complete" | "failed") =>
    withJobs(withJobs(hold, [{ object: ref("a"), uid: "u" }]), [{ object: ref("a"), result }]);

  it("is what was begun, its uid, and how it ended", () => {
    const begun = withJobs(start(null, "v1"), [{ object: ref("a") }, { object: ref("b") }]);
    expect(words(begun)).toEqual(["a v1 null null", "b v1 null null"]);
    expect(words(ran(begun, "complete"))).toEqual(["a v1 u complete", "b v1 null null"]);
    // Sent again after a kill: nothing is lost of what was known.
    expect(words(withJobs(ran(begun, "complete"), [{ object: ref("a") }]))).toEqual([
      "a v1 u complete",
      "b v1 null null",
    ]);
  });

  it("outlives a return, and makes room for the next move up", () => {
    const one = commit(verifying(start(null, "v1"), SINCE), SINCE);
    const two = ran(start(one, "v2"), "complete");
    const back = giveUp(two, "unhealthy", SINCE);
    expect([back.up, words(back)]).toEqual([false, ["a v2 u complete"]]);
    expect(words(commit(back, SINCE))).toEqual(["a v2 u complete"]);
    expect(words(start(commit(back, SINCE), "v3"))).toEqual([]);
    expect(words(start(commit(verifying(two, SINCE), SINCE), "v1", false))).toEqual(["a v2 u complete"]);
  });

  it("keeps what is done where the same version is tried again before the site went back, and forgets the rest", () => {
    const one = commit(verifying(start(null, "v1"), SINCE), SINCE);
    const stuck = giveUp(
      withJobs(ran(start(one, "v2"), "complete"), [{ object: ref("b"), uid: "gone" }]),
      "not-found",
      SINCE,
      true,
    );
    const again = start(stuck, "v2", false);
    expect([again.up, words(again)]).toEqual([true, ["a v2 u complete"]]);
    expect(words(start(giveUp(ran(start(null, "v1"), "failed"), "kube", SINCE), "v1"))).toEqual([]);
  });
});
