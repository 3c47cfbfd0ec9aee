import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { recordBranch } from "../../../shared/source/source.ts";
import { keys, line, rootDocument, signedRoot, signedSite } from "../../support/fleet.ts";
import { HubWorld, rollout, signedFiles, siteKey } from "./world.ts";

let world: HubWorld;

beforeEach(async () => {
  world = new HubWorld();
  for (const id of ["s-1", "s-2"]) world.addSite(id, { ring: "lab" });
  world.publish(1);
  world.publish(2);
  await world.start();
});

afterEach(() => world.end());

function sign(id: string, changes: Parameters<typeof signedSite>[0], signer = keys.site): void {
  const record = { id, labels: { ring: "lab" }, bundles: ["pos*"], number: 2, reportKeys: [line(siteKey(id))] };
  const files = signedFiles(`sites/${id}.json`, signedSite({ ...record, ...changes }, signer));
  world.repository.add(recordBranch(sha256Hex(Buffer.from(id))), files, `record of ${id}`);
}

function planned(run: string): string[] {
  return [...world.run(run).run.sites].map(([site]) => site).toSorted();
}

test("a retired site is left out of plans, with the reason, and keeps what it runs", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(20);
  const before = world.site("s-2").set;
  sign("s-2", { retired: true });
  await world.pass(6);
  world.deploy(rollout("1.1.0"));
  await world.pass(20);
  expect(planned("pos-2")).toEqual(["s-1"]);
  expect(world.run("pos-2").run.phase.kind).toBe("completed");
  const [left] = world.run("pos-2").run.plan.left;
  expect(left).toEqual({ site: "s-2", code: "record", why: "its site record says that it is retired" });
  expect(world.site("s-2").set?.items).toEqual(before?.items);
});

test("a site that retires under a run is ineligible in it: no failure, nothing new, and the others go on", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(20);
  world.site("s-2").dark = true;
  world.deploy(rollout("1.1.0"));
  await world.pass(6);
  expect(world.run("pos-2").run.sites.get("s-2")?.outcome).toBe("notified");
  sign("s-2", { retired: true });
  await world.pass(20);
  expect(world.run("pos-2").run.sites.get("s-2")).toMatchObject({ outcome: "ineligible", code: "record" });
  expect(world.run("pos-2").run.phase.kind).toBe("completed");
  const retired = world.hub
    .read()
    .members.filter((member) => member.retired)
    .map(({ id }) => id);
  expect(retired).toEqual(["s-2"]);
});

test("a site whose record nobody stands behind any more gets nothing new, at once and after a restart, until it is signed anew", async () => {
  world.deploy(rollout("1.0.0"));
  await world.pass(20);
  const roles = { ...rootDocument().roles, site: { keys: ["stranger"], threshold: 1 } };
  world.repository.add("trust", signedFiles("root/2.json", signedRoot({ number: 2, roles })), "root 2");
  sign("s-1", {}, keys.stranger);
  await world.pass(6);
  expect(await world.notices("threshold")).toContainEqual(expect.stringMatching(/^record of s-2: /));
  await world.kill();
  await world.start();
  world.deploy(rollout("1.1.0"));
  await world.pass(20);
  expect(planned("pos-2")).toEqual(["s-1"]);
  expect(world.run("pos-2").run.plan.left[0]?.why).toMatch(/^its site record does not hold under root 2: /);
  sign("s-2", {}, keys.stranger);
  await world.pass(20);
  expect(planned("pos-2")).toEqual(["s-1", "s-2"]);
  expect(world.site("s-2").set?.items[0]?.version).toBe("1.1.0");
});
