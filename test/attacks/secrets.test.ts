import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sorted } from "../../shared/canonical.ts";
import { isMap, type KubeObject } from "../../shared/live.ts";
import { ageEncrypt } from "../../shared/node/age.ts";
import { formatAgeIdentity } from "../../shared/node/age-key.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { readYamlAsKubectl } from "../../shared/node/yaml-document.ts";
import { ask } from "../lab/demo/cluster.ts";
import { configMap, signedBundle, signedSite } from "../support/fleet.ts";
import { box } from "../support/secrets.ts";
import { type AttackedSite, attackedSite, until } from "./site.ts";

/** A Secret that the real `sops` encrypted lives at a site, and whoever reads along looks for it everywhere but in the cluster. */

const GOLDEN = new URL("../golden/sops/", import.meta.url);
const golden = (name: string) => readFileSync(new URL(name, GOLDEN), "utf8");
const SEALED = readYamlAsKubectl(golden("one-group.sops.yaml"), "db").documents[0]?.value as KubeObject;
const PLAIN = JSON.parse(golden("one-group.json")) as KubeObject &
  Record<"data" | "stringData", Record<string, string>>;
const b64 = (text: string) => Buffer.from(text).toString("base64");
const DATA = {
  ...PLAIN.data,
  ...Object.fromEntries(Object.entries(PLAIN.stringData).map(([key, text]) => [key, b64(text)])),
};

/** Every form in which a value could stand somewhere; a plain hash of it is one that can be guessed at. */
const VALUES = [...Object.values(PLAIN.stringData), ...Object.values(DATA), "hunter2"];
const GROUP_KEY = /AGE-SECRET-KEY-\S+/.exec(golden("north.key"))?.[0] ?? "no key";
const FORMS = [GROUP_KEY, ...VALUES]
  .flatMap((text) => {
    const hashes = [sha256Hex(Buffer.from(text)), sha256Hex(Buffer.from(sorted(text)))];
    return text === "" ? [] : [text, JSON.stringify(text).slice(1, -1), ...hashes];
  })
  .concat(sha256Hex(Buffer.from(sorted(DATA))), sha256Hex(Buffer.from(sorted({ data: DATA }))));

const GROUPS = { north: ageEncrypt(Buffer.from(golden("north.key")), box.recipient) };
const grouped = (number: number, groups: Record<string, string> = GROUPS) =>
  signedSite({ number, box: box.recipient, groups });

function version(
  seq: number,
  changes: Parameters<typeof signedBundle>[0] = {},
  sealed = SEALED,
  more: KubeObject[] = [],
) {
  const greeting = configMap("till", { greeting: `v${seq}` });
  return signedBundle({ seq, secrets: ["1-db.json"], health: { holdFor: "0", deadline: "30s" }, ...changes }, [
    greeting,
    sealed,
    ...more,
  ]);
}

const kube = (site: AttackedSite, method: "GET" | "PATCH", body?: unknown) =>
  ask(
    { ...site.cluster, agentTokenFile: "", adminToken: site.cluster.token, caFile: null },
    method,
    "/api/v1/namespaces/shop/secrets/db",
    body,
  );
const kept = async (site: AttackedSite) => {
  const at = { ...site.cluster, agentTokenFile: "", adminToken: site.cluster.token, caFile: null };
  const { body } = await ask(at, "GET", "/api/v1/namespaces/skerry-system/secrets/skerry-site");
  return (body["data"] ?? {}) as Record<string, string>;
};
const dataOf = async (site: AttackedSite) => (await kube(site, "GET")).body["data"];
const committed = (site: AttackedSite, bundle: ReturnType<typeof version>, record: number) =>
  until(
    () => site.item(),
    (item) => item?.state === "committed" && item.digest === bundle.digest.slice(0, 32) && item.record === record,
    "it is not committed",
  );
const refused = (site: AttackedSite, code: string) =>
  until(
    () => site.refused(),
    (codes) => codes.includes(code),
    `nothing was refused as ${code}`,
  );

/** All that a site leaves behind outside of its cluster. */
function traces(site: AttackedSite): Map<string, string> {
  const files = readdirSync(site.dataDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const { reports, batches, events, answers } = site.hub;
  return new Map([
    ["the log", site.logged.join("\n")],
    ["what the hub was told", JSON.stringify({ reports, batches, events, answers })],
    ...files.map((entry): [string, string] => {
      const path = join(entry.parentPath, entry.name);
      return [path, readFileSync(path).toString("latin1")];
    }),
  ]);
}

function findings(site: AttackedSite): string[] {
  const forms = FORMS.map((form) => Buffer.from(form).toString("latin1"));
  return [...traces(site)].flatMap(([place, text]) => (forms.some((form) => text.includes(form)) ? [place] : []));
}

it("applied, healed, failed, refused and after a restart, it is in the cluster and nowhere else", {
  timeout: 90_000,
}, async () => {
  const site = await attackedSite();
  site.owner.record(grouped(2));
  const first = version(1);
  site.owner.publish(first);
  await site.assign(first, { record: 2 });
  await committed(site, first, 2);
  expect(await dataOf(site)).toEqual(DATA);

  await kube(site, "PATCH", { data: { password: b64("mine") } });
  await until(
    () => dataOf(site),
    (data) => isMap(data) && data["password"] === DATA.password,
    "the Secret was not put right",
  );
  await until(
    () => site.events("drift").length,
    (count) => count > 0,
    "no drift was told",
  );

  // The cluster refuses it, whole: a Secret has no such field.
  const patch = { ...configMap("db"), kind: "Secret", bogus: "field" } as KubeObject & {
    data?: unknown;
  };
  delete patch.data;
  const failing = version(2, { overlays: [{ sites: {}, patch: "2-db.json", type: "strategic" }] }, SEALED, [patch]);
  site.owner.publish(failing);
  await site.assign(failing, { record: 2 });
  await until(
    () => site.events("reverted").length,
    (count) => count > 0,
    "2 was not given up",
  );

  const changed = structuredClone(SEALED);
  (changed["data"] as Record<string, string>)["password"] =
    (changed["stringData"] as Record<string, string>)["url"] ?? "";
  site.owner.publish(version(3, {}, changed));
  await refused(site, "signature");

  site.owner.publish(version(4, { checks: [{ cel: "int(object.data.password) > 0", message: "a number" }] }));
  await refused(site, "policy");

  site.owner.record(grouped(3, {}));
  site.owner.publish(version(5));
  await refused(site, "record");
  expect(await dataOf(site)).toEqual(DATA);

  const told = site.events("drift").length;
  await site.stop();
  await site.start();
  const reports = site.hub.reports.length;
  await until(
    () => site.hub.reports.length,
    (count) => count > reports,
    "it said nothing after the restart",
  );
  expect([await dataOf(site), site.events("drift").length]).toEqual([DATA, told]);
  await site.stop();

  expect(findings(site)).toEqual([]);
  // What is looked through is what was meant: the sealed values lie there.
  const sealed = String((SEALED["data"] as Record<string, string>)["password"]);
  expect([...traces(site)].filter(([, text]) => text.includes(sealed)).map(([place]) => place)).toContain(
    join(site.dataDir, "agent.db"),
  );
});

it("a site that shows what a version would change shows nothing of it: hashes of what is sealed, and of what lives there not even that", async () => {
  const site = await attackedSite();
  site.owner.record(grouped(2));
  // What somebody puts there stays.
  const first = version(1, { drift: { mode: "report" } });
  site.owner.publish(first);
  const shown = async (of: ReturnType<typeof version>, id: string) => {
    await site.assign(of, { record: 2, mode: "prepare" });
    const prepared = await until(
      () => site.hub.reports.at(-1)?.prepared?.[0],
      (seen) => seen?.digest === of.digest.slice(0, 32),
      "it is not prepared",
    );
    expect(prepared).not.toHaveProperty("code");
    await site.hub.send("down/ask", { id, what: "diff", diff: prepared?.diff, deadline: "2099-01-01T00:00:00Z" });
    const answer = await until(
      () => site.hub.answers.find((each) => each.id === id),
      (seen) => seen !== undefined,
      "it does not answer",
    );
    return answer?.diff?.objects.find(({ object }) => object === "v1 Secret shop/db");
  };
  const coming = await shown(first, "q-1");
  expect(coming).toMatchObject({ action: "create" });
  expect(coming?.fields).toContainEqual({ path: "/data/password", to: expect.stringMatching(/^sealed:[0-9a-f]{16}$/) });
  await site.assign(first, { record: 2 });
  await committed(site, first, 2);
  // Edited while nobody looks, so that it is what the agent sees first.
  await site.stop();
  expect((await kube(site, "PATCH", { data: { password: b64("planted by hand") } })).status).toBe(200);
  await site.start();
  const second = version(2);
  site.owner.publish(second);
  const changing = await shown(second, "q-2");
  expect(changing?.fields).toEqual([
    { path: "/data/password", from: "hidden", to: expect.stringMatching(/^sealed:[0-9a-f]{16}$/) },
  ]);
  await site.stop();
  expect(findings(site)).toEqual([]);
  expect(JSON.stringify([...traces(site)])).not.toMatch(/planted by hand|cGxhbnRlZCBieSBoYW5k/);
});

it("a site whose record has another group, or another box, is told so, and takes it once its record is right", {
  timeout: 60_000,
}, async () => {
  const site = await attackedSite();
  site.owner.record(grouped(2, { stores: ageEncrypt(Buffer.from(golden("stores.key")), box.recipient) }));
  site.owner.publish(version(1));
  await site.assign(version(1), { record: 2 });
  await refused(site, "record");
  site.owner.record(
    grouped(3, {
      north: ageEncrypt(
        Buffer.from(golden("north.key")),
        "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
      ),
    }),
  );
  await refused(site, "key");
  site.owner.record(grouped(4));
  await site.assign(version(1), { record: 4 });
  await committed(site, version(1), 4);
  expect(await dataOf(site)).toEqual(DATA);

  // An empty disk has the box key back out of the cluster, so that the record holds as it is.
  await until(
    async () => (await kept(site))["box.key"],
    (text) => text === b64(formatAgeIdentity(box)),
    "the cluster does not keep the box key",
  );
  await site.wipeDisk();
  const before = site.hub.reports.length;
  await site.start();
  await until(
    () => site.hub.reports.slice(before).at(-1)?.items[0]?.state,
    (state) => state === "committed",
    "it does not come back",
  );
  expect(await dataOf(site)).toEqual(DATA);
});
