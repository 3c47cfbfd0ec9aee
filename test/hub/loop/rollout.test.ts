import { afterEach, beforeEach, expect, test } from "vitest";
import { HubWorld, rollout } from "./world.ts";

let world: HubWorld;

beforeEach(async () => {
  world = new HubWorld();
  world.addSite("s-1", { ring: "lab" });
  world.addSite("s-2", { ring: "shop" });
  world.addSite("s-3", { ring: "shop" });
  world.publish(1);
  await world.start();
});

afterEach(() => world.end());

test("a rollout goes through two waves on the evidence of its sites", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(7);
  expect(world.run("pos-1").run.phase).toMatchObject({ kind: "rolling", wave: 0 });
  expect(world.site("s-1").version("pos")).toBe("1.0.0");
  expect(world.site("s-2").set).toBeNull();
  await world.pass(10);
  expect(world.run("pos-1").run.phase.kind).toBe("completed");
  expect([...world.sites.values()].map((site) => site.version("pos"))).toEqual(["1.0.0", "1.0.0", "1.0.0"]);
  expect(await world.notices()).toEqual([
    "pos-1 planned: pos 1.0.0 for 3 sites in 2 waves",
    "pos-1: wave lab opened",
    "pos-1: wave rest opened",
    "pos-1 completed",
  ]);
});

test("a hub that is killed in the middle of a wave goes on where it was, without the network", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(7);
  const before = world.run("pos-1").run;
  const set = world.site("s-1").set;
  await world.kill();
  world.repository.faults.cut = true;
  await world.start();
  expect(world.run("pos-1").run).toEqual(before);
  expect([...world.retained.keys()]).toEqual(["skerry/1/shops/s-1/down/assign"]);
  expect(world.site("s-1").set).toEqual(set);
  await world.pass(10);
  expect(world.run("pos-1").run.phase.kind).toBe("completed");
  expect(world.hub.read().runs).toHaveLength(1);
  expect((await world.notices()).filter((words) => words.includes("planned"))).toHaveLength(1);
});

test("what is decided is stored before it is published, and published again by the next hub where the bus was down", async () => {
  world.faults.bus = true;
  world.deploy(rollout("1.0.0"));
  await world.pass(7);
  expect(world.site("s-1").set).toBeNull();
  await world.kill();
  world.faults.bus = false;
  world.trace.length = 0;
  await world.start();
  expect(world.site("s-1").version("pos")).toBe("1.0.0");
  await world.settle();
  expect(world.trace.indexOf("bus.publish")).toBeLessThan(world.trace.indexOf("store.published"));
});

test("the bus that comes back gets the sets that waited, with a backoff", async () => {
  world.faults.bus = true;
  world.deploy(rollout("1.0.0"));
  await world.pass(7);
  world.faults.bus = false;
  await world.pass(60);
  expect(world.run("pos-1").run.phase.kind).toBe("completed");
});

test("nothing is published that could not be stored, and nothing is forgotten", async () => {
  world.faults.store = true;
  world.deploy(rollout("1.0.0"));
  await world.pass(7);
  expect(world.hub.read().runs).toEqual([]);
  expect(world.retained.size).toBe(0);
  world.faults.store = false;
  await world.pass(20);
  expect(world.run("pos-1").run.phase.kind).toBe("completed");
});

test("where nothing changes nothing is written", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(25);
  world.commits.length = 0;
  for (let second = 0; second < 60; second += 1) {
    world.clock.advance(1_000);
    await world.settle();
  }
  expect(world.commits).toEqual([]);
});

test("a failed site pauses the run; a commit that goes back is a return and supersedes it", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(20);
  world.publish(2);
  world.site("s-1").sick.add("1.1.0");
  world.deploy(rollout("1.1.0"));
  await world.pass(10);
  expect(world.run("pos-2").run.phase).toMatchObject({ kind: "paused", because: { kind: "failures" } });
  expect(world.site("s-2").version("pos")).toBe("1.0.0");
  world.deploy(rollout("1.0.0"));
  await world.pass(15);
  expect(world.run("pos-2").run.phase).toMatchObject({ kind: "superseded", by: "pos-3" });
  expect(world.run("pos-3").run).toMatchObject({ back: true, phase: { kind: "completed" } });
});

test("a person's verb is stored with its reason; one that the phase does not allow is refused", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(6);
  const act = { run: "pos-1", who: "kim", reason: "stocktaking" };
  await world.hub.act({ ...act, verb: "pause" });
  await world.pass(10);
  expect(world.run("pos-1").run.phase).toMatchObject({ kind: "paused", because: { kind: "person", who: "kim" } });
  // Asked again because the answer was lost: nothing more to do. From somebody else it is news, and too late.
  expect((await world.hub.act({ ...act, verb: "pause" })).phase.kind).toBe("paused");
  await expect(world.hub.act({ ...act, who: "lee", verb: "pause" })).rejects.toMatchObject({ code: "usage" });
  await expect(world.hub.act({ ...act, run: "pos-9", verb: "pause" })).rejects.toMatchObject({ code: "not-found" });
  await world.hub.act({ ...act, verb: "resume" });
  await world.pass(15);
  expect(world.run("pos-1").run.phase.kind).toBe("completed");
});

test("sites go back by themselves where the file says so, a killed hub goes on with it, and the same file starts nothing", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(20);
  world.publish(2);
  world.site("s-2").sick.add("1.1.0");
  world.deploy(rollout("1.1.0", "failure: { then: revertAll }\n"));
  await world.pass(12);
  while (world.run("pos-2").run.phase.kind !== "reverting") await world.pass(1);
  await world.kill();
  await world.start();
  await world.pass(15);
  expect(world.run("pos-2").run.phase).toMatchObject({ kind: "reverted", wave: null, left: [] });
  expect([...world.sites.values()].map((site) => site.version("pos"))).toEqual(["1.0.0", "1.0.0", "1.0.0"]);
  // The file still names the bad version, and other commits come by.
  world.repository.add("main", { "README.md": "hello" }, "nothing about rollouts");
  await world.pass(60);
  expect(world.hub.read().runs.map(({ run }) => [run.id, run.phase.kind])).toEqual([
    ["pos-1", "superseded"],
    ["pos-2", "reverted"],
  ]);
  world.publish(3);
  world.deploy(rollout("1.2.0"));
  await world.pass(40);
  expect(world.run("pos-3").run.phase.kind).toBe("completed");
});

test("what failed is tried once more when a person says so, and the next wave opens by a person's word", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(20);
  world.publish(2);
  world.site("s-1").sick.add("1.1.0");
  world.deploy(rollout("1.1.0"));
  await world.pass(10);
  const act = { run: "pos-2", who: "kim", reason: "the registry is back" };
  world.site("s-1").sick.clear();
  await world.hub.act({ ...act, verb: "retry" });
  await world.pass(2);
  expect(world.site("s-1").version("pos")).toBe("1.1.0");
  await expect(world.hub.act({ ...act, verb: "promote" })).rejects.toMatchObject({ code: "usage" });
  await expect(world.hub.act({ ...act, verb: "promote", wave: "rest" })).rejects.toThrow("wave lab is open, not rest");
  await world.hub.act({ ...act, verb: "promote", wave: "lab" });
  await world.pass(8);
  expect(world.run("pos-2").run.phase.kind).toBe("completed");
  await world.hub.act({ ...act, verb: "revert", reason: "the receipts are wrong" });
  await world.pass(8);
  expect(world.run("pos-2").run.phase.kind).toBe("reverted");
  expect([...world.sites.values()].map((site) => site.version("pos"))).toEqual(["1.0.0", "1.0.0", "1.0.0"]);
});

test("one rollout waits until another has completed with the same version", async () => {
  world.addSite("t-1", { env: "staging" });
  const staging = rollout("1.0.0")
    .replace("sites: {}", "sites: { env: staging }")
    .replace(/waves:[^]*rest }\n/, "");
  const real = rollout("1.0.0", "after: [{ rollout: staging, soak: 20s }]\n").replace("sites: {}", SHOPS);
  world.repository.add("main", { "rollouts/pos.yaml": real }, "first the file that waits");
  await world.pass(6);
  expect(world.run("pos-1")).toMatchObject({ run: { phase: { kind: "planned" } }, because: { kind: "after" } });
  world.repository.add("main", { "rollouts/staging.yaml": staging }, "staging");
  await world.pass(15);
  expect(world.run("staging-1").run.phase.kind).toBe("completed");
  expect(world.run("pos-1").run.phase.kind).toBe("planned");
  // Another version there is no evidence about this one.
  world.publish(2);
  world.repository.add("main", { "rollouts/staging.yaml": staging.replace("1.0.0", "1.1.0") }, "the next for staging");
  await world.pass(40);
  expect(world.run("staging-2").run.phase.kind).toBe("completed");
  expect(world.run("pos-1").run.phase.kind).toBe("completed");
  world.repository.add("main", { "rollouts/pos.yaml": real.replace("1.0.0", "1.2.0") }, "ahead of staging");
  world.publish(3);
  await world.pass(60);
  expect(world.run("pos-2")).toMatchObject({ run: { phase: { kind: "planned" } }, because: { forSeconds: null } });
});

const SHOPS = "sites: { matchExpressions: [{ key: env, operator: DoesNotExist }] }";

test("another rollout of the same bundle waits for the run that moves its sites, says so, over a kill too, and begins by itself", async () => {
  world.site("s-3").dark = true;
  world.deploy(rollout("1.0.0"));
  await world.pass(6);
  world.publish(2);
  world.repository.add("main", { "rollouts/other.yaml": rollout("1.1.0") }, "a second one");
  await world.pass(6);
  const waits = { kind: "queued", run: "pos-1", rollout: "pos", site: expect.any(String), sites: 3 };
  expect(world.run("other-1").because).toEqual(waits);
  await world.kill();
  await world.start();
  await world.pass(1);
  expect(world.run("other-1").because).toEqual(waits);
  // A newer commit takes the place of the one that waits.
  world.repository.add("main", { "rollouts/other.yaml": rollout("1.1.0", "quorum: 60%\n") }, "changed");
  await world.pass(6);
  expect(world.run("other-2").because).toEqual(waits);
  world.site("s-3").dark = false;
  await world.site("s-3").hello();
  await world.pass(40);
  expect(world.run("pos-1").run.phase.kind).toBe("completed");
  expect(world.run("other-2").run.phase.kind).toBe("completed");
  expect([...world.sites.values()].map((site) => site.version("pos"))).toEqual(["1.1.0", "1.1.0", "1.1.0"]);
  // What the other has by now is none of the first one's failures.
  await world.pass(90);
  const outcomes = [...world.run("pos-1").run.sites].map(([, { outcome }]) => outcome);
  expect(outcomes).toEqual(["succeeded", "succeeded", "succeeded"]);
});

test("what is completed is not sent back while another rollout moves its sites", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(20);
  world.publish(2);
  world.repository.add("main", { "rollouts/other.yaml": rollout("1.1.0") }, "a second one");
  await world.pass(6);
  const revert = { run: "pos-1", verb: "revert", who: "kim", reason: "no" } as const;
  await expect(world.hub.act(revert)).rejects.toThrow(/^other-1 of the rollout other moves s-\d now: wait for it/);
  expect(world.run("pos-1").run.phase.kind).toBe("completed");
});

test("what was paused before it began is not sent back either while another rollout moves its sites", async () => {
  world.site("s-3").dark = true;
  world.deploy(rollout("1.0.0"));
  await world.pass(6);
  world.repository.add("main", { "rollouts/other.yaml": rollout("1.0.0", "quorum: 60%\n") }, "a second one");
  await world.pass(6);
  await world.hub.act({ run: "other-1", verb: "pause", who: "kim", reason: "later" });
  const revert = { run: "other-1", verb: "revert", who: "kim", reason: "no" } as const;
  await expect(world.hub.act(revert)).rejects.toThrow(/^pos-1 of the rollout pos moves s-\d now: wait for it/);
});

test("who asks for a start that comes to nothing is told so, and why, and not of the run before", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(20);
  for (const id of world.sites.keys()) world.addSite(id, { ring: "shop" }, [], 2);
  await world.pass(10);
  const again = { rollout: "pos", last: "pos-1", who: "kim", reason: "new records" };
  await expect(world.hub.startAgain(again)).rejects.toMatchObject({
    code: "usage",
    message: expect.stringContaining("nothing starts: schema: wave lab matches no site that the rollout selects"),
  });
  expect(world.hub.read().runs.map(({ run }) => run.id)).toEqual(["pos-1"]);
});

test("a person starts the version of the file once more, where its last run is over; sites get it by their records as they are now", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(6);
  const again = { rollout: "pos", last: "pos-1", who: "kim", reason: "new records" };
  await expect(world.hub.startAgain(again)).rejects.toThrow(
    "pos-1 is rolling; start is for rollouts whose last run is",
  );
  await expect(world.hub.startAgain({ ...again, rollout: "kiosk" })).rejects.toMatchObject({ code: "not-found" });
  await world.pass(15);
  world.addSite("s-2", { ring: "shop" }, [], 2);
  await world.pass(10);
  expect(world.site("s-2").set?.items[0]?.record).toBe(1);
  const run = await world.hub.startAgain(again);
  expect(run).toMatchObject({ id: "pos-2", startedBy: "kim", reason: "new records", back: false });
  // Nobody heard the answer.
  expect((await world.hub.startAgain(again)).id).toBe("pos-2");
  await world.pass(20);
  expect(world.run("pos-2").run.phase.kind).toBe("completed");
  // Not even now that it could be started once more.
  expect((await world.hub.startAgain(again)).id).toBe("pos-2");
  expect(world.site("s-2").set?.items[0]?.record).toBe(2);
  expect(await world.notices()).toContain(
    "pos-2 planned: pos 1.0.0 for 3 sites in 2 waves; started by kim: new records",
  );
  world.deploy(null);
  await world.pass(6);
  await expect(world.hub.startAgain({ ...again, last: "pos-2" })).rejects.toThrow("rollouts/pos.yaml was deleted");
});
