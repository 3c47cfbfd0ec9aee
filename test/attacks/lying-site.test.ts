import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Hello } from "../../shared/protocol.ts";
import { acked, setOf, told } from "../hub/loop/told.ts";
import { HubWorld, rollout } from "../hub/loop/world.ts";
import { keys } from "../support/fleet.ts";

/** Who holds one site, and its keys, says to the hub whatever serves them: the other sites must not notice. */

let world: HubWorld;
beforeEach(async () => {
  world = new HubWorld();
  for (const id of ["s-1", "s-2", "s-3"]) world.addSite(id, id === "s-1" ? { ring: "lab" } : {});
  world.publish(1);
  await world.start();
  world.deploy(rollout("1.0.0"));
  await world.pass(7);
});
afterEach(() => world.end());

const liar = () => world.site("s-3");
const proof = (site: string, number: number, key = keys.assign) =>
  told(site, "down/assign", setOf(site, 1, number), key);

describe("a hello that would have the hub take itself for a restored one", () => {
  it.each<{ name: string; says: () => Partial<Hello>; code: string }>([
    { name: "invents an assignment", says: () => ({ assignment: [9, 9], shown: {} }), code: "assignment" },
    { name: "invents a confirmed report", says: () => ({ report: 1_000, shown: {} }), code: "assignment" },
    { name: "invents a confirmed event", says: () => ({ event: 1_000, shown: {} }), code: "assignment" },
    {
      name: "signs the set itself",
      says: () => ({ assignment: [1, 70], shown: { assign: proof("s-3", 70, keys.stranger) } }),
      code: "signature",
    },
    {
      name: "shows the set of another site",
      says: () => ({ assignment: [1, 70], shown: { assign: proof("s-2", 70) } }),
      code: "signature",
    },
    {
      name: "shows an older set of its own",
      says: () => ({ assignment: [1, 70], shown: { assign: proof("s-3", 2) } }),
      code: "assignment",
    },
    {
      name: "shows a set of a key that the root does not name any more",
      says: () => ({ assignment: [1, 70], shown: { assign: proof("s-3", 70, keys.root2) } }),
      code: "signature",
    },
    {
      name: "shows another site's confirmations",
      says: () => ({ report: 1_000, shown: { ack: told("s-2", "down/ack", acked(1_000, 0)) } }),
      code: "signature",
    },
    {
      name: "shows a set where a confirmation belongs",
      says: () => ({ report: 1_000, shown: { ack: proof("s-3", 70) } }),
      code: "signature",
    },
  ])("but $name is refused by name, pauses nothing, and raises no term", async ({ says, code }) => {
    await liar().hello(says());
    await world.settle();
    expect(world.run("pos-1").run.phase.kind).toBe("rolling");
    expect(world.commits.filter(({ batch }) => batch.meta !== undefined)).toEqual([]);
    expect((await world.notices(code)).filter((words) => words.startsWith("from s-3: "))).toHaveLength(1);
    await world.pass(20);
    expect(world.run("pos-1").run.phase.kind).toBe("completed");
  });

  it("but shows less than it claims changes nothing: what it shows is known here", async () => {
    await liar().hello({ report: 1_000, shown: { ack: told("s-3", "down/ack", acked(2, 0)) } });
    await world.pass(20);
    expect(world.run("pos-1").run.phase.kind).toBe("completed");
    expect(world.commits.filter(({ batch }) => batch.meta !== undefined)).toEqual([]);
  });
});
