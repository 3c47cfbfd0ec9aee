import { beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../../shared/errors.ts";
import { rfc3339 } from "../../../shared/names.ts";
import { configMap, keys, NOW, signedBundle, signedRoot, signedSite } from "../../support/fleet.ts";
import { pullingSite } from "./site.ts";

/** Whoever holds a source, or the line to it, for a while or for good: what he can cost a site, and what stays of it. */

const HOUR = 3_600_000;
let site: ReturnType<typeof pullingSite>;
beforeEach(() => {
  site = pullingSite();
});
const v = (seq: number) => signedBundle({ seq }, [configMap("till", { greeting: `v${seq}` })]);
const forged = (seq: number) => signedBundle({ seq }, undefined, { pos: keys.stranger });
const rotated = (number: number) => signedRoot({ number, createdAt: rfc3339(NOW + number * 1_000) });

describe("a source that invents versions", () => {
  it("has no more of them looked at than an honest one could need, and is called what it is", async () => {
    for (let seq = 1; seq <= 200; seq += 1) site.publish(forged(seq));
    const { lie } = await site.pull();
    expect([lie?.code, site.asked("manifest")]).toEqual(["too-large", 65]);
  });

  it("fills neither the table of refusals nor the outbox, however long it goes on", async () => {
    for (let round = 0; round < 12; round += 1) {
      for (let each = 0; each < 60; each += 1) site.commit("bundles/pos", { "README.md": "x" }, "1.0.0", each === 0);
      await site.pull();
    }
    expect([site.cache.refusals().length, site.cache.numberEvents(5_000).length]).toEqual([256, 256]);
    site.clock.now += HOUR;
    site.publish(forged(1));
    await site.pull();
    expect(site.cache.refusals().length).toBe(256);
    expect(site.cache.refusals().map(({ code }) => code)).toContain("threshold");
  });

  it("and names has as many looked at as a site could have, what is wanted first", async () => {
    site.publishRecord(signedSite({ number: 2, bundles: ["*"] }));
    for (let each = 0; each < 400; each += 1) site.commit(`bundles/a-${each}`, { "README.md": "x" }, "1.0.0");
    site.publish(v(1));
    const { lie } = await site.pull({ pos: [v(1).digest] });
    expect([lie?.code, site.complete()]).toEqual(["too-large", ["1.0.0"]]);
    expect(site.cache.seen("memory").size).toBeLessThan(300);
  });
});

describe("a line that lied for a while", () => {
  it("and stripped the signatures keeps an assigned version from nobody for longer than an hour", async () => {
    const { body, signatures } = v(1).document;
    site.publish(v(1));
    const { manifest } = site.source;
    site.source.manifest = async () => ({ body, signatures: new Map() });
    await site.pull({ pos: [v(1).digest] });
    expect([site.told(), site.complete()]).toEqual([["threshold"], []]);
    site.source.manifest = manifest;
    await site.pull({ pos: [v(1).digest] });
    expect(site.complete()).toEqual([]);
    site.clock.now += HOUR;
    await site.pull({ pos: [v(1).digest] });
    expect([signatures.size, site.complete()]).toEqual([1, ["1.0.0"]]);
  });

  it("and hid a root and a record under the head that names them has hidden them for a day at most", async () => {
    await site.pull();
    const { roots, record } = site.source;
    site.publishRoot(2, rotated(2));
    site.publishRecord(signedSite({ number: 2 }));
    Object.assign(site.source, { roots: async () => [], record: async () => null });
    await site.pull();
    Object.assign(site.source, { roots, record });
    site.clock.now += 24 * HOUR;
    await site.pull();
    expect([site.trust().root?.document.number, site.trust().record?.number]).toEqual([2, 2]);
  });
});

it("a cut right after a new root takes nothing of it back: it acts at once, and in the process that runs", async () => {
  await site.pull();
  site.publishRoot(2, rotated(2));
  site.publishRecord(signedSite({ number: 2 }));
  const { record } = site.source;
  site.source.record = () => Promise.reject(new Error("cut"));
  await site.pull().catch(() => {});
  expect(site.trust().root?.document.number).toBe(2);
  site.source.record = record;
  await site.pull();
  expect([site.trust().root?.document.number, site.trust().record?.number]).toEqual([2, 2]);
});

it("a record that needed a root which another way brought is looked at again", async () => {
  await site.pull();
  site.publishRecord(signedSite({ number: 2, root: 2 }));
  await site.pull();
  expect(site.told()).toEqual(["root-chain"]);
  site.relay(rotated(2));
  await site.pull();
  expect(site.trust().record?.number).toBe(2);
});

it("one branch that is no good keeps nothing of the others", async () => {
  site.publishRecord(signedSite({ number: 2, bundles: ["*"] }));
  site.commit("bundles/a-broken", { "README.md": "x" }, "1.0.0");
  site.publish(v(1));
  const { versions } = site.source;
  site.source.versions = (head) =>
    head.includes("a-broken") ? Promise.reject(new AppError("too-large", "x")) : versions(head);
  const { lie } = await site.pull();
  expect([lie?.code, site.complete()]).toEqual(["too-large", ["1.0.0"]]);
});
