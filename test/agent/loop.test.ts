import { expect, it } from "vitest";
import type { Assignment } from "../../shared/assignment.ts";
import { type AttackedSite, attackedSite, siteOnFirst, until, v } from "../attacks/site.ts";
import {
  configMap,
  keys,
  rootDocument,
  type SignedBundle,
  signedBundle,
  signedRoot,
  signedSite,
} from "../support/fleet.ts";

/** What only a whole agent shows: bundles of one site with one another, and what all of them hang on. */

const bundle = (name: string, seq: number, more: Parameters<typeof signedBundle>[0] = {}) =>
  signedBundle({ name, seq, ...more }, [configMap(name)]);
const needs = (other: string, atLeast: string) => ({ requires: [{ bundle: other, atLeast }] });

let number = 0;
async function assign(site: AttackedSite, ...bundles: readonly SignedBundle[]): Promise<void> {
  number += 1;
  const items = bundles.map(({ document, digest }): Assignment => {
    const { name, version, epoch, seq } = JSON.parse(Buffer.from(document.body).toString());
    const rest = { record: 2, mode: "run" as const, run: "r-1", wave: "all", values: {}, back: true };
    return { bundle: name, version, digest, pair: [epoch, seq], ...rest };
  });
  const expires = "2099-01-01T00:00:00Z";
  const set = { fleet: "shops", site: "s-1", term: 1, number, root: 1, expires, items };
  await site.hub.send("down/assign", set, { retain: true });
}

it("come in the order in which they need each other, and none goes back under one that needs it", async () => {
  const site = await attackedSite({ poll: "1h" });
  site.owner.record(signedSite({ number: 2, bundles: ["pos*"] }));
  const [base1, base2] = [bundle("pos-z", 1), bundle("pos-z", 2)];
  const till = bundle("pos-a", 1, needs("pos-z", "1.1.0"));
  for (const each of [base1, base2]) site.owner.publish(each, { name: "pos-z" });
  site.owner.publish(till, { name: "pos-a" });
  await site.hub.send("down/ask", { id: "q-1", what: "sync", deadline: "2099-01-01T00:00:00Z" });
  const committed = (name: string, of: SignedBundle) =>
    until(
      () => site.item(name),
      (item) => item?.state === "committed" && item.digest === of.digest.slice(0, 32),
      `${name} is not committed`,
    );
  // What needs comes first in the set and by name.
  await assign(site, till, base1);
  await committed("pos-z", base1);
  expect(site.item("pos-a")).toBeUndefined();
  await assign(site, till, base2);
  await committed("pos-a", till);
  await assign(site, till, base1);
  const held = await until(
    () => site.item("pos-z")?.waitingOn ?? "",
    (words) => words !== "",
    "the way back was not refused",
  );
  expect(held).toBe("requires: pos-a is committed here and needs pos-z 1.1.0 at least");
  await committed("pos-z", base2);
});

it("without a hub a site takes the newest that is meant for it, forward only, and asks no hub", async () => {
  const site = await attackedSite({ more: ["adopt: always"] });
  const runs = (greeting: string) =>
    until(
      () => site.greeting(),
      (seen) => seen === greeting,
      `${greeting} does not run`,
    );
  site.owner.publish(v(1));
  await runs("v1");
  site.owner.publish(v(3, { scope: [{ sites: { ring: "north" } }] }));
  site.owner.publish(v(4));
  await runs("v4");
  site.owner.publish(v(2));
  await site.stop();
  await site.start();
  site.owner.publish(v(5));
  await runs("v5");
  expect(site.hub.reports).toEqual([]);
});

it("a root that drops the record's keys stops what is new at once, until a record is signed by the new ones", async () => {
  const site = await siteOnFirst();
  const roles = { ...rootDocument().roles, site: { keys: ["root2"], threshold: 1 } };
  site.owner.root(2, signedRoot({ number: 2, hubs: [{ url: site.hub.url, ca: "" }], roles }));
  site.owner.publish(v(2));
  await site.assign(v(2));
  await until(
    () => site.refused(),
    (codes) => codes.includes("threshold") && codes.includes("record"),
    "it is not told",
  );
  // It runs on, over a restart too, and speaks of it.
  await site.stop();
  await site.start();
  const told = site.hub.reports.length;
  await until(
    () => site.hub.reports.slice(told).at(-1)?.items[0],
    (item) => item?.state === "committed" && (item.waitingOn ?? "").startsWith("record: "),
    "it does not say what it waits for",
  );
  expect(await site.greeting()).toBe("v1");
  site.owner.record(signedSite({ number: 2 }, keys.root2));
  await until(
    () => site.greeting(),
    (greeting) => greeting === "v2",
    "v2 does not run",
  );
});
