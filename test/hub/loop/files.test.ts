import { afterEach, beforeEach, expect, test } from "vitest";
import { AppError } from "../../../shared/errors.ts";
import { type HubWorld, hubOfTwo, rollout } from "./world.ts";

let world: HubWorld;

beforeEach(async () => {
  world = await hubOfTwo();
});

afterEach(() => world.end());

function phases(): string[] {
  return world.hub.read().runs.map(({ run }) => `${run.id} ${run.phase.kind}`);
}

function refused(): string | null | undefined {
  return world.hub.read().rollouts.find(({ name }) => name === "pos")?.refused;
}

test("a broken file pauses its run and is refused with its line, once; mended, the run goes on", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(6);
  world.deploy(rollout("1.0.0").replace("soak: 8s", "soack: 8s"));
  await world.pass(20);
  expect(phases()).toEqual(["pos-1 paused"]);
  expect(world.run("pos-1").run.phase).toMatchObject({ because: { kind: "file" } });
  const told = await world.notices("schema");
  expect(told).toHaveLength(1);
  expect(told[0]).toContain('unknown key "soack"');
  expect(told[0]).toContain("rollouts/pos.yaml:6 /waves/0/soack");
  expect(world.site("s-2").set).toBeNull();
  world.deploy(rollout("1.0.0"));
  await world.pass(20);
  expect(phases()).toEqual(["pos-1 completed"]);
});

test("a deleted file pauses its run and releases nobody; put back, the run goes on", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(6);
  world.deploy(null);
  await world.pass(20);
  expect(world.run("pos-1").run.phase).toMatchObject({
    kind: "paused",
    because: { kind: "file", words: "rollouts/pos.yaml was deleted" },
  });
  expect(world.site("s-2").set).toBeNull();
  world.deploy(rollout("1.0.0"));
  await world.pass(20);
  expect(phases()).toEqual(["pos-1 completed"]);
});

test("what a person paused is not resumed by a file that was broken meanwhile", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(6);
  await world.hub.act({ run: "pos-1", verb: "pause", who: "kim", reason: "stocktaking" });
  world.deploy("kind: Rollout/v1\n");
  await world.pass(6);
  world.deploy(rollout("1.0.0"));
  await world.pass(6);
  expect(world.run("pos-1").run.phase).toMatchObject({ kind: "paused", because: { kind: "person", who: "kim" } });
});

test("a version that is not there yet is waited for", async () => {
  world.deploy(rollout("1.1.0"));
  await world.pass(12);
  expect(phases()).toEqual([]);
  expect(refused()).toContain("bundle pos has no version 1.1.0 yet; the rollout waits for it (rollouts/pos.yaml:3");
  expect(await world.notices("not-found")).toHaveLength(1);
  world.publish(2);
  await world.pass(20);
  expect(refused()).toBeNull();
  expect(phases()).toEqual(["pos-1 completed"]);
});

test("a wave that matches no site is refused with its line, and disturbs no other rollout", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(6);
  const text = rollout("1.0.0").replace("bundle: pos", "bundle: pos-b").replace("ring: lab", "ring: moon");
  world.repository.commit("bundles/pos-b", world.bundleFiles(1, { name: "pos-b" }), "1.0.0");
  world.repository.add("main", { "rollouts/other.yaml": text }, "another");
  await world.pass(15);
  const [words] = await world.notices("schema");
  expect(words).toContain("wave lab matches no site that the rollout selects (rollouts/other.yaml:6 /waves/0/sites)");
  expect(phases()).toEqual(["pos-1 completed"]);
});

test("the same content starts nothing twice: not after a restart, not with another commit, not with a comment put back", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(20);
  await world.kill();
  await world.start();
  world.repository.add("main", { "README.md": "new" }, "something else");
  await world.pass(10);
  expect(phases()).toEqual(["pos-1 completed"]);
  world.deploy("nonsense");
  await world.pass(6);
  world.deploy(rollout("1.0.0"));
  await world.pass(6);
  expect(phases()).toEqual(["pos-1 completed"]);
});

test("a changed file plans a new run and supersedes the older one", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(6);
  world.deploy(rollout("1.0.0").replace("soak: 8s", "soak: 9s"));
  await world.pass(20);
  expect(phases()).toEqual(["pos-1 superseded", "pos-2 completed"]);
});

test("a comment makes a file another one: that is how the same version is started once more", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(20);
  world.deploy(`${rollout("1.0.0")}# once more\n`);
  await world.pass(20);
  expect(phases()).toEqual(["pos-1 superseded", "pos-2 completed"]);
});

test("a version whose files cannot be read yet is waited for", async () => {
  const { source } = world.repository;
  const { blobs } = source;
  source.blobs = () => {
    throw new AppError("malformed", "what arrived is not whole");
  };
  world.deploy(rollout("1.0.0"));
  await world.pass(12);
  expect(phases()).toEqual([]);
  expect(refused()).toContain("the files of pos 1.0.0 could not be read yet; the rollout waits");
  source.blobs = blobs;
  await world.pass(20);
  expect(phases()).toEqual(["pos-1 completed"]);
});

test("a version with one changed byte in one file starts no run; what ran before goes on", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(20);
  world.publish(2, (files) => {
    for (const [path, bytes] of files) files.set(path, Buffer.from(bytes).fill("X", 20, 21));
  });
  world.deploy(rollout("1.1.0"));
  await world.pass(20);
  expect(phases()).toEqual(["pos-1 completed"]);
  expect((await world.notices("digest")).join("\n")).toContain("its bytes are not the signed ones");
  expect(world.site("s-1").version("pos")).toBe("1.0.0");
  world.deploy(rollout("1.0.0"));
  await world.pass(10);
  expect(phases()).toEqual(["pos-1 completed"]);
  expect(refused()).toBeNull();
});

test("an unreachable repository is said once, and once that it is back", async () => {
  world.repository.faults.cut = true;
  await world.pass(30);
  world.repository.faults.cut = false;
  await world.pass(6);
  expect(await world.notices()).toEqual([
    "the fleet repository: unreachable: the line is cut",
    "the fleet repository can be read again",
  ]);
});
