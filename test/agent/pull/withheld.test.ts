import { beforeEach, describe, expect, it } from "vitest";
import { withheldSince } from "../../../agent/pull/withheld.ts";
import { HEAD_NAMESPACE } from "../../../shared/head.ts";
import type { Pair } from "../../../shared/names.ts";
import { configMap, keys, NOW, rootDocument, sign, signedBundle, signedRoot } from "../../support/fleet.ts";
import { pullingSite } from "./site.ts";

const HOUR = 3_600_000;
const roles = { ...rootDocument().roles, head: { keys: ["root2"], threshold: 1 } };
const withHeads = () => signedRoot({ number: 2, roles, head: { freshFor: "2d" } });
const v = (seq: number) => signedBundle({ seq }, [configMap("till", { greeting: `v${seq}` })]);

const head = (number: number, newest: Record<string, Pair>, createdAt = "2026-11-02T07:00:00Z", root = 2) =>
  sign({ fleet: "shops", number, createdAt, root, newest }, HEAD_NAMESPACE, { root2: keys.root2 });

let site: ReturnType<typeof pullingSite>;
beforeEach(() => {
  site = pullingSite();
  site.publishRoot(2, withHeads());
});

/** Hours, from now; null where nothing is withheld. */
function since(hoursLater = 0, synced = true): number | null {
  const shown = { versions: site.cache.versions(), refusals: site.cache.refusals() };
  const found = withheldSince(site.trust(), shown, { now: NOW + hoursLater * HOUR, synced });
  return found === null ? null : (found - NOW) / HOUR;
}

describe("a site that is told what is newest", () => {
  it("is up to date while it has that, and the statement is fresh", async () => {
    site.publish(v(1));
    site.publishHead(head(1, { pos: [1, 1] }));
    await site.pull();
    expect([site.trust().head?.number, since()]).toEqual([1, null]);
  });

  it("knows of a version that no source has, since when", async () => {
    site.publish(v(1));
    site.publishHead(head(1, { pos: [1, 2] }));
    await site.pull();
    expect(since()).toBe(-1);
    site.publish(v(2));
    await site.pull();
    expect(since()).toBeNull();
  });

  it("does not call withheld what it was shown and refused", async () => {
    site.publish(v(1));
    site.publish(signedBundle({ seq: 2, scope: [{ sites: { ring: "north" } }] }));
    site.publishHead(head(1, { pos: [1, 2] }));
    await site.pull();
    expect([site.told(), since()]).toEqual([["scope"], null]);
  });

  it("calls withheld what it was shown without its files, or with others", async () => {
    site.publish(v(1));
    site.publish(v(2), "pos", new Map());
    site.publishHead(head(1, { pos: [1, 2] }));
    await site.pull();
    expect([site.told(), since()]).toEqual([["not-found"], -1]);
  });

  it("takes for nothing what a stranger put in that place", async () => {
    site.publish(v(1));
    site.publish(signedBundle({ seq: 2 }, undefined, { pos: keys.stranger }));
    site.publishHead(head(1, { pos: [1, 2] }));
    await site.pull();
    expect(since()).toBe(-1);
  });

  it("says nothing of bundles that it does not follow", async () => {
    site.publish(v(1));
    site.publishHead(head(1, { pos: [1, 1], base: [4, 4] }));
    await site.pull();
    expect(since()).toBeNull();
  });

  it("counts silence as withholding once the last statement is stale, by a synced clock only", async () => {
    site.publish(v(1));
    site.publishHead(head(1, { pos: [1, 1] }));
    await site.pull();
    expect([since(46), since(48), since(48, false)]).toEqual([null, 47, null]);
  });
});

describe("a head", () => {
  it("that is older than the one held, or another under its number, is refused; the one held stays", async () => {
    site.publishHead(head(5, { pos: [1, 1] }));
    await site.pull();
    site.publishHead(head(4, { pos: [1, 1] }));
    await site.pull();
    site.publishHead(head(5, { pos: [1, 9] }));
    await site.pull();
    expect([site.trust().head?.number, site.told()]).toEqual([5, ["rollback", "equivocation"]]);
  });

  it("by anybody else is refused, and without the role in the root nobody is heard", async () => {
    site.publishHead(sign({ fleet: "shops" }, HEAD_NAMESPACE, { pos: keys.pos }));
    await site.pull();
    expect([site.trust().head, site.told()]).toEqual([null, ["threshold"]]);
    const other = pullingSite();
    other.publishHead(head(1, {}));
    await other.pull();
    expect([other.trust().head, other.told()]).toEqual([null, []]);
  });
});

it("a fork of the chain is refused by name, and the chain that is held stays", async () => {
  await site.pull();
  site.publishRoot(2, signedRoot({ number: 2, roles, head: { freshFor: "3d" } }));
  await site.pull();
  expect([site.trust().root?.document.head?.freshFor, site.told()]).toEqual(["2d", ["root-chain"]]);
});
