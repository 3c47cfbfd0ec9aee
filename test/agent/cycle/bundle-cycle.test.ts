import { expect, it } from "vitest";
import { configMap } from "../../support/fleet.ts";
import { deployment, labSite } from "./lab-site.ts";

const one = configMap("one", { text: "a" });
const two = configMap("two", { text: "b" });

it("installs a version and commits it once it is healthy", async () => {
  const site = await labSite();
  site.assign(1, [one, deployment("till", "ready")]);
  expect(site.hold()).toBeNull();
  await site.until("committed", () => site.state() === "committed 1.0.0");
  expect([await site.names(), await site.names("Deployment", "apps/v1")]).toEqual([["one"], ["till"]]);
  expect(site.cache.marks().get("pos")).toEqual({ pair: [1, 1], floor: [1, 1] });
  expect(site.cache.inventory("pos").map(({ object, state }) => [object.name, state])).toEqual([
    ["till", "applied"],
    ["one", "applied"],
  ]);
  expect(site.events()).toEqual(["applying", "committed"]);
  const situation = await site.run();
  expect(situation).toMatchObject({ summary: { total: 2, healthy: 2 }, drifted: 0, waitingOn: null });
});

it("at rest it asks the API server for nothing", async () => {
  const site = await labSite();
  site.assign(1, [one, two]);
  await site.until("committed", () => site.state() === "committed 1.0.0");
  const before = site.lab.state().requests;
  for (let n = 0; n < 20; n += 1) await site.run();
  expect(site.lab.state().requests).toEqual(before);
});

it("puts right what somebody edited, and makes again what somebody deleted, each with an event", async () => {
  const site = await labSite();
  site.assign(1, [one, two]);
  await site.until("committed", () => site.state() === "committed 1.0.0");
  await site.edit({ ...one, data: { text: "edited" } });
  await site.until("healed", async () => JSON.stringify(await site.data("one")) === '{"text":"a"}');
  await site.remove("two");
  await site.until("made again", async () => (await site.names()).includes("two"));
  await site.until("at rest", async () => (await site.run())?.drifted === 0);
  expect(site.events().slice(2)).toEqual(["drift v1 ConfigMap shop/one", "drift v1 ConfigMap shop/two"]);
  expect(site.state()).toBe("committed 1.0.0");
});

it("leaves alone what others add", async () => {
  const site = await labSite();
  site.assign(1, [one]);
  await site.until("committed", () => site.state() === "committed 1.0.0");
  const more = { ...one, metadata: { ...one.metadata, labels: { team: "x" } }, data: { more: "theirs" } };
  await site.edit(more);
  await site.until("seen", async () => (await site.run())?.drifted === 0);
  expect(await site.data("one")).toEqual({ text: "a", more: "theirs" });
  expect(site.events()).toEqual(["applying", "committed"]);
});

it("moves to a new version, and prunes what left the bundle once the rest is applied", async () => {
  const site = await labSite();
  site.assign(1, [one, two]);
  await site.until("committed", () => site.state() === "committed 1.0.0");
  site.assign(2, [configMap("one", { text: "new" }), configMap("three")]);
  await site.until("committed", () => site.state() === "committed 1.1.0");
  expect([await site.names(), await site.data("one")]).toEqual([["one", "three"], { text: "new" }]);
  expect(site.hold()?.previous?.version).toBe("1.0.0");
  expect(site.events().slice(2)).toEqual(["applying", "pruned v1 ConfigMap shop/two", "committed"]);
});

it("does not delete more than the bundle allows: the move is given up, and nothing is lost", async () => {
  const site = await labSite();
  site.assign(1, [one, two, configMap("three")]);
  await site.until("committed", () => site.state() === "committed 1.0.0");
  site.assign(2, [one], { prune: { share: "50%" } });
  await site.until(
    "held by the breaker",
    async () => (await site.run())?.waitingOn?.includes("would be deleted") === true,
  );
  site.skip(60_000);
  await site.until("reverted", () => site.state() === "reverted 1.0.0");
  expect(await site.names()).toEqual(["one", "three", "two"]);
});

it("a version that gets stuck is given up: back to the last one, and what it added is gone", async () => {
  const site = await labSite();
  site.assign(1, [one, deployment("till", "ready")]);
  await site.until("committed", () => site.state() === "committed 1.0.0");
  site.assign(2, [configMap("one", { text: "bad" }), configMap("added"), deployment("till", "stuck")]);
  await site.until("verifying", () => site.state() === "verifying 1.1.0");
  expect(await site.names()).toEqual(["added", "one"]);
  site.skip(60_000);
  await site.until("reverted", () => site.state() === "reverted 1.0.0");
  expect([await site.names(), await site.data("one")]).toEqual([["one"], { text: "a" }]);
  expect(site.cache.marks().get("pos")?.pair).toEqual([1, 1]);
  expect(site.hold()?.failed).toMatchObject([{ code: "unhealthy" }]);
  await site.run();
  expect(site.state()).toBe("reverted 1.0.0");
  expect(site.events().filter((event) => !event.startsWith("drift"))).toEqual([
    "applying",
    "committed",
    "applying",
    "reverting",
    "pruned v1 ConfigMap shop/added",
    "reverted",
  ]);
});

it("a manifest that the API refuses is given up at once, without waiting for the deadline", async () => {
  const site = await labSite();
  site.assign(1, [one]);
  await site.until("committed", () => site.state() === "committed 1.0.0");
  site.assign(2, [configMap("one", { text: "new" }), deployment("till", "ready", { nonsense: true })]);
  await site.until("reverted", () => site.state() === "reverted 1.0.0");
  expect(site.hold()?.failed[0]?.code).toBe("kube");
  expect([await site.names("Deployment", "apps/v1"), await site.data("one")]).toEqual([[], { text: "a" }]);
  expect(site.cache.inventory("pos").map(({ object }) => object.name)).toEqual(["one"]);
});

it("a first install that fails has nothing to return to, and a fixed version follows it", async () => {
  const site = await labSite();
  site.assign(1, [one, deployment("till", "stuck")]);
  await site.until("verifying", () => site.state() === "verifying 1.0.0");
  site.skip(60_000);
  await site.until("failed", () => site.state() === "failed 1.0.0");
  await site.run();
  expect(site.state()).toBe("failed 1.0.0");
  site.assign(2, [one, deployment("till", "ready")]);
  await site.until("committed", () => site.state() === "committed 1.1.0");
});

it("waits while the API server is down, and goes on when it is back", async () => {
  const site = await labSite();
  site.assign(1, [one]);
  await site.until("committed", () => site.state() === "committed 1.0.0");
  site.lab.faults.set({ unavailable: "all" });
  site.assign(2, [configMap("one", { text: "new" }), two]);
  await site.until("waiting", async () => (await site.run())?.waitingOn !== null);
  expect(site.state()).toBe("applying 1.1.0");
  site.lab.faults.clear();
  site.skip(30_000);
  await site.until("committed", () => site.state() === "committed 1.1.0");
  expect([await site.names(), await site.data("one")]).toEqual([["one", "two"], { text: "new" }]);
});

it("a start with all in order applies nothing", async () => {
  const site = await labSite();
  site.assign(1, [one, deployment("till", "ready")]);
  await site.until("committed", () => site.state() === "committed 1.0.0");
  const before = site.lab.state().requests["patch"];
  site.restart();
  await site.until("seen again", async () => (await site.run())?.summary.healthy === 2);
  expect([site.lab.state().requests["patch"], site.state()]).toEqual([before, "committed 1.0.0"]);
});
