import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { formatPublicKey } from "../../shared/node/ssh-key.ts";
import { parsePrivateKey } from "../../shared/node/ssh-private-key.ts";
import { ask } from "../lab/demo/cluster.ts";
import { keys, line, signedSite } from "../support/fleet.ts";
import { type AttackedSite, attackedSite, until, v } from "./site.ts";

/** A disk that is lost, or taken away: what a site forgets with it, and what not. */

const SECRET = "/api/v1/namespaces/skerry-system/secrets/skerry-site";

const kube = (site: AttackedSite, method: "GET" | "DELETE") =>
  ask({ ...site.cluster, agentTokenFile: "", adminToken: site.cluster.token, caFile: null }, method, SECRET);
const keyOf = (site: AttackedSite) => {
  const file = join(site.dataDir, "report.key");
  return existsSync(file) ? formatPublicKey(parsePrivateKey(readFileSync(file, "utf8")).public) : null;
};
const commits = (site: AttackedSite, seq: number) =>
  until(
    () => site.item(),
    (item) => item?.state === "committed" && item.digest === v(seq).digest.slice(0, 32),
    `version ${seq} is not committed`,
  );
const isKept = (site: AttackedSite, seq: number) =>
  until(
    async () => {
      const { body } = await kube(site, "GET");
      const marks = (body["data"] as Record<string, string> | undefined)?.["marks.json"] ?? "";
      return Buffer.from(marks, "base64").toString();
    },
    (marks) => marks.includes(`"pair":[1,${seq}]`),
    "the cluster does not keep the marks",
  );

async function runningSite(seq: number): Promise<AttackedSite> {
  const site = await attackedSite();
  for (let each = 1; each <= seq; each += 1) {
    site.owner.publish(v(each));
    await site.assign(v(each));
    await commits(site, each);
  }
  await isKept(site, seq);
  return site;
}

it("the cluster's copy is made again where somebody deletes it while the agent runs", async () => {
  const site = await runningSite(1);
  await kube(site, "DELETE");
  await isKept(site, 1);
}, 30_000);

it("an agent that starts with an empty disk while its API server is down waits for it, and makes no new key", async () => {
  const site = await runningSite(1);
  await site.wipeDisk();
  site.cluster.faults.set({ unavailable: "all" });
  const starting = site.start();
  await until(
    () => existsSync(site.dataDir),
    (began) => began,
    "it did not begin",
  );
  expect(keyOf(site)).toBeNull();
  site.cluster.faults.clear();
  await starting;
  expect(keyOf(site)).toBe(line(keys.report));
  await commits(site, 1);
}, 30_000);

it("where disk and cluster are both lost, nothing is taken before a record has the new key, and nothing below its floors", async () => {
  const site = await runningSite(3);
  await site.wipeDisk();
  await kube(site, "DELETE");
  await site.assign(v(1));
  await site.start();
  const made = keyOf(site) ?? "";
  expect(made).not.toBe(line(keys.report));
  site.owner.record(signedSite({ number: 2, reportKeys: [made], floors: { pos: [1, 3] } }));
  await site.assign(v(1), { record: 2 });
  site.owner.publish(v(4));
  // It never runs v1 on the way: the cluster goes from v3 to v4.
  const seen = new Set<string | null>();
  await site.assign(v(4), { record: 2 });
  await until(
    async () => {
      const greeting = await site.greeting();
      seen.add(greeting);
      return greeting;
    },
    (greeting) => greeting === "v4",
    "v4 does not run",
  );
  expect([...seen]).toEqual(expect.not.arrayContaining(["v1"]));
}, 40_000);
