import { expect, it } from "vitest";
import type { Assignment } from "../../shared/assignment.ts";
import type { Diff } from "../../shared/diff.ts";
import type { Prepared } from "../../shared/report.ts";
import { openDiff } from "../../shared/verify/diff.ts";
import { ask as askApi } from "../lab/demo/cluster.ts";
import { configMap, type SignedBundle, signedBundle } from "../support/fleet.ts";
import { type AttackedSite, attackedSite, until, v } from "./site.ts";

/** A whole agent that is told to prepare: what it says, that it changes nothing, and what a hub that asks can have of it. */

let number = 0;
const itemOf = (
  { document, digest }: SignedBundle,
  mode: Assignment["mode"],
  changes: Partial<Assignment> = {},
): Assignment => {
  const { name, version, epoch, seq } = JSON.parse(Buffer.from(document.body).toString());
  const rest = { record: 1, run: "r-1", wave: "all", values: {}, reportEvery: "1s", ...changes };
  return { bundle: name, version, digest, pair: [epoch, seq], mode, ...rest };
};

async function assign(site: AttackedSite, ...items: Assignment[]): Promise<void> {
  number += 1;
  const expires = "2099-01-01T00:00:00Z";
  const set = { fleet: "shops", site: "s-1", term: 1, number, root: 1, expires, items };
  await site.hub.send("down/assign", set, { retain: true });
}

const preparedIn = (site: AttackedSite, bundle = "pos"): Prepared | undefined =>
  site.hub.reports.at(-1)?.prepared?.find((each) => each.bundle === bundle);

const preparedOf = (site: AttackedSite, of: SignedBundle): Promise<Prepared | undefined> =>
  until(
    () => preparedIn(site),
    (seen) => seen?.digest === of.digest.slice(0, 32),
    "it was not prepared",
  );

async function diffOf(site: AttackedSite, hash: string, id: string): Promise<Diff | undefined> {
  await site.hub.send("down/ask", { id, what: "diff", diff: hash, deadline: "2099-01-01T00:00:00Z" });
  const answer = await until(
    () => site.hub.answers.find((each) => each.id === id),
    (seen) => seen !== undefined,
    "the ask was not answered",
  );
  return answer?.diff;
}

const committed = (site: AttackedSite, of: SignedBundle) =>
  until(
    () => site.item(),
    (item) => item?.state === "committed" && item.digest === of.digest.slice(0, 32),
    "it is not committed",
  );

it("says that it is ready before anything of the bundle is installed, and then runs it", async () => {
  const site = await attackedSite();
  site.owner.publish(v(1));
  await assign(site, itemOf(v(1), "prepare"));
  const prepared = await preparedOf(site, v(1));
  expect(prepared).toMatchObject({ values: "", record: 1, diff: expect.stringMatching(/^[0-9a-f]{32}$/) });
  expect(prepared).not.toHaveProperty("code");
  expect(site.hub.reports.at(-1)?.items).toEqual([]);
  expect(await site.greeting()).toBe(null);
  const diff = openDiff(await diffOf(site, prepared?.diff ?? "", "q-1"), prepared?.diff ?? "", "s-1");
  expect(diff).toEqual({
    objects: [{ object: "v1 ConfigMap shop/till", action: "create", fields: [{ path: "/data/greeting", to: '"v1"' }] }],
    unchanged: 0,
  });
  await until(
    () => site.events("prepared"),
    (events) => events.length === 1,
    "it was not told as an event",
  );
  await assign(site, itemOf(v(1), "run"));
  const item = await committed(site, v(1));
  expect(item?.marks).toEqual([
    [1, 1],
    [1, 1],
  ]);
  expect(site.hub.reports.at(-1)).not.toHaveProperty("prepared");
});

it("looks after what runs meanwhile, raises no mark, and looks again only when something changed, over a restart too", async () => {
  const site = await attackedSite();
  for (const each of [v(1), v(2)]) site.owner.publish(each);
  await assign(site, itemOf(v(1), "run"));
  await committed(site, v(1));
  const at = { ...site.cluster, agentTokenFile: "", adminToken: site.cluster.token, caFile: null };
  const maps = async () => (await askApi(at, "GET", "/api/v1/configmaps")).body["items"];
  const before = await maps();
  await assign(site, itemOf(v(1), "run"), itemOf(v(2), "prepare"));
  const ready = await preparedOf(site, v(2));
  expect(await maps()).toEqual(before);
  expect(site.item()?.marks).toEqual([
    [1, 1],
    [1, 1],
  ]);
  const path = "/api/v1/namespaces/shop/configmaps/till";
  await askApi(at, "PATCH", path, { data: { greeting: "edited" } }, "application/merge-patch+json");
  await until(
    () => site.greeting(),
    (seen) => seen === "v1",
    "the edit was not healed",
  );
  const { patch } = site.cluster.state().requests;
  await site.stop();
  const reports = site.hub.reports.length;
  await site.start();
  await until(
    () => site.hub.reports.slice(reports).at(-1),
    (report) => report?.prepared?.[0]?.diff === ready?.diff && report?.items[0]?.state === "committed",
    "it does not say again that it is ready",
  );
  expect(site.cluster.state().requests["patch"]).toBe(patch);
  await assign(site, itemOf(v(1), "run"));
  await until(
    () => site.hub.reports.at(-1),
    (report) => report !== undefined && report.prepared === undefined,
    "it still speaks of it",
  );
  expect(await diffOf(site, ready?.diff ?? "", "q-gone")).toBeUndefined();
});

it("says why it is not ready, as a start would be refused: scope, signatures, what the cluster refuses", async () => {
  const site = await attackedSite();
  const codeOf = async (bundle: SignedBundle, changes: Partial<Assignment> = {}) => {
    await assign(site, itemOf(bundle, "prepare", changes));
    const digest = bundle.digest.slice(0, 32);
    const prepared = await until(
      () => preparedIn(site),
      (seen) => seen?.digest === digest && seen.record === (changes.record ?? 1),
      "it was not prepared",
    );
    return prepared?.code;
  };
  const elsewhere = v(2, { scope: [{ sites: { ring: "north" } }] });
  const wrong = signedBundle({ seq: 3 }, [configMap("till", { greeting: 1 as unknown as string })]);
  const other = v(4, { requires: [{ bundle: "base", atLeast: "1.0.0" }] });
  for (const each of [elsewhere, wrong, other]) site.owner.publish(each);
  expect(await codeOf(elsewhere)).toBe("scope");
  expect(await codeOf(wrong)).toBe("kube");
  expect(await codeOf(other)).toBe("requires");
  expect(await codeOf(other, { record: 7 })).toBe("record");
  const told = site.events("prepared").map(({ code, words }) => `${code} ${words}`);
  expect(told.find((words) => words.startsWith("kube"))).toMatch(/^kube v1 ConfigMap shop\/till /);
  expect(await site.greeting()).toBe(null);
});

it("a hub gets what was prepared on its word and nothing else, and not without end", async () => {
  const site = await attackedSite();
  site.owner.publish(v(1));
  await assign(site, itemOf(v(1), "prepare"));
  const { diff: hash = "" } = (await preparedOf(site, v(1))) ?? {};
  expect(await diffOf(site, "f".repeat(32), "q-other")).toBeUndefined();
  const asked = Array.from({ length: 200 }, (_, index) =>
    site.hub.send("down/ask", { id: `q-${index}`, what: "diff", diff: hash, deadline: "2099-01-01T00:00:00Z" }),
  );
  await Promise.all(asked);
  // What comes after them is heard: they were looked at.
  await assign(site);
  await until(
    () => site.hub.reports.at(-1)?.assignment?.[1],
    (taken) => taken === number,
    "the next set was not taken",
  );
  expect(site.hub.answers.length).toBeLessThanOrEqual(12);
  expect(site.hub.answers.length).toBeGreaterThan(1);
});
