import { expect, it } from "vitest";
import type { Assignment } from "../../shared/assignment.ts";
import { type AttackedSite, attackedSite, until } from "../attacks/site.ts";
import { configMap, type SignedBundle, signedBundle, signedSite } from "../support/fleet.ts";

/** Bundles of one site with one another, in a whole agent. */

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
