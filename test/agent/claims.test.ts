import { expect, it } from "vitest";
import type { Assignment } from "../../shared/assignment.ts";
import type { JsonObject } from "../../shared/live.ts";
import { BUNDLE_LABEL } from "../../shared/render/render.ts";
import { type AttackedSite, attackedSite, until } from "../attacks/site.ts";
import { ask } from "../lab/demo/cluster.ts";
import { configMap, type SignedBundle, signedBundle, signedSite } from "../support/fleet.ts";

/** Two bundles of one site, and objects that both know. */

const bundle = (name: string, seq: number, ...objects: string[]) =>
  signedBundle(
    { name, seq },
    objects.map((each) => configMap(each)),
  );

async function site() {
  const made = await attackedSite();
  made.owner.record(signedSite({ number: 2, bundles: ["pos*"] }));
  return made;
}

let number = 0;
const nameOf = ({ document }: SignedBundle): string => JSON.parse(Buffer.from(document.body).toString()).name;
const publish = (to: AttackedSite, name: string, made: SignedBundle) => to.owner.publish(made, { name });

async function assign(to: AttackedSite, ...bundles: readonly SignedBundle[]): Promise<void> {
  await order(to, bundles);
  for (const each of bundles) publish(to, nameOf(each), each);
}

/** Assigns what may not be published yet. */
async function order(to: AttackedSite, bundles: readonly SignedBundle[]): Promise<void> {
  number += 1;
  const items = bundles.map(({ document, digest }): Assignment => {
    const { name, version, epoch, seq } = JSON.parse(Buffer.from(document.body).toString());
    const rest = { record: 2, mode: "run" as const, run: `r-${number}`, wave: "all", values: {} };
    return { bundle: name, version, digest, pair: [epoch, seq], ...rest };
  });
  const set = { fleet: "shops", site: "s-1", term: 1, number, root: 1, expires: "2099-01-01T00:00:00Z", items };
  await to.hub.send("down/assign", set, { retain: true });
}

const committed = (of: AttackedSite, name: string, made: SignedBundle) =>
  until(
    () => of.item(name),
    (item) => item?.state === "committed" && item.digest === made.digest.slice(0, 32),
    `${name} is not committed`,
  );

async function metadataOf({ cluster }: AttackedSite, name: string): Promise<JsonObject | null> {
  const at = { ...cluster, agentTokenFile: "", adminToken: cluster.token, caFile: null };
  const { status, body } = await ask(at, "GET", `/api/v1/namespaces/shop/configmaps/${name}`);
  return status === 200 ? (body["metadata"] as JsonObject) : null;
}

const labelOf = (metadata: JsonObject | null) => (metadata?.["labels"] as JsonObject | undefined)?.[BUNDLE_LABEL];

// Cycles run in the order of the assignment: the one that leaves it comes first here, and last there.
it.each([
  ["pos-a", "pos-b"],
  ["pos-b", "pos-a"],
])("an object that goes from %s to %s is handed over: it is never deleted", async (from, to) => {
  const here = await site();
  const before = [bundle(from, 1, "stays", "goes"), bundle(to, 1, "other")] as const;
  const inOrder = (all: readonly SignedBundle[]) => (from === "pos-a" ? all : all.toReversed());
  await assign(here, ...inOrder(before));
  await committed(here, from, before[0]);
  await committed(here, to, before[1]);
  const was = await metadataOf(here, "goes");
  expect(labelOf(was)).toBe(from);
  const after = [bundle(from, 2, "stays"), bundle(to, 2, "other", "goes")] as const;
  await assign(here, ...inOrder(after));
  await committed(here, from, after[0]);
  await committed(here, to, after[1]);
  await until(
    () => here.item(from)?.waitingOn,
    (words) => words === undefined,
    "it is not let go",
  );
  const is = await metadataOf(here, "goes");
  expect([is?.["uid"], labelOf(is), here.events("pruned"), here.refused()]).toEqual([was?.["uid"], to, [], []]);
  // From now on it leaves with its new bundle.
  const last = bundle(to, 3, "other");
  await assign(here, ...inOrder([after[0], last]));
  await committed(here, to, last);
  expect(await metadataOf(here, "goes")).toBeNull();
});

it("an object is kept for a bundle whose version is late, and goes where that does not want it", async () => {
  const here = await site();
  const before = [bundle("pos-a", 1, "stays", "goes", "old"), bundle("pos-b", 1, "other")] as const;
  await assign(here, ...before);
  await committed(here, "pos-a", before[0]);
  await committed(here, "pos-b", before[1]);
  const was = await metadataOf(here, "goes");
  const [first, late] = [bundle("pos-a", 2, "stays"), bundle("pos-b", 2, "other", "goes")];
  publish(here, "pos-a", first);
  await order(here, [first, late]);
  await committed(here, "pos-a", first);
  expect(here.item("pos-a")?.waitingOn).toContain("stays until the version of pos-b");
  publish(here, "pos-b", late);
  await committed(here, "pos-b", late);
  await until(
    () => here.events("pruned"),
    (events) => events.length > 0,
    "the rest is not pruned",
  );
  const is = await metadataOf(here, "goes");
  expect([is?.["uid"], labelOf(is), await metadataOf(here, "old")]).toEqual([was?.["uid"], "pos-b", null]);
});

it("of two bundles that claim one object the second is refused, both named, and comes when the first has left it", async () => {
  const here = await site();
  const first = bundle("pos-a", 1, "one", "till");
  const second = bundle("pos-b", 1, "till", "two");
  await assign(here, first);
  await committed(here, "pos-a", first);
  await assign(here, first, second);
  const words = "claimed: v1 ConfigMap shop/till is an object of bundle pos-a here, and cannot be one of pos-b too";
  const told = await until(
    () => here.events("refused"),
    (events) => events.length > 0,
    "it is not told",
  );
  expect(told).toMatchObject([{ bundle: "pos-b", code: "claimed", words }]);
  await until(
    () => here.hub.reports.at(-1)?.refused,
    (refused) =>
      JSON.stringify(refused) ===
      JSON.stringify([{ bundle: "pos-b", digest: second.digest.slice(0, 32), code: "claimed" }]),
    "it is not reported",
  );
  expect([labelOf(await metadataOf(here, "till")), await metadataOf(here, "two"), here.item("pos-b")]).toEqual([
    "pos-a",
    null,
    undefined,
  ]);
  const without = bundle("pos-a", 2, "one");
  await assign(here, without, second);
  await committed(here, "pos-b", second);
  expect(labelOf(await metadataOf(here, "till"))).toBe("pos-b");
  expect(here.events("pruned")).toEqual([]);
});
