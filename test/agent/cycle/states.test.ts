import { describe, expect, it } from "vitest";
import { configMap, keys, rootDocument, signedRoot, signedSite, trustedRoot } from "../../support/fleet.ts";
import { trustUnder } from "../talk/talking-site.ts";
import { labSite } from "./lab-site.ts";

const greets = configMap("one", { text: "${GREETING}" });
const variables = { GREETING: { default: "hello", enum: ["hello", "ahoy", "moin"], settable: "hub" as const } };
const of = (text: string) => JSON.stringify({ text });

describe("what runs is digest, values and record", () => {
  it("values come by assignment, are another state of the same version, and a restart renders the same bytes", async () => {
    const site = await labSite();
    site.assign(1, [greets], { variables });
    await site.until("committed", () => site.state() === "committed 1.0.0");
    site.assign(1, [greets], { variables }, { values: { GREETING: "ahoy" } });
    await site.until("said", async () => JSON.stringify(await site.data("one")) === of("ahoy"));
    await site.until("committed", () => site.state() === "committed 1.0.0");
    expect(site.hold()).toMatchObject({ running: { given: { GREETING: "ahoy" } }, previous: { given: {} } });
    const before = site.lab.state().requests["patch"];
    site.now({ assignment: null });
    site.restart();
    await site.until("seen again", async () => (await site.run())?.summary.healthy === 1);
    expect([site.lab.state().requests["patch"], await site.data("one")]).toEqual([before, { text: "ahoy" }]);
  });

  it("a newer record changes nothing that runs, until something is assigned with it", async () => {
    const site = await labSite();
    site.assign(1, [greets], { variables });
    await site.until("committed", () => site.state() === "committed 1.0.0");
    site.record({ number: 2, values: { pos: { GREETING: "moin" } } });
    for (let turn = 0; turn < 5; turn += 1) await site.run();
    expect([await site.data("one"), site.hold()?.running.record]).toEqual([{ text: "hello" }, 1]);
    site.assign(1, [greets], { variables }, { record: 2 });
    await site.until("said", async () => JSON.stringify(await site.data("one")) === of("moin"));
    await site.until("committed", () => site.state() === "committed 1.0.0");
    expect(site.hold()).toMatchObject({ running: { record: 2 }, previous: { record: 1 } });
  });

  it("what fails returns with the values and the record that it had", async () => {
    const site = await labSite();
    site.assign(1, [greets], { variables }, { values: { GREETING: "ahoy" } });
    await site.until("committed", () => site.state() === "committed 1.0.0");
    site.record({ number: 2, values: { pos: { GREETING: "moin" } } });
    const broken = { ...configMap("two"), kind: "Deployment", apiVersion: "apps/v1", spec: { nonsense: true } };
    site.assign(2, [greets, broken], { variables }, { record: 2 });
    await site.until("reverted", () => site.state() === "reverted 1.0.0");
    expect([await site.data("one"), site.hold()?.running]).toMatchObject([
      { text: "ahoy" },
      { record: 1, given: { GREETING: "ahoy" } },
    ]);
  });

  it("values that the version does not allow are refused by name, and what runs runs on", async () => {
    const site = await labSite();
    site.assign(1, [greets], { variables });
    await site.until("committed", () => site.state() === "committed 1.0.0");
    site.assign(1, [greets], { variables }, { values: { GREETING: "; rm -rf /" } });
    for (let turn = 0; turn < 5; turn += 1) await site.run();
    expect([site.state(), site.refusals()]).toEqual(["committed 1.0.0", ["variable"]]);
    site.assign(1, [greets], { variables }, { values: { GREETING: "ahoy" } });
    await site.until("said", async () => JSON.stringify(await site.data("one")) === of("ahoy"));
  });
});

describe("a target that is refused", () => {
  it("is told once, over restarts too, and again only for another target or another reason", async () => {
    const site = await labSite();
    site.assign(1, [configMap("one")]);
    await site.until("committed", () => site.state() === "committed 1.0.0");
    const needy = { requires: [{ bundle: "base", atLeast: "2.0.0" }] };
    site.assign(2, [configMap("one")], needy);
    for (let turn = 0; turn < 3; turn += 1) await site.run();
    site.restart();
    const situation = await site.run();
    expect(situation?.waitingOn).toBe("requires: it needs base 2.0.0 at least, none is committed here");
    expect(site.refusals()).toEqual(["requires"]);
    site.now({ neighbours: new Map([["base", { version: "1.9.0", requires: [] }]]) });
    await site.run();
    expect(site.refusals()).toEqual(["requires"]);
    site.now({ trust: { ...site.trust, record: null } });
    await site.run();
    await site.run();
    expect(site.refusals()).toEqual(["requires", "record"]);
    site.now({ trust: site.trust, neighbours: new Map([["base", { version: "2.0.1", requires: [] }]]) });
    await site.until("committed", () => site.state() === "committed 1.1.0");
    expect([site.refusals(), site.cache.refusals()]).toEqual([["requires", "record"], []]);
  });

  it("with another bundle that would break is not begun, forward or back", async () => {
    const site = await labSite();
    const settled = { floor: [1, 1] as [number, number] };
    site.assign(1, [configMap("one")], settled);
    await site.until("committed", () => site.state() === "committed 1.0.0");
    site.assign(2, [configMap("one")], settled);
    await site.until("committed", () => site.state() === "committed 1.1.0");
    const needs = new Map([["till", { version: "3.0.0", requires: [{ bundle: "pos", atLeast: "1.1.0" }] }]]);
    site.now({ neighbours: needs });
    site.assign(1, [configMap("one")], settled, { back: true });
    expect((await site.run())?.waitingOn).toBe("requires: till is committed here and needs pos 1.1.0 at least");
    site.assign(3, [], { remove: true });
    expect((await site.run())?.waitingOn).toBe("requires: till is committed here and needs pos 1.1.0 at least");
    expect(site.state()).toBe("committed 1.1.0");
  });
});

describe("keys that left", () => {
  it("are a flag and no stop: what was accepted under the first of five roots runs on over a restart", async () => {
    const site = await labSite();
    site.assign(1, [configMap("one", { text: "a" })]);
    await site.until("committed", () => site.state() === "committed 1.0.0");
    expect((await site.run())?.flags).toEqual([]);
    const bundles = rootDocument().bundles.map((entry) => ({ ...entry, keys: ["root2"], epoch: 2 }));
    const roots = new Map(site.trust.roots);
    for (const number of [2, 3, 4, 5, 6]) {
      roots.set(number, trustedRoot({ number, bundles }));
      site.cache.keepRoot(number, signedRoot({ number, bundles }));
    }
    const root = roots.get(6) ?? null;
    site.now({ trust: { ...site.trust, roots, root }, assignment: null });
    await site.until("flagged", async () => (await site.run())?.flags.join() === "key-left,epoch");
    site.restart();
    await site.edit(configMap("one", { text: "edited" }));
    await site.until("healed", async () => JSON.stringify(await site.data("one")) === of("a"));
    expect([site.state(), (await site.run())?.flags]).toEqual(["committed 1.0.0", ["key-left", "epoch"]]);
  });

  it("of the record stop what is new at once, and nothing that runs", async () => {
    const site = await labSite();
    site.assign(1, [greets], { variables }, { values: { GREETING: "ahoy" } });
    await site.until("committed", () => site.state() === "committed 1.0.0");
    const roles = { ...rootDocument().roles, site: { keys: ["root2"], threshold: 1 } };
    const root = trustedRoot({ number: 2, roles });
    const without = { roots: new Map([...site.trust.roots, [2, root] as const]), root, record: null, head: null };
    site.now({ trust: without });
    site.assign(2, [configMap("one")]);
    site.restart();
    await site.until("seen again", async () => (await site.run())?.summary.healthy === 1);
    await site.edit(configMap("one", { text: "edited" }));
    await site.until("healed", async () => JSON.stringify(await site.data("one")) === of("ahoy"));
    expect([site.state(), site.refusals()]).toEqual(["committed 1.0.0", ["record"]]);
    const again = signedSite({ number: 2 }, keys.root2);
    site.cache.keepRecord({ number: 2, root: 2, document: again });
    site.now({ trust: { ...trustUnder(root, again), roots: without.roots } });
    site.assign(2, [configMap("one")], {}, { record: 2 });
    await site.until("committed", () => site.state() === "committed 1.1.0");
  });
});

describe("a site that takes what it finds", () => {
  it("goes forward to the newest that is meant for it, and not back", async () => {
    const site = await labSite();
    site.now({ adopt: true });
    site.shelve(1, [configMap("one", { text: "a" })]);
    await site.until("committed", () => site.state() === "committed 1.0.0");
    site.shelve(2, [configMap("one", { text: "b" })]);
    site.shelve(3, [configMap("one", { text: "c" })], { scope: [{ sites: { ring: "north" } }] });
    await site.until("committed", () => site.state() === "committed 1.1.0");
    site.restart();
    for (let turn = 0; turn < 3; turn += 1) await site.run();
    expect([site.state(), site.refusals()]).toEqual(["committed 1.1.0", []]);
  });
});
