import { beforeEach, expect, test } from "vitest";
import { Follower } from "../../../hub/follow/follow.ts";
import type { Followed } from "../../../hub/follow/followed.ts";
import { reopen } from "../../../hub/reopen.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { type Log, type SignedBytes, silent } from "../../../shared/ports.ts";
import type { Root } from "../../../shared/root.ts";
import type { SiteRecord } from "../../../shared/site.ts";
import type { Files } from "../../lab/git/repository.ts";
import { keys, rootDocument, signedRoot, signedSite } from "../../support/fleet.ts";
import { type FleetMemory, fleetMemory } from "./memory.ts";

const ROOT = signedRoot();
const DIGEST = sha256Hex(ROOT.body);
const SITES = "sites-0";
const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let repository: FleetMemory;
let follower: Follower;

beforeEach(async () => {
  repository = fleetMemory();
  follower = new Follower({
    source: repository.source,
    journal: silent,
    digest: DIGEST,
    roots: [],
    records: new Map(),
  });
  repository.commit("trust", files("root/1.json", ROOT), "root 1");
  repository.commit(SITES, files("sites/s-1.json", signedSite({ number: 5 })), "s-1");
  await look();
});

function files(path: string, document: SignedBytes): Files {
  const signatures = [...document.signatures].map(([key, text]) => [`${path}.${key}.sig`, text] as const);
  return { [path]: document.body, ...Object.fromEntries(signatures) };
}

async function look(): Promise<Followed> {
  const followed = await follower.poll();
  if (followed === null) throw new Error("nothing is new");
  return followed;
}

function refusals({ refusals }: Followed): Record<string, string> {
  return Object.fromEntries([...refusals].map(([what, { code }]) => [what, code]));
}

/** The key of the role `site` was stolen: another one takes its place. */
function dropSiteKey(changes: Partial<Root> = {}): void {
  const roles = { ...rootDocument().roles, site: { keys: ["stranger"], threshold: 1 } };
  repository.add("trust", files("root/2.json", signedRoot({ number: 2, roles, ...changes })), "root 2");
}

function publishRecord(changes: Partial<SiteRecord>, key = keys.stranger): void {
  repository.commit(SITES, files("sites/s-1.json", signedSite(changes, key)), "s-1");
}

test("a root that drops a key acts at once on the record it signed: it stays held, and nobody stands behind it", async () => {
  dropSiteKey();
  const followed = await look();
  expect(followed.records.get("s-1")).toMatchObject({
    record: { number: 5 },
    root: 1,
    left: { root: 2, error: { code: "threshold" } },
  });
  expect(refusals(followed)["record of s-1"]).toBe("threshold");
});

test("so it does where the record has left the repository meanwhile", async () => {
  repository.commit(SITES, {}, "gone");
  await look();
  dropSiteKey();
  expect((await look()).records.get("s-1")?.left?.error.code).toBe("threshold");
});

test("signed anew, with a higher number, it counts again; what a thief numbered is passed, and never gone below", async () => {
  publishRecord({ number: 9_000 }, keys.site);
  await look();
  dropSiteKey();
  await look();
  publishRecord({ number: 6 });
  expect(refusals(await look())).toEqual({ [`${SITES} s-1`]: "record", "record of s-1": "threshold" });
  publishRecord({ number: 9_001 });
  const followed = await look();
  expect(followed.records.get("s-1")).toMatchObject({ record: { number: 9_001 }, root: 2, left: null });
  expect(refusals(followed)).toEqual({});
});

test("a key is exchanged without a gap: signed by both, the record holds under a root that drops the old one", async () => {
  const both = signedSite({ number: 5 });
  const signatures = new Map([
    ...both.signatures,
    ["stranger", signedSite({ number: 5 }, keys.stranger).signatures.get("site") ?? ""],
  ]);
  repository.commit(SITES, files("sites/s-1.json", { ...both, signatures }), "signed by both");
  await look();
  dropSiteKey();
  const followed = await look();
  expect(followed.records.get("s-1")).toMatchObject({ record: { number: 5 }, root: 2, left: null });
  expect(refusals(followed)).toEqual({});
});

test("a root that keeps the key leaves the record as it is, under the new root", async () => {
  dropSiteKey({ roles: rootDocument().roles });
  const followed = await look();
  expect(followed.records.get("s-1")).toMatchObject({ root: 2, left: null });
  expect(refusals(followed)).toEqual({});
});

test("a restart comes to the same judgement, from the store alone", async () => {
  dropSiteKey();
  const { roots, records } = await look();
  const [held] = [...records.values()];
  if (held === undefined) throw new Error("the record is held");
  const stored = [{ site: "s-1", root: held.root, document: held.document }];
  const reopened = reopen({ roots: roots.map(({ document }) => document), records: stored }, DIGEST, quiet);
  expect(reopened.records.get("s-1")).toMatchObject({ root: 1, left: { root: 2, error: { code: "threshold" } } });
});

test("a second record under the number held is refused, and the one held stays", async () => {
  publishRecord({ number: 5, labels: { ring: "shop" } }, keys.site);
  const followed = await look();
  expect(refusals(followed)).toEqual({ [`${SITES} s-1`]: "equivocation" });
  expect(followed.records.get("s-1")?.record.labels).toEqual({ ring: "lab" });
});

test("a fork of the chain is refused by name, and the chain stays", async () => {
  dropSiteKey();
  await look();
  const other = files("root/2.json", signedRoot({ number: 2, createdAt: "2026-11-01T09:00:00Z" }));
  repository.commit("trust", { ...files("root/1.json", ROOT), ...other }, "another root 2");
  const followed = await look();
  expect(followed.refusals.get("trust")?.message).toMatch(/a fork: another root 2 /);
  expect(refusals(followed)["trust"]).toBe("root-chain");
  expect(followed.roots.map(({ root }) => root.document.roles.site.keys)).toEqual([["site"], ["stranger"]]);
});
