import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { recordBranch } from "../../../shared/source/source.ts";
import { keys, line, rootDocument, signedHead, signedRoot, signedSite } from "../../support/fleet.ts";
import { HubWorld, signedFiles, siteKey } from "./world.ts";

let world: HubWorld;

beforeEach(async () => {
  world = new HubWorld();
  for (const id of ["s-1", "s-2"]) world.addSite(id, { ring: "lab" });
  await world.start();
});

afterEach(() => world.end());

function publishRoot(number: number, changes: Parameters<typeof signedRoot>[0] = {}): void {
  world.repository.add(
    "trust",
    signedFiles(`root/${number}.json`, signedRoot({ number, ...changes })),
    `root ${number}`,
  );
}

function publishRecord(id: string, number: number, signer = keys.site): void {
  const record = signedSite(
    { id, labels: { ring: "lab" }, bundles: [], number, reportKeys: [line(siteKey(id))] },
    signer,
  );
  world.repository.add(recordBranch(sha256Hex(Buffer.from(id))), signedFiles(`sites/${id}.json`, record), "a record");
}

const said = (id: string) =>
  world
    .site(id)
    .relayed.splice(0)
    .map(({ roots, record, head }) => {
      const numberOf = ({ body }: { body: string }) => (JSON.parse(body) as { number: number }).number;
      const own = record === undefined ? null : (JSON.parse(record.body) as { id: string; number: number });
      return [
        roots.map(numberOf),
        own === null ? null : `${own.id} ${own.number}`,
        head === undefined ? null : numberOf(head),
      ];
    });

test("a new root and a site's own record go to it when the hub takes them in, and again when it connects without them", async () => {
  for (const site of world.sites.values()) await site.hello();
  await world.settle();
  expect(said("s-1")).toEqual([]);
  publishRoot(2);
  publishRoot(3);
  publishRecord("s-1", 2);
  // Nobody says anything meanwhile.
  for (let second = 0; second < 7; second += 1) {
    world.clock.advance(1_000);
    await world.settle();
  }
  expect(said("s-1").at(-1)).toEqual([[2, 3], "s-1 2", null]);
  expect(said("s-2").at(-1)).toEqual([[2, 3], "s-2 1", null]);
  await world.pass(20);
  expect([said("s-1"), said("s-2")]).toEqual([[], []]);
  world.site("s-1").holds = { root: 2, record: 1 };
  await world.site("s-1").hello();
  await world.settle();
  expect(said("s-1")).toEqual([[[3], "s-1 2", null]]);
  world.site("s-1").holds = { root: 3, record: 2 };
  await world.site("s-1").hello();
  await world.settle();
  expect(said("s-1")).toEqual([]);
  expect([...world.retained.keys()].filter((topic) => topic.endsWith("/down/trust"))).toEqual([]);
});

test("a hub that was restarted tells what a site lacks when that connects, before it reached its repository", async () => {
  publishRoot(2);
  await world.pass(7);
  await world.kill();
  world.repository.faults.cut = true;
  await world.start();
  said("s-1");
  await world.site("s-1").hello();
  await world.settle();
  expect(said("s-1")).toEqual([[[2], "s-1 1", null]]);
});

test("a record that the newest root does not stand behind is not relayed", async () => {
  const roles = { ...rootDocument().roles, site: { keys: ["stranger"], threshold: 1 } };
  publishRoot(2, { roles });
  await world.pass(7);
  expect(said("s-1").at(-1)).toEqual([[2], null, null]);
  publishRecord("s-1", 2, keys.stranger);
  await world.pass(7);
  expect(said("s-1")).toEqual([[[2], "s-1 2", null]]);
});

test("the newest head goes to sites that report an older one; one that goes back is refused", async () => {
  const roles = { ...rootDocument().roles, head: { keys: ["head"], threshold: 1 } };
  publishRoot(2, { roles, head: { freshFor: "3d" } });
  world.repository.add("trust", signedFiles("head.json", signedHead({ number: 5 })), "head 5");
  await world.pass(7);
  expect(said("s-1").at(-1)).toEqual([[2], "s-1 1", 5]);
  world.repository.add("trust", signedFiles("head.json", signedHead({ number: 4 })), "head 4");
  await world.pass(7);
  expect(await world.notices("rollback")).toEqual([expect.stringMatching(/head 4 is older than head 5/)]);
  expect(said("s-1")).toEqual([]);
});
