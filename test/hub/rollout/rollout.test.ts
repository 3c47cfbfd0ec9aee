import { describe, expect, it } from "vitest";
import { unsupportedInRollout } from "../../../shared/rollout.ts";
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

  it("may have every key of the format, and names those that are not acted on yet", () => {
    const spec = specOf({
      sites: { matchExpressions: [{ key: "role", operator: "In", values: ["store"] }] },
      values: { REPLICAS: 2 },
      prepare: { ready: "99%" },
      waves: [
        { name: "lab", sites: { ring: "lab" }, soak: "10m", success: "100%" },
        { name: "canary", take: "2%", spread: ["region", "model"], soak: "2h", success: "99%" },
        { name: "early", upTo: "25%", approve: 1, soak: "1d" },
        { name: "rest" },
      ],
      quorum: "50%",
      pace: { concurrent: 200, perMinute: 300, ramp: 1.5 },
      // oxlint-disable-next-line unicorn/no-thenable -- the file's own key
      failure: { over: "2%", minSample: 5, then: "revertWave" },
      site: { deadline: "30m", offlineAfter: "5m", reportEvery: "60s" },
      offlineAtMost: "20%",
      late: "ignore",
      windows: [{ cron: "0 2 * * *", for: "3h", zone: "site" }],
      after: [{ rollout: "pos-staging", soak: "1d" }],
      lane: "emergency",
    });
    expect(unsupportedInRollout(spec)).toEqual(["/prepare"]);
  });

  it("is fine with empty and default values of what is not acted on", () => {
    const waves = [{ name: "lab", sites: { ring: "lab" }, take: 3 }];
    expect(unsupportedInRollout(specOf({ values: {}, waves, late: "next", windows: [], after: [] }))).toEqual([]);
  });
});

describe("verbs", () => {
  it("are legal where the table says so", () => {
    expect(Object.fromEntries(PHASES.map((phase) => [phase, legalVerbs(phase)]))).toEqual({
      planned: ["pause", "approve", "skip", "abort"],
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
