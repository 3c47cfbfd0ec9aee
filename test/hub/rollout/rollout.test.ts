import { describe, expect, it } from "vitest";
import { isLegal, legalVerbs, PHASES } from "../../../shared/verbs.ts";
import { specOf } from "./samples.ts";

describe("a rollout file", () => {
  it("says what its defaults are", () => {
    expect(specOf({ waves: [{ name: "lab", take: "2%" }] })).toEqual({
      kind: "Rollout/v1",
      bundle: "pos",
      version: "1.2.0",
      sites: {},
      values: {},
      waves: [{ name: "lab", take: "2%", soak: "0", success: "100%" }],
      quorum: "50%",
      // oxlint-disable-next-line unicorn/no-thenable -- the file's own key
      failure: { over: "0%", minSample: 1, then: "pause" },
      site: { deadline: "30m", offlineAfter: "5m", reportEvery: "60s" },
      late: "next",
    });
  });
});

describe("verbs", () => {
  it("are legal where the table says so", () => {
    expect(Object.fromEntries(PHASES.map((phase) => [phase, legalVerbs(phase)]))).toEqual({
      planned: ["pause", "approve", "skip", "abort"],
      preparing: ["pause", "approve", "promote", "skip", "retry", "abort"],
      rolling: ["pause", "approve", "promote", "skip", "retry", "revert", "abort"],
      paused: ["resume", "approve", "promote", "skip", "retry", "revert", "abort"],
      completed: ["retry", "revert", "start"],
      reverting: ["abort"],
      reverted: ["start"],
      aborted: ["start"],
      superseded: [],
    });
    expect(isLegal("resume", "rolling")).toBe(false);
  });
});
