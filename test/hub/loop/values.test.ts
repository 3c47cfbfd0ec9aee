import { afterEach, beforeEach, expect, test } from "vitest";
import { exportOf } from "../../../hub/api/fleet-export.ts";
import type { Bundle } from "../../../shared/bundle.ts";
import { HubWorld, rollout } from "./world.ts";

let world: HubWorld;

beforeEach(async () => {
  world = new HubWorld();
  world.addSite("s-1", { ring: "lab" });
  world.addSite("s-2", { ring: "shop" });
  const variables: Bundle["variables"] = {
    REPLICAS: { type: "integer", min: 1, max: 5, default: 1, settable: "hub" },
    TIER: { enum: ["a", "b"], default: "a", settable: "hub" },
    REGION: { label: "region", default: "none" },
    OWN: { default: "x" },
  };
  world.publish(1, undefined, { variables });
  await world.start();
});

afterEach(() => world.end());

const given = (site: string) => world.site(site).set?.items[0]?.values;

test.each([
  ["{ SIZE: 1 }", "it does not declare SIZE", "SIZE"],
  ["{ REPLICAS: 9 }", "REPLICAS: 9 must be at most 5", "REPLICAS"],
  ["{ REPLICAS: many }", 'REPLICAS: "many" must be an integer', "REPLICAS"],
  ["{ REPLICAS: 2, TIER: c }", 'TIER: "c" must be one of a, b', "TIER"],
  ["{ OWN: till }", "OWN is not for the hub to set: only site records may", "OWN"],
  ["{ REGION: north }", "REGION comes from the label region of the site record, and from nowhere else", "REGION"],
])("values: %s are refused at their line before any site is given them: %s", async (values, words, name) => {
  world.deploy(rollout("1.0.0", `values:\n  ${values}\n`));
  await world.pass(7);
  expect(world.hub.read().runs).toEqual([]);
  expect(await world.notices("variable")).toEqual([
    `rollout pos: variable: pos 1.0.0: ${words} (rollouts/pos.yaml:10 /values/${name}); the hub may set REPLICAS, TIER`,
  ]);
});

test("values are carried to the sites, prove themselves by their hash, and a change of them alone is a run", async () => {
  world.deploy(rollout("1.0.0", "values: { REPLICAS: 2 }\n"));
  await world.pass(20);
  expect(world.run("pos-1").run.phase.kind).toBe("completed");
  expect([given("s-1"), given("s-2")]).toEqual([{ REPLICAS: 2 }, { REPLICAS: 2 }]);
  world.deploy(rollout("1.0.0", "values: { REPLICAS: 3, TIER: b }\n"));
  await world.pass(7);
  expect([given("s-1"), given("s-2")]).toEqual([{ REPLICAS: 3, TIER: "b" }, { REPLICAS: 2 }]);
  await world.pass(12);
  expect(world.run("pos-2").run).toMatchObject({ back: false, phase: { kind: "completed" } });
  expect(given("s-2")).toEqual({ REPLICAS: 3, TIER: "b" });
});

test("reverted, a killed hub and all, sites go back to the values that they ran before", async () => {
  world.deploy(rollout("1.0.0", "values: { REPLICAS: 2 }\n"));
  await world.pass(20);
  world.deploy(rollout("1.0.0", "values: { REPLICAS: 5 }\n"));
  await world.pass(20);
  await world.hub.act({ run: "pos-2", verb: "revert", who: "kim", reason: "too many" });
  await world.kill();
  await world.start();
  await world.pass(5);
  expect(world.run("pos-2").run.phase).toMatchObject({ kind: "reverted", left: [] });
  expect([given("s-1"), given("s-2")]).toEqual([{ REPLICAS: 2 }, { REPLICAS: 2 }]);
});

test("what the hub may set is in the export that plans are made of", async () => {
  await world.pass(3);
  const [version] = exportOf(world.hub.read()).versions;
  expect(version).toMatchObject({ version: "1.0.0", variables: { REPLICAS: { max: 5 } } });
});
