import { describe, expect, it } from "vitest";
import type { Done } from "../../../agent/apply/execute.ts";
import type { ApplyPlan } from "../../../agent/plan/plan.ts";
import { eventOf, eventsOf } from "../../../agent/report/events.ts";
import {
  type BundleSituation,
  isDue,
  reportOf,
  type Situation,
  type Unnumbered,
} from "../../../agent/report/report.ts";
import { sorted } from "../../../shared/canonical.ts";
import { eventBatch } from "../../../shared/event.ts";
import { refOf } from "../../../shared/live.ts";
import { encodeFrame } from "../../../shared/node/frame.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { parseAs } from "../../../shared/parse.ts";
import { FRAME_NAMESPACE, topicOf } from "../../../shared/protocol.ts";
import { ITEM_STATES, report } from "../../../shared/report.ts";
import { configMap, keys, NOW } from "../../support/fleet.ts";
import { holdOf, marksOf } from "../target/sample.ts";

const BOOT = "0123456789abcdef";

function situation(bundle: Partial<BundleSituation> = {}, changes: Partial<Situation> = {}): Situation {
  const whole: BundleSituation = {
    hold: holdOf({ runs: "committed v2", previous: "v1", failed: ["v3"] }),
    marks: marksOf({ runs: "committed v2" }),
    flags: [],
    summary: { total: 3, healthy: 2, verdict: { health: "progressing", because: "a pod is not ready" } },
    drifted: 1,
    healthyForMs: 1_999,
    waitingOn: "a pod is not ready",
    ...bundle,
  };
  const numbers = { boot: BOOT, assignment: [1, 4] as const, root: 2, record: 3, now: NOW, synced: true, held: null };
  return { ...numbers, head: null, withheldSince: null, bundles: [whole], refused: [], prepared: [], ...changes };
}

describe("a report", () => {
  it("says what is prepared beside its items, and nothing where nothing is", () => {
    const prepared = { bundle: "till", digest: "d".repeat(32), values: "", record: 1, diff: "e".repeat(32) };
    expect(reportOf(situation({}, { prepared: [prepared] })).prepared).toEqual([prepared]);
    expect(reportOf(situation())).not.toHaveProperty("prepared");
  });

  it("says what runs and how it is, in the format of the wire", () => {
    const made = reportOf(situation());
    expect(made.items[0]).toEqual({
      bundle: "pos",
      digest: `v2${"0".repeat(30)}`,
      values: "",
      record: 1,
      state: "committed",
      since: "2026-11-02T08:00:00Z",
      healthyFor: 1,
      marks: [
        [1, 2],
        [1, 1],
      ],
      previous: `v1${"0".repeat(30)}`,
      failed: { digest: `v3${"0".repeat(30)}`, record: 1, code: "unhealthy" },
      waitingOn: "a pod is not ready",
      objects: { total: 3, healthy: 2, drifted: 1 },
    });
  });

  it("says while a phase without return is through and nothing was committed since", () => {
    const passed = { version: "1.2.0", pair: [1, 2] as [number, number], phase: "migrate" };
    const hold = { ...holdOf({ runs: "verifying v2", committed: "v1" }), passed };
    expect(reportOf(situation({ hold, flags: ["epoch"] })).items[0]?.flags).toEqual(["epoch", "no-return"]);
    expect(reportOf(situation()).items[0]).not.toHaveProperty("flags");
  });

  it("names the values of what ran before and of what was given up, where they are not the empty ones", () => {
    const { hold } = situation().bundles[0] ?? {};
    if (hold?.previous === undefined || hold.previous === null) throw new Error("no previous");
    const [values, other] = ["00000000000000aa", "00000000000000bb"];
    const failed = hold.failed.map((entry) => Object.assign({}, entry, { values: other, record: 2 }));
    const made = reportOf(situation({ hold: { ...hold, previous: { ...hold.previous, values }, failed } }));
    expect(made.items[0]).toMatchObject({
      previousValues: values,
      failed: { digest: `v3${"0".repeat(30)}`, values: other, record: 2, code: "unhealthy" },
    });
  });

  it("leaves out what there is nothing to say of, and cuts what is too long", () => {
    const hold = hex(holdOf({ runs: "applying v1", committed: "none" }));
    const made = reportOf(situation({ hold, waitingOn: "x".repeat(500) }, { assignment: null }));
    const parsed = parseAs(report, { number: 1, ...made }, "report");
    expect(Object.keys(made)).not.toContain("assignment");
    expect(Object.keys(made)).not.toContain("refused");
    expect(Object.keys(made.items[0] ?? {})).not.toContain("previous");
    expect(parsed.items[0]?.waitingOn).toHaveLength(200);
  });

  it.each(ITEM_STATES)("fits its schema in state %s", (state) => {
    const hold = {
      ...hex(holdOf({ runs: `${state} v2` })),
      failed: [{ ...hex(holdOf({ runs: "failed v3" })).running, code: "kube" as const }],
    };
    const made = reportOf(situation({ hold }, { refused: [{ bundle: "pos", digest: "a".repeat(64), code: "scope" }] }));
    expect(parseAs(report, { number: 1, ...made }, "report").items[0]?.state).toBe(state);
  });
});

it("a report of one bundle at rest costs little on the wire", () => {
  const hold = {
    ...holdOf({ runs: "committed v2" }),
    running: { ...hex(holdOf({ runs: "committed v2" })).running, digest: sha256Hex(Buffer.from("running")) },
    previous: { ...hex(holdOf({ runs: "committed v1" })).running, digest: sha256Hex(Buffer.from("previous")) },
  };
  const summary = { total: 41, healthy: 41, verdict: { health: "healthy" } as const };
  const made = reportOf(
    situation(
      { hold, summary, drifted: 0, waitingOn: null },
      { head: 77, boot: sha256Hex(Buffer.from("boot")).slice(0, 16) },
    ),
  );
  const json = sorted({ number: 4_711, ...made });
  const topic = topicOf("shops", "s-1", "up/report");
  const frame = encodeFrame({
    topic,
    namespace: FRAME_NAMESPACE["up/report"],
    json,
    format: "deflate",
    key: keys.report,
  });
  expect(frame.byteLength).toBeLessThanOrEqual(205);
});

describe("a report is due", () => {
  const first = reportOf(situation());
  const after = (changes: Partial<Situation>, bundle: Partial<BundleSituation> = {}): Unnumbered =>
    reportOf(situation(bundle, changes));
  const last = { report: first, at: 1_000 };

  it.each<[string, boolean, Unnumbered, Parameters<typeof isDue>[1], number]>([
    ["before there was one", true, first, null, 0],
    ["not where nothing changed", false, first, last, 1_000],
    ["not for the passing of time", false, after({ now: NOW + 5_000 }, { healthyForMs: 6_999 }), last, 6_000],
    ["when health begins to hold", true, first, { report: after({}, { healthyForMs: 0 }), at: 0 }, 1],
    ["when health breaks", true, after({}, { healthyForMs: 0 }), last, 1_001],
    ["when drift is seen", true, after({}, { drifted: 2 }), last, 1_001],
    ["when another assignment was taken", true, after({ assignment: [1, 5] }), last, 1_001],
    [
      "when something was refused",
      true,
      after({ refused: [{ bundle: "pos", digest: "a".repeat(64), code: "scope" }] }),
      last,
      1_001,
    ],
    ["not just before its time", false, first, last, 60_999],
    ["at its time", true, first, last, 61_000],
  ])("%s", (_title, expected, current, before, now) => {
    expect(isDue(current, before, now, 60_000)).toBe(expected);
  });
});

describe("events of what was done", () => {
  const ref = refOf(configMap("till"));
  const apply = (because: "absent" | "changed" | "drift" | "unsettled") =>
    ({ do: "apply", stage: 2, ref, object: configMap("till"), hash: "h", because }) as const;
  const remove = { do: "delete", stage: 98, ref, uid: "u", because: "pruned" } as const;
  const twenty = Array.from({ length: 20 }, () => remove);
  const kinds = (runs: string, steps: ApplyPlan["steps"], more: Partial<Done> = {}) =>
    eventsOf(
      holdOf({ runs }),
      steps.map((step) => ({ step, ...more })),
    ).map(({ kind, words }) => [kind, words]);

  it("drift is told where nothing was to change", () => {
    expect(kinds("committed v1", [apply("drift"), apply("absent"), apply("unsettled")])).toEqual([
      ["drift", "was edited; put back"],
      ["drift", "was deleted; made again"],
      ["drift", "was edited or deleted; put back"],
    ]);
  });

  it("with what differed, where that was read", () => {
    const found = { did: "applied", words: ".data.a changed by kubectl-edit" } as const;
    expect(kinds("committed v1", [apply("drift")], found)).toEqual([
      ["drift", ".data.a changed by kubectl-edit; put back"],
    ]);
  });

  it("what is left as it is, is told as that; what is the autoscaler's is not", () => {
    const look = { do: "look", stage: 2, ref, object: configMap("till"), hash: "h" } as const;
    expect(kinds("committed v1", [look, apply("drift")], { did: "left", words: ".data.a changed by x" })).toEqual([
      ["drift", ".data.a changed by x; left so, as the bundle says"],
      ["drift", "contested: .data.a changed by x, again and again; put back less often"],
    ]);
    expect(kinds("committed v1", [apply("drift")], { did: "kept", words: ".spec.replicas changed by hpa" })).toEqual(
      [],
    );
  });

  it("what had to be made anew is told during a move too", () => {
    expect(kinds("applying v1", [apply("changed")], { did: "recreated" })).toEqual([
      ["recreated", "a field of it cannot change"],
    ]);
  });

  it("an object that never settled is no drift where the version itself never held", () => {
    expect(kinds("failed v1", [apply("unsettled")])).toEqual([]);
  });

  it.each(["applying v1", "verifying v1", "reverting v1"])("and is part of the move while it is %s", (runs) => {
    expect(kinds(runs, [apply("drift"), apply("absent")])).toEqual([]);
  });

  it("what was deleted is told always, what was forgotten only where it is gone", () => {
    const forget = { do: "forget", stage: 98, ref, gone: false } as const;
    expect(kinds("applying v1", [remove, forget])).toEqual([["pruned", undefined]]);
    expect(kinds("applying v1", [{ ...forget, gone: true }])).toEqual([["pruned", "was gone already"]]);
  });

  it("many at once become one of each kind", () => {
    expect(kinds("committed v1", twenty)).toHaveLength(20);
    expect(kinds("committed v1", [...twenty, apply("drift")])).toEqual([
      ["pruned", "20 objects"],
      ["drift", "1 objects"],
    ]);
  });

  it("fit their schema, however long the words", () => {
    const made = eventOf(
      "pos",
      { kind: "refused", digest: "a".repeat(64), code: "scope", words: "x".repeat(999), object: "y".repeat(600) },
      NOW,
    );
    const [event] = parseAs(eventBatch, { boot: BOOT, events: [{ number: 1, ...made }] }, "event").events;
    expect(event).toMatchObject({ bundle: "pos", digest: "a".repeat(32), at: "2026-11-02T08:00:00Z" });
    expect(event?.words).toHaveLength(300);
    expect(event?.object).toHaveLength(400);
  });
});

/** The versions of the table have digests that a person can read; the wire wants hexadecimal ones. */
function hex(hold: ReturnType<typeof holdOf>): typeof hold {
  const digest = hold.running.digest.replace("v", "a");
  return { ...hold, running: { ...hold.running, digest }, previous: null };
}
