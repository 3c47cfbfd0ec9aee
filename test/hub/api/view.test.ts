import { describe, expect, it } from "vitest";
import { fleetView as schema } from "../../../hub/api/contract.ts";
import { versionsOf } from "../../../hub/api/versions.ts";
import { eventView, fleetView, rolloutList } from "../../../hub/api/view.ts";
import type { FleetMember } from "../../../hub/registry/site.ts";
import type { Because } from "../../../hub/rollout/because.ts";
import type { Run } from "../../../hub/rollout/run.ts";
import { legalVerbs, type PhaseKind } from "../../../shared/verbs.ts";
import { digestOf, memberOf, NOBODY_AWAY, some } from "../rollout/samples.ts";
import { inWords, NOW, runOf, seen, siteOf, snapshotOf } from "./sample.ts";

const HOUR = 3_600_000;

function viewOf(member: FleetMember, runs: readonly Run[] = []) {
  const view = fleetView(snapshotOf({ members: [member], runs: runs.map((run) => seen(run)) }), inWords);
  expect(schema.safeParse(view).error?.issues ?? []).toEqual([]);
  const [site] = view.sites;
  if (site === undefined) throw new Error("the site is gone");
  return site;
}

const run2 = runOf({ "s-1": [0, "succeeded"] });
const failedOn2 = { digest: digestOf(2).slice(0, 32), code: "unhealthy" } as const;

/** No wave of these asks for an approval, and no site failed. */
function offered(phase: PhaseKind) {
  return legalVerbs(phase).filter((verb) => verb !== "approve" && verb !== "retry");
}

describe("connection", () => {
  it.each([
    ["never heard", { heardAt: 0, report: null, presence: "online" }, "never"],
    ["heard, and there", {}, "online"],
    ["heard, and the bus says away", { presence: "offline" }, "offline"],
    ["heard, and the bus has not said", { presence: "unknown" }, "unknown"],
    ["silent for 13 hours at rest", { heardAt: NOW - 13 * HOUR }, "online"],
    ["silent for longer", { heardAt: NOW - 13 * HOUR - 1 }, "offline"],
  ] as const)("%s: %s", (_words, site, connection) => {
    expect(viewOf(siteOf("s-1", {}, { site })).connection).toBe(connection);
  });

  it("in the open wave it is three times the cadence of the run, once the assignment was taken", () => {
    const quiet = (silentMs: number) => siteOf("s-1", {}, { site: { heardAt: NOW - silentMs } });
    expect(viewOf(quiet(180_000), [run2]).connection).toBe("online");
    expect(viewOf(quiet(180_001), [run2]).connection).toBe("offline");
    expect(viewOf(quiet(180_001), [runOf({ "s-1": [0, "notified"] })]).connection).toBe("online");
    expect(viewOf(quiet(180_001), [runOf({ "s-1": [1, "succeeded"] })]).connection).toBe("online");
    const completed = runOf({ "s-1": [0, "succeeded"] }, { phase: { kind: "completed", at: NOW } });
    expect(viewOf(quiet(180_001), [completed]).connection).toBe("online");
  });

  it("a site that did not answer a run's assignment is shown offline until that run is over", () => {
    const unanswered = { "s-1": [0, "offline"] } as const;
    expect(viewOf(siteOf("s-1"), [runOf(unanswered)]).connection).toBe("offline");
    const aborted = runOf(unanswered, { phase: { kind: "aborted", who: "ann", reason: "no", at: NOW } });
    expect(viewOf(siteOf("s-1"), [aborted]).connection).toBe("online");
  });
});

describe("condition", () => {
  const reported = (ms: number) => {
    const { site } = siteOf("s-1");
    return { report: site.report === null ? null : { ...site.report, at: NOW - ms } };
  };

  it.each([
    ["healthy", siteOf("s-1", {})],
    ["healthy", siteOf("s-1", { digest: digestOf(2).slice(0, 32) }, { assigned: 2 })],
    ["healthy", siteOf("s-1", { failed: failedOn2 })],
    ["healthy", siteOf("s-1", { state: "reverted", failed: failedOn2 }, { assigned: 1 })],
    ["unhealthy", siteOf("s-1", { objects: { total: 12, healthy: 11, drifted: 0 } })],
    ["moving", siteOf("s-1", {}, { assigned: 2 })],
    ["moving", siteOf("s-1", { state: "verifying" })],
    ["moving", siteOf("s-1", { state: "reverting" })],
    ["failed", siteOf("s-1", { state: "stuck" })],
    ["failed", siteOf("s-1", { state: "reverted", failed: failedOn2 }, { assigned: 2 })],
    ["failed", siteOf("s-1", { state: "failed" }, { site: { presence: "offline" } })],
    ["offline", siteOf("s-1", {}, { site: { presence: "offline" } })],
    ["unknown", siteOf("s-1", {}, { site: { report: null } })],
    ["unknown", siteOf("s-1", {}, { site: { heardAt: 0, report: null } })],
    ["healthy", siteOf("s-1", {}, { site: reported(13 * HOUR) })],
    ["unknown", siteOf("s-1", {}, { site: reported(13 * HOUR + 1) })],
  ])("%s", (condition, member) => {
    expect(viewOf(member).condition).toBe(condition);
  });

  it("without objects it is healthy once it held for a second", () => {
    const withoutObjects = (healthyFor: number) => {
      const member = siteOf("s-1", { healthyFor });
      for (const item of member.site.report?.body.items ?? []) delete item.objects;
      return viewOf(member).condition;
    };
    expect([withoutObjects(0), withoutObjects(1)]).toEqual(["unhealthy", "healthy"]);
  });

  it("a site with nothing to run is empty", () => {
    const member = siteOf("s-1");
    member.site.report?.body.items.splice(0);
    expect(viewOf(member).condition).toBe("empty");
  });

  it("a bundle refused without ever running is a failure with its code", () => {
    const member = siteOf("s-1");
    const body = member.site.report?.body;
    if (body !== undefined) body.refused = [{ bundle: "kiosk", digest: "ab".repeat(16), code: "threshold" }];
    const site = viewOf(member);
    expect(site.condition).toBe("failed");
    expect(site.bundles.map(({ bundle, state, refused }) => [bundle, state, refused.map(({ code }) => code)])).toEqual([
      ["kiosk", "none", ["threshold"]],
      ["pos", "committed", []],
    ]);
  });
});

describe("a site", () => {
  it("names versions that a run brought, and says what it should run", () => {
    const member = siteOf("s-1", {}, { assigned: 2 });
    const [bundle] = viewOf(member, [run2]).bundles;
    expect(bundle).toMatchObject({
      bundle: "pos",
      version: null,
      digest: digestOf(1).slice(0, 32),
      wanted: { version: "1.2.0", digest: digestOf(2).slice(0, 32), run: "pos-2" },
    });
  });

  it("has the age of its report, and a stale one is marked", () => {
    expect(viewOf(siteOf("s-1"))).toMatchObject({ reportAgeSeconds: 1, stale: false, event: 7 });
    expect(viewOf(memberOf("s-2"))).toMatchObject({ reportAgeSeconds: null, stale: false, lastHeard: null });
  });

  it("that was told but has reported nothing yet shows the bundle it should run", () => {
    const member = siteOf("s-1", {}, { assigned: 2, site: { report: null } });
    expect(viewOf(member).bundles).toMatchObject([{ bundle: "pos", state: "none", digest: null }]);
  });
});

describe("a run", () => {
  const outcomes = {
    "s-3": [0, "succeeded"],
    "s-1": [0, "applying"],
    "s-2": [1, "pending"],
    "s-9": [1, "pending"],
  } as const;
  const because: Because = {
    kind: "moving",
    wave: "lab",
    healthy: 1,
    of: 2,
    needed: 2,
    waitingFor: some("applying", "s-1"),
    ...NOBODY_AWAY,
  };

  it("shows its waves with counts, the gate typed and in words, and the verbs that are legal", () => {
    const view = fleetView(snapshotOf({ runs: [seen(runOf(outcomes), because)] }), inWords);
    expect(schema.safeParse(view).error?.issues ?? []).toEqual([]);
    const [run] = view.runs;
    expect(run).toMatchObject({
      phase: "rolling",
      wave: "lab",
      step: "opening",
      because,
      words: "lab: 1 of 2 healthy; waiting for s-1 (applying)",
      verbs: offered("rolling"),
      notNow: [
        { verb: "approve", why: "nobody is asked to approve anything now" },
        { verb: "retry", why: "no site failed that was not tried again already, and none is not ready" },
      ],
    });
    expect(run?.waves.map(({ name, state, counts }) => ({ name, state, counts }))).toEqual([
      { name: "lab", state: "open", counts: { succeeded: 1, applying: 1 } },
      { name: "rest", state: "waiting", counts: { pending: 2 } },
    ]);
    expect(run?.waves[0]?.sites.map(({ site }) => site)).toEqual(["s-3", "s-1"]);
  });

  it("puts those that joined since at the end of their wave", () => {
    const planned = runOf(outcomes);
    const joined = { ...planned, sites: planned.sites.with(runOf({ "s-0": [0, "pending"] }).sites) };
    const [run] = fleetView(snapshotOf({ runs: [seen(joined, because)] }), inWords).runs;
    expect(run?.waves[0]?.sites.map(({ site }) => site)).toEqual(["s-3", "s-1", "s-0"]);
  });

  it.each([
    [{ kind: "planned" }, [null, null]],
    [{ kind: "rolling", wave: 1, step: "soaking", since: NOW }, ["rest", "soaking"]],
    [{ kind: "paused", because: { kind: "file", words: "gone" }, resume: { wave: 1 }, since: NOW }, ["rest", null]],
    [
      { kind: "reverting", wave: null, because: { kind: "file", words: "x" }, left: [], jobs: [], since: NOW },
      [null, null],
    ],
    [
      { kind: "reverted", wave: null, because: { kind: "file", words: "x" }, left: [], jobs: [], at: NOW },
      [null, null],
    ],
    [{ kind: "completed", at: NOW }, [null, null]],
    [{ kind: "aborted", who: "ann", reason: "no", at: NOW }, [null, null]],
    [{ kind: "superseded", by: "pos-3", at: NOW }, [null, null]],
  ] as const)("in phase %j", (phase, [wave, step]) => {
    const [run] = fleetView(snapshotOf({ runs: [seen(runOf(outcomes, { phase }))] }), inWords).runs;
    expect([run?.phase, run?.wave, run?.step, run?.verbs]).toEqual([phase.kind, wave, step, offered(phase.kind)]);
  });

  it("is shown until it is over and another came; the list has all", () => {
    const over = { phase: { kind: "superseded", by: "pos-2", at: NOW } } as const;
    const runs = [
      seen(runOf(outcomes, { id: "pos-1", ...over })),
      seen(runOf(outcomes, { id: "kiosk-1", rollout: "kiosk", ...over })),
      seen(runOf(outcomes)),
    ];
    const snapshot = snapshotOf({ runs });
    expect(fleetView(snapshot, inWords).runs.map(({ id }) => id)).toEqual(["kiosk-1", "pos-2"]);
    expect(rolloutList(snapshot, inWords).runs.map(({ id }) => id)).toEqual(["pos-1", "kiosk-1", "pos-2"]);
  });
});

it("a rollout whose file was deleted or refused says so", () => {
  const rollouts = [
    { name: "pos", commit: "c1", sha256: null, version: "1.2.0", refused: null },
    { name: "kiosk", commit: "c2", sha256: "00".repeat(32), version: null, refused: "schema: unknown key" },
  ];
  expect(fleetView(snapshotOf({ rollouts }), inWords).rollouts).toEqual([
    { name: "kiosk", commit: "c2", version: null, deleted: false, refused: "schema: unknown key" },
    { name: "pos", commit: "c1", version: "1.2.0", deleted: true, refused: null },
  ]);
});

it("an event says when it happened, when it was stored, and which version its digest is", () => {
  const event = { number: 4, at: "2026-11-02T07:59:00Z", kind: "committed", digest: digestOf(2).slice(0, 32) } as const;
  expect(eventView({ row: 9, site: "s-1", at: NOW, event }, versionsOf([seen(run2)]))).toEqual({
    row: 9,
    site: "s-1",
    number: 4,
    at: "2026-11-02T07:59:00Z",
    storedAt: "2026-11-02T08:00:00Z",
    kind: "committed",
    bundle: null,
    digest: digestOf(2).slice(0, 32),
    version: "1.2.0",
    code: null,
    object: null,
    words: null,
  });
});
