import { expect, it, onTestFinished } from "vitest";
import { type Relayable, trustFrame } from "../../hub/publish/trust.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import type { Report } from "../../shared/report.ts";
import { soloHub } from "../lab/solo/hub.ts";
import { keys, rootDocument, signedRoot, signedSite } from "../support/fleet.ts";
import { type AttackedSite, attackedSite, until } from "./site.ts";

/** A Git server that keeps roots and records from a site: the hub relays them, and whoever relays can forge nothing. */

const TOPIC = "skerry/1/shops/s-1/down/trust";

async function relay(site: AttackedSite, roots: readonly [number, SignedBytes][], record: SignedBytes | null) {
  const held: Relayable = {
    roots: roots.map(([number, document]) => ({ number, document })),
    record: record === null ? null : { number: Number.MAX_SAFE_INTEGER, document: record },
    head: null,
  };
  const frame = trustFrame({ root: 1, record: 1, head: 0 }, held);
  if (frame === null) throw new Error("nothing to relay");
  await site.hub.raw(TOPIC, frame);
}

const holds = (of: { reports: Report[] }, root: number, record: number) =>
  until(
    () => of.reports.at(-1),
    (report) => report?.root === root && report.record === record,
    `root ${root} and record ${record} are not held`,
  );

/** The key of the role `root` changes with each. */
function rotations(hubs: { url: string; ca: string }[]): [number, SignedBytes][] {
  const named = ["root", "root2", "head", "move", "pos2", "stranger"] as const;
  return [2, 3, 4, 5, 6].map((number) => {
    const [before, after] = [named[number - 2] ?? "root", named[number - 1] ?? "root"];
    const roles = { ...rootDocument().roles, root: { keys: [after], threshold: 1 } };
    return [number, signedRoot({ number, roles, hubs }, { [before]: keys[before], [after]: keys[after] })];
  });
}

it("five roots that Git withholds come by the hub, with the record, and outlive a restart", async () => {
  const site = await attackedSite();
  await holds(site.hub, 1, 1);
  const roots = rotations([{ url: site.hub.url, ca: "" }]);
  await relay(site, roots, signedSite({ number: 2, root: 6 }));
  await holds(site.hub, 6, 2);
  await relay(site, roots, signedSite({ number: 2, root: 6 }));
  await site.stop();
  site.hub.reports.length = 0;
  await site.start();
  await holds(site.hub, 6, 2);
  expect(site.refused()).toEqual([]);
});

it("a forged root, the record of another site and an older one are refused by name", async () => {
  const site = await attackedSite();
  site.owner.record(signedSite({ number: 2 }));
  await holds(site.hub, 1, 2);
  await relay(site, [[2, signedRoot({ number: 2 }, { root: keys.stranger })]], signedSite({ number: 1 }));
  await until(
    () => site.refused(),
    (codes) => codes.length === 2,
    "not both were refused",
  );
  expect(site.refused().toSorted()).toEqual(["record", "threshold"]);
  await relay(site, [], signedSite({ id: "s-2", number: 9 }));
  await until(
    () => site.events("refused").map(({ words }) => words),
    (words) => words.some((each) => /record of site s-2, not s-1/.test(each ?? "")),
    "the record of another site was not refused",
  );
  await holds(site.hub, 1, 2);
});

it("a new hub is found by a root that only the old one relays", async () => {
  const site = await attackedSite();
  await holds(site.hub, 1, 1);
  const next = await soloHub();
  onTestFinished(() => next.close());
  await relay(site, [[2, signedRoot({ number: 2, hubs: [{ url: next.url, ca: "" }] })]], null);
  await holds(next, 2, 1);
});
