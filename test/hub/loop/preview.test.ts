import { afterEach, beforeEach, expect, test } from "vitest";
import type { Diff } from "../../../shared/diff.ts";
import type { Prepared } from "../../../shared/report.ts";
import { diffHash } from "../../../shared/verify/diff.ts";
import type { FakeSite } from "./site.ts";
import { HubWorld, rollout } from "./world.ts";

let world: HubWorld;

const diffOf = (object: string): Diff => ({ objects: [{ object, action: "create" }], unchanged: 1 });
const [ONE, TWO] = [diffOf("v1 ConfigMap shop/one"), diffOf("v1 ConfigMap shop/two")];

beforeEach(async () => {
  world = new HubWorld();
  for (const id of ["s-1", "s-2", "s-3", "s-4"]) world.addSite(id, { ring: "lab" });
  world.publish(1);
  // A wave that nobody opens: the sites have nothing to run yet.
  world.deploy(rollout("1.0.0", 'windows: [{ cron: "0 2 * * *", for: 1h, zone: UTC }]\n'));
  await world.start();
  await world.pass(8);
});

afterEach(() => world.end());

/** From now on the site reports this of the run's target, and shows it when asked. */
function prepares(id: string, diff: Diff, more: Partial<Prepared> = {}, shows: Diff | null = diff): FakeSite {
  const site = world.site(id);
  const { target } = world.run("pos-1").run;
  const [digest, hash] = [target.digest.slice(0, 32), diffHash(diff)];
  site.prepared = [{ bundle: "pos", digest, values: "", record: 1, diff: hash, ...more }];
  site.shows = ({ id: ask }) => (shows === null ? null : { id: ask, boot: site.boot, diff: shows });
  return site;
}

const asks = () => [...world.sites.values()].flatMap(({ id, asked }) => asked.map(() => id));
const stored = (diff: Diff) => world.store.diff("pos-1", diffHash(diff));

test("one site is asked for each diff, which is kept with the run, over a restart too, and is told by rows", async () => {
  for (const id of ["s-1", "s-2", "s-3"]) prepares(id, ONE);
  prepares("s-4", TWO, { code: "kube" });
  await world.pass(4);
  expect(asks()).toEqual(["s-1", "s-4"]);
  expect([await stored(ONE), await stored(TWO)]).toEqual([ONE, TWO]);
  expect(world.run("pos-1").preview).toEqual({
    rows: [
      { code: "kube", diff: diffHash(TWO), sites: 1, first: ["s-4"] },
      { code: null, diff: diffHash(ONE), sites: 3, first: ["s-1", "s-2", "s-3"] },
    ],
    more: 0,
    sites: 4,
  });
  await world.kill();
  await world.start();
  await world.pass(4);
  expect(asks()).toEqual(["s-1", "s-4"]);
  expect(await stored(ONE)).toEqual(ONE);
});

test("a site that shows something else than it reported is refused, told, and another one is asked", async () => {
  prepares("s-1", ONE, {}, TWO);
  prepares("s-2", ONE);
  await world.pass(4);
  expect(asks()).toEqual(["s-1", "s-2"]);
  expect(await stored(ONE)).toEqual(ONE);
  expect(await stored(TWO)).toBeNull();
  expect(await world.notices("digest")).toEqual([expect.stringContaining("from s-1: digest: a diff")]);
});

test("a site that does not answer is passed over; where none is left, they are asked again later", async () => {
  prepares("s-1", ONE, {}, null);
  await world.pass(40);
  expect(asks()).toEqual(["s-1"]);
  prepares("s-2", ONE);
  await world.pass(4);
  expect(asks()).toEqual(["s-1", "s-2"]);
  expect(await stored(ONE)).toEqual(ONE);
});

test("nobody is heard who was not asked, and no diff of a run that is over is kept", async () => {
  prepares("s-1", ONE);
  await world.pass(4);
  const [asked] = world.site("s-1").asked;
  const site = prepares("s-2", TWO, {}, null);
  await world.pass(2);
  await site.say("up/answer", { id: asked?.id ?? "", boot: site.boot, diff: TWO });
  await site.say("up/answer", { id: "made-up", boot: site.boot, diff: TWO });
  await world.settle();
  expect(await stored(TWO)).toBeNull();
  expect(await stored(ONE)).toEqual(ONE);
  await world.hub.act({ run: "pos-1", verb: "abort", who: "ann", reason: "not today" });
  expect(await stored(ONE)).toBeNull();
});
