import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { keys, rootDocument, signedMove, signedRoot } from "../../support/fleet.ts";
import { HubWorld, rollout, signedFiles } from "./world.ts";

let world: HubWorld;

beforeEach(async () => {
  world = new HubWorld();
  world.addSite("s-1", { ring: "lab" });
  world.publish(1);
  world.publish(2);
  const roles = { ...rootDocument().roles, move: { keys: ["move"], threshold: 1 } };
  world.repository.add("trust", signedFiles("root/2.json", signedRoot({ number: 2, roles })), "root 2");
  await world.start();
});

afterEach(() => world.end());

/** The rollout file and the order for it; null: a file without one. */
function order(text: string, number: number | null, key = keys.move): void {
  const move = number === null ? {} : { number, sha256: sha256Hex(Buffer.from(text)), name: "pos" };
  const signed =
    number === null
      ? {}
      : signedFiles("rollouts/pos.move.json", signedMove({ name: "pos", number, sha256: "", ...move }, key));
  world.repository.commit("main", { "rollouts/pos.yaml": text, ...signed }, "deploy");
}

function phases(): string[] {
  return world.hub.read().runs.map(({ run }) => `${run.id} ${run.target.version} ${run.phase.kind}`);
}

function refused(): string | null | undefined {
  return world.hub.read().rollouts.find(({ name }) => name === "pos")?.refused;
}

test("whoever has the Git server starts nothing: a file without an order, or with a stranger's, is refused by name", async () => {
  order(rollout("1.0.0"), null);
  await world.pass(6);
  expect(refused()).toContain("rollouts/pos.move.json");
  order(rollout("1.0.0"), 1, keys.stranger);
  await world.pass(6);
  expect(refused()).toMatch(/^threshold: .*rollouts\/pos\.move\.json/);
  expect(phases()).toEqual([]);
  order(rollout("1.0.0"), 1);
  await world.pass(20);
  expect(refused()).toBeNull();
  expect(phases()).toEqual(["pos-1 1.0.0 completed"]);
});

test("an old order is never taken again, not by a hub that was killed meanwhile either", async () => {
  order(rollout("1.0.0"), 1);
  await world.pass(20);
  order(rollout("1.1.0"), 2);
  await world.pass(20);
  const done = ["pos-1 1.0.0 superseded", "pos-2 1.1.0 completed"];
  expect(phases()).toEqual(done);
  await world.kill();
  order(rollout("1.0.0"), 1);
  await world.start();
  await world.pass(20);
  expect(refused()).toMatch(/^rollback: order 1 is older than order 2/);
  expect(phases()).toEqual(done);
  order(rollout("1.1.0"), 2);
  await world.pass(6);
  expect(refused()).toBeNull();
  expect(phases()).toEqual(done);
});

test("a number that was signed again for the same content counts, though nothing starts", async () => {
  order(rollout("1.0.0"), 1);
  await world.pass(20);
  order(rollout("1.0.0"), 7);
  await world.pass(6);
  expect(phases()).toEqual(["pos-1 1.0.0 completed"]);
  order(rollout("1.1.0"), 6);
  await world.pass(6);
  expect(refused()).toMatch(/^rollback: order 6 is older than order 7/);
});

test("one number with two contents is refused", async () => {
  order(rollout("1.0.0"), 1);
  await world.pass(20);
  order(rollout("1.1.0"), 1);
  await world.pass(6);
  expect(refused()).toMatch(/^equivocation: order 1 /);
  expect(phases()).toEqual(["pos-1 1.0.0 completed"]);
});
