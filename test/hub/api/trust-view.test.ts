import { describe, expect, it } from "vitest";
import { fleetView as schema } from "../../../hub/api/contract.ts";
import { fleetView } from "../../../hub/api/view.ts";
import type { FleetMember } from "../../../hub/registry/site.ts";
import type { Run } from "../../../hub/rollout/run.ts";
import type { Report } from "../../../shared/report.ts";
import { inWords, NOW, runOf, seen, siteOf, snapshotOf } from "./sample.ts";

function viewOf(member: FleetMember, runs: readonly Run[] = []) {
  const view = fleetView(snapshotOf({ members: [member], runs: runs.map((run) => seen(run)) }), inWords);
  expect(schema.safeParse(view).error?.issues ?? []).toEqual([]);
  const [site] = view.sites;
  if (site === undefined) throw new Error("the site is gone");
  return site;
}

describe("what the root, the heads and the records say of a site", () => {
  const said = (change: Partial<Report>, more: Partial<FleetMember> = {}) => {
    const member = siteOf("s-1");
    Object.assign(member.site.report?.body ?? {}, change);
    return viewOf({ ...member, ...more });
  };

  it("flags come as reported, with the epoch of the delegation by the root that the hub holds", () => {
    const [bundle] = viewOf(siteOf("s-1", { flags: ["key-left", "epoch"] })).bundles;
    expect(bundle).toMatchObject({ flags: ["key-left", "epoch"], epoch: 1 });
    const members = [siteOf("s-1", { flags: ["epoch"] })];
    const before = fleetView(snapshotOf({ members, root: null }), inWords);
    expect([before.root, before.sites[0]?.bundles[0]?.epoch]).toEqual([0, null]);
    expect(viewOf(siteOf("s-1")).bundles[0]?.flags).toEqual([]);
    expect(viewOf(siteOf("s-1", { flags: ["key-left"] })).condition).toBe("healthy");
  });

  it("knows its head, and since when news may be kept from it", () => {
    expect(said({})).toMatchObject({ head: null, withheld: null, synced: true });
    expect(said({ head: 7 })).toMatchObject({ head: 7, withheld: null });
    const withheld = "2026-11-01T08:00:00Z";
    expect(said({ head: 7, withheld, synced: false })).toMatchObject({ head: 7, withheld, synced: false });
  });

  it("every refused version has its code, and the site's words where it told them", () => {
    const [a, b] = ["ab".repeat(16), "cd".repeat(16)];
    const member = siteOf(
      "s-1",
      {},
      { site: { refusals: [{ bundle: "pos", digest: b, words: "1 of 2 signatures" }] } },
    );
    const body = member.site.report?.body;
    if (body !== undefined) {
      body.refused = [
        { bundle: "pos", digest: a, code: "scope" },
        { bundle: "pos", digest: b, code: "threshold" },
      ];
    }
    expect(viewOf(member).bundles[0]?.refused).toEqual([
      { digest: a, version: null, code: "scope", words: null },
      { digest: b, version: null, code: "threshold", words: "1 of 2 signatures" },
    ]);
  });

  it.each([
    ["stuck", { state: "stuck" }, {}],
    ["away", {}, { presence: "offline" }],
    ["never heard", {}, { heardAt: 0, report: null }],
  ] as const)("retired it is no failure, though it is %s", (_words, item, site) => {
    const member = siteOf("s-1", item, { site });
    const view = viewOf({ ...member, barred: "its site record says that it is retired", retired: true });
    expect([view.condition, view.barred]).toEqual(["retired", null]);
  });

  it("says why it is given nothing new", () => {
    expect(said({}, { barred: "its site record does not hold" })).toMatchObject({
      condition: "healthy",
      barred: "its site record does not hold",
    });
  });

  it("ahead of a run it says of which, until that run is over", () => {
    const ahead = runOf({ "s-1": [0, "ahead"] });
    expect(viewOf(siteOf("s-1"), [ahead]).bundles[0]?.ahead).toEqual({ version: "1.2.0", run: "pos-2" });
    const over = { ...ahead, phase: { kind: "superseded", by: "pos-3", at: NOW } } as const;
    expect(viewOf(siteOf("s-1"), [over]).bundles[0]?.ahead).toBeNull();
    expect(viewOf(siteOf("s-1"), [runOf({ "s-1": [0, "succeeded"] })]).bundles[0]?.ahead).toBeNull();
  });
});
