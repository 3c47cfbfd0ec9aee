import { afterEach, beforeEach, expect, test } from "vitest";
import { notice } from "../../../hub/notices.ts";
import { type HubWorld, hubOfTwo, rollout } from "./world.ts";

let world: HubWorld;

beforeEach(async () => {
  world = await hubOfTwo();
  const ada = { name: "ada", hash: "h1", roles: ["admin"], emails: ["lovelace@example.com"], createdAt: 0 } as const;
  await world.store.admit(ada, notice(0, "run", "ada came"));
});

afterEach(() => world.end());

const commit = "c".repeat(40);
const rolloutBy = (name: string, email: string) =>
  world.repository.changed.set("rollouts/pos.yaml", { commit, name, email });
const approve = (run: string, who: string, wave?: string) =>
  world.hub.act({ run, verb: "approve", who, reason: "looked at it", ...(wave !== undefined && { wave }) });

test("a wave that asks for people waits for them, and whose commit it was is none of them", async () => {
  rolloutBy("A. Lovelace", "Lovelace@example.com");
  world.deploy(rollout("1.0.0").replace("soak: 8s", "approve: 2"));
  await world.pass(10);
  const { run, because } = world.run("pos-1");
  expect(run).toMatchObject({ startedBy: "ada", commit, phase: { kind: "rolling", wave: 0 } });
  expect(because).toEqual({ kind: "approval", wave: "lab", given: [], needed: 2, notBy: "ada" });
  await expect(approve("pos-1", "ada", "lab")).rejects.toThrow("ada started pos-1: somebody else must approve");
  await approve("pos-1", "bob", "lab");
  await approve("pos-1", "bob", "lab");
  await world.pass(2);
  expect(world.run("pos-1").because).toMatchObject({ given: ["bob"] });
  await approve("pos-1", "cleo", "lab");
  await world.pass(8);
  expect(world.run("pos-1").run.phase.kind).toBe("completed");
  expect(await world.notices()).toContain("pos-1 lab approved by cleo: looked at it");
});

test("an emergency begins when two people approved it; who has no token here is named as Git says, with an address", async () => {
  rolloutBy("Grace Hopper", "grace@example.com");
  world.deploy(rollout("1.0.0", "lane: emergency\n"));
  await world.pass(6);
  expect(world.run("pos-1").because).toMatchObject({
    kind: "approval",
    wave: null,
    notBy: "Grace Hopper <grace@example.com>",
  });
  await approve("pos-1", "bob");
  await world.kill();
  await world.start();
  await approve("pos-1", "ada");
  await world.pass(5);
  expect(world.run("pos-1").run.phase.kind).toBe("completed");
});

test("who calls himself in Git as a person here does not approve his own either", async () => {
  rolloutBy("Ada", "somewhere@example.net");
  world.deploy(rollout("1.0.0", "lane: emergency\n"));
  await world.pass(6);
  expect(world.run("pos-1").run.startedBy).toBe("ada");
});
