import { beforeEach, expect, test } from "vitest";
import { Follower } from "../../../hub/follow/follow.ts";
import type { Followed } from "../../../hub/follow/followed.ts";
import type { Bundle } from "../../../shared/bundle.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { PrivateKey } from "../../../shared/node/ssh-key.ts";
import { type SignedBytes, silent } from "../../../shared/ports.ts";
import type { Root } from "../../../shared/root.ts";
import type { Files } from "../../lab/git/repository.ts";
import { keys, signedBundle, signedRoot, signedSite } from "../../support/fleet.ts";
import { type FleetMemory, fleetMemory } from "./memory.ts";

const ROOT = signedRoot();
const SITES = "sites-0";

let repository: FleetMemory;
let follower: Follower;

beforeEach(() => {
  repository = fleetMemory();
  follower = followerOf(ROOT);
  repository.commit("trust", files("root/1.json", ROOT), "root 1");
});

function followerOf(root: SignedBytes, held?: Followed): Follower {
  return new Follower({
    source: repository.source,
    journal: silent,
    digest: sha256Hex(root.body),
    roots: held?.roots ?? [],
    records: held?.records ?? new Map(),
  });
}

function files(path: string, document: SignedBytes): Files {
  return {
    [path]: document.body,
    ...Object.fromEntries([...document.signatures].map(([key, text]) => [`${path}.${key}.sig`, text])),
  };
}

function bundleFiles(changes: Partial<Bundle>, signers?: Record<string, PrivateKey>): Files {
  const bundle = signedBundle(changes, undefined, signers);
  const placed = [...bundle.files].map(([path, bytes]) => [`files/${path}`, bytes] as const);
  return { ...files("bundle.json", bundle.document), ...Object.fromEntries(placed) };
}

function rootTwo(changes: Partial<Root> = {}): Files {
  return files("root/2.json", signedRoot({ number: 2, ...changes }, { root: keys.root }));
}

async function look(): Promise<Followed> {
  const followed = await follower.poll();
  if (followed === null) throw new Error("nothing is new");
  return followed;
}

function refusals({ refusals }: Followed): Record<string, string> {
  return Object.fromEntries([...refusals].map(([what, { code }]) => [what, code]));
}

const rollout = (version: string) => ({
  "rollouts/pos.yaml": `kind: Rollout/v1\nbundle: pos\nversion: ${version}\nsites: {}\n`,
});

test("what did not change is not looked at again", async () => {
  repository.commit(SITES, files("sites/s-1.json", signedSite()), "s-1");
  repository.commit("bundles/pos", bundleFiles({ seq: 1 }), "1.0.0");
  const { records, bundles, refusals } = await look();
  expect([...records.keys()]).toEqual(["s-1"]);
  expect([...(bundles.get("pos")?.keys() ?? [])]).toEqual(["1.0.0"]);
  expect(refusals.size).toBe(0);
  expect(await follower.poll()).toBeNull();
});

test("without the pinned root nothing is believed, and everything once it is there", async () => {
  const other = signedRoot({ createdAt: "2026-11-01T09:00:00Z" });
  follower = followerOf(other);
  repository.commit(SITES, files("sites/s-1.json", signedSite()), "s-1");
  const nothing = await look();
  expect(refusals(nothing)).toEqual({ trust: "root-chain" });
  expect(nothing.records.size).toBe(0);
  repository.commit("trust", files("root/1.json", other), "the right one");
  expect((await look()).records.size).toBe(1);
});

test("a root that does not follow is refused; the one held stays, and its successor is taken", async () => {
  await look();
  const forged = files("root/2.json", signedRoot({ number: 2 }, { stranger: keys.stranger }));
  repository.commit("trust", { ...files("root/1.json", ROOT), ...forged }, "forged");
  const refused = await look();
  expect(refusals(refused)).toEqual({ trust: "threshold" });
  expect(refused.roots).toHaveLength(1);
  expect(await follower.poll()).toBeNull();
  repository.commit("trust", { ...files("root/1.json", ROOT), ...rootTwo() }, "root 2");
  const taken = await look();
  expect(taken.roots.map(({ root }) => root.document.number)).toEqual([1, 2]);
  expect(refusals(taken)).toEqual({});
});

test("a newer root judges everything again: a key that left its delegation signs no bundle any more", async () => {
  repository.commit("bundles/pos", bundleFiles({ seq: 1 }), "1.0.0");
  await look();
  const bundles = [{ pattern: "pos*", keys: ["stranger"], threshold: 1, epoch: 1, namespaces: [], kinds: [] }];
  repository.add("trust", rootTwo({ bundles }), "root 2");
  const followed = await look();
  expect(followed.bundles.get("pos")?.get("1.0.0")).toMatchObject({ kind: "refused", error: { code: "threshold" } });
});

test("a record is replaced by a newer one only, and outlives its file", async () => {
  repository.commit(SITES, files("sites/s-1.json", signedSite({ number: 2, labels: { ring: "lab" } })), "2");
  await look();
  repository.commit(SITES, files("sites/s-1.json", signedSite({ number: 1, labels: { ring: "old" } })), "1");
  const older = await look();
  expect(refusals(older)).toEqual({ [`${SITES} s-1`]: "record" });
  expect(older.records.get("s-1")?.record.labels).toEqual({ ring: "lab" });
  repository.commit(SITES, {}, "gone");
  const gone = await look();
  expect(refusals(gone)).toEqual({});
  expect(gone.records.get("s-1")?.record.number).toBe(2);
});

test("a record that is not signed by the role is refused, and its neighbours are taken", async () => {
  const forged = files("sites/s-2.json", signedSite({ id: "s-2" }, keys.stranger));
  repository.commit(SITES, { ...files("sites/s-1.json", signedSite()), ...forged }, "two");
  const followed = await look();
  expect([...followed.records.keys()]).toEqual(["s-1"]);
  expect(refusals(followed)).toEqual({ [`${SITES} s-2`]: "threshold" });
});

test("a bundle of a name that nobody is delegated is refused", async () => {
  repository.commit("bundles/evil", bundleFiles({ name: "evil" }), "1.0.0");
  expect(refusals(await look())).toEqual({ "bundles/evil": "undelegated" });
  expect(await follower.poll()).toBeNull();
});

test("a forged version is refused and takes nobody's place, whatever it calls itself", async () => {
  repository.commit("bundles/pos", bundleFiles({ seq: 1 }), "1.0.0");
  repository.commit(
    "bundles/pos",
    bundleFiles({ seq: 1, drift: { mode: "correct" } }, { pos: keys.stranger }),
    "1.0.0",
  );
  const followed = await look();
  expect(Object.values(refusals(followed))).toEqual(["threshold"]);
  expect(followed.bundles.get("pos")?.get("1.0.0")).toMatchObject({ kind: "accepted" });
});

test.each([
  { name: "version", changes: { version: "1.0.0", seq: 2 } },
  { name: "pair", changes: { version: "1.0.1", seq: 1 } },
])("two contents with one $name: the newcomer is refused", async ({ changes }) => {
  repository.commit("bundles/pos", bundleFiles({ seq: 1 }), "1.0.0");
  repository.commit("bundles/pos", bundleFiles(changes), changes.version);
  const followed = await look();
  expect(Object.values(refusals(followed))).toEqual(["equivocation"]);
  expect(followed.bundles.get("pos")?.get("1.0.0")).toMatchObject({ kind: "accepted", pair: [1, 1] });
});

test("files are checked for the versions that rollouts name, and for no other", async () => {
  repository.commit("bundles/pos", bundleFiles({ seq: 1 }), "1.0.0");
  repository.commit("bundles/pos", bundleFiles({ seq: 2 }), "1.1.0");
  repository.commit("main", rollout("1.1.0"), "deploy");
  const versions = (await look()).bundles.get("pos");
  expect(versions?.get("1.0.0")).toMatchObject({ filesChecked: false });
  expect(versions?.get("1.1.0")).toMatchObject({ filesChecked: true });
});

test.each([
  { name: "a missing file", code: "not-found", spoil: () => ({ "files/0-till.json": undefined }) },
  {
    name: "a file with one byte more",
    code: "digest",
    spoil: (bytes: string) => ({ "files/0-till.json": `${bytes} ` }),
  },
  {
    name: "a file with one byte less",
    code: "digest",
    spoil: (bytes: string) => ({ "files/0-till.json": bytes.slice(1) }),
  },
])("a version with $name is refused as $code", async ({ code, spoil }) => {
  const good = bundleFiles({ seq: 1 });
  const spoilt = Object.entries({ ...good, ...spoil(String(good["files/0-till.json"])) });
  const content = Object.fromEntries(spoilt.flatMap(([path, bytes]) => (bytes === undefined ? [] : [[path, bytes]])));
  repository.commit("bundles/pos", content, "1.0.0");
  repository.commit("main", rollout("1.0.0"), "deploy");
  const followed = await look();
  expect(followed.bundles.get("pos")?.get("1.0.0")).toMatchObject({ kind: "refused", error: { code } });
  expect(Object.values(refusals(followed))).toEqual([code]);
  expect(await follower.poll()).toBeNull();
});

test("a cut in the middle loses nothing of what was read before it", async () => {
  repository.commit(SITES, files("sites/s-1.json", signedSite()), "s-1");
  repository.commit("main", rollout("1.0.0"), "deploy");
  const { source } = repository;
  let calls = 0;
  const flaky = {
    ...source,
    files: async (head: string, folder: string) => {
      calls += 1;
      if (calls === 2) repository.faults.cut = true;
      return source.files(head, folder);
    },
  };
  follower = new Follower({
    source: flaky,
    journal: silent,
    digest: sha256Hex(ROOT.body),
    roots: [],
    records: new Map(),
  });
  await expect(follower.poll()).rejects.toMatchObject({ code: "unreachable" });
  repository.faults.cut = false;
  const followed = await look();
  expect([...followed.records.keys()]).toEqual(["s-1"]);
  expect([...(followed.rollouts?.keys() ?? [])]).toEqual(["pos"]);
});

test("while records cannot be read, nothing is concluded from the files", async () => {
  repository.commit(SITES, files("sites/s-1.json", signedSite()), "s-1");
  repository.commit("main", rollout("1.0.0"), "deploy");
  const { source } = repository;
  let damaged = true;
  const lying = {
    ...source,
    files: async (head: string, folder: string) => {
      if (folder === "sites" && damaged) repository.faults.damaged = true;
      try {
        return await source.files(head, folder);
      } finally {
        repository.faults.damaged = false;
      }
    },
  };
  follower = new Follower({
    source: lying,
    journal: silent,
    digest: sha256Hex(ROOT.body),
    roots: [],
    records: new Map(),
  });
  const held = await look();
  expect(refusals(held)).toEqual({ [SITES]: "malformed" });
  expect(held.rollouts).toBeNull();
  expect(await follower.poll()).toBeNull();
  damaged = false;
  expect((await look()).rollouts?.size).toBe(1);
});

test("rollout files are told apart by name: .yml and bad names are refused, other files are left alone", async () => {
  const { "rollouts/pos.yaml": text } = rollout("1.0.0");
  const others = { "rollouts/README.md": "", "rollouts/x/pos.yaml": text, "rollouts/pos.move.json": "{}" };
  repository.commit("main", { "rollouts/shop.yml": text, "rollouts/Pos.yaml": text, ...others }, "odd");
  const { rollouts } = await look();
  const seen = [...(rollouts ?? [])].map(([name, file]) => `${name} ${file.kind === "refused" ? file.error.code : ""}`);
  expect(seen.toSorted()).toEqual(["Pos schema", "shop.yml schema"]);
});

test("a commit that stands on two branches is judged for each of them", async () => {
  repository.commit("bundles/pos", bundleFiles({}), "1.0.0");
  repository.commit("bundles/pos-two", { "README.md": "x" }, "1.0.0");
  const { versions } = repository.source;
  const heads = await repository.source.heads();
  Object.assign(repository.source, { versions: async () => versions(heads.get("bundles/pos") ?? "") });
  const { bundles } = await look();
  expect(bundles.get("pos")?.get("1.0.0")?.kind).toBe("accepted");
  expect([...(bundles.get("pos-two")?.values() ?? [])].map(({ kind }) => kind)).toEqual(["refused"]);
});
