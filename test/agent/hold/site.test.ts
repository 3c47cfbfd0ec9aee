import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect } from "../../../agent/apply/connect.ts";
import type { KubeObject } from "../../../shared/live.ts";
import { type AttackedSite, attackedSite, until, v } from "../../attacks/site.ts";

/** A whole agent that is held, by each of the ways there are. */

async function running(...more: string[]): Promise<AttackedSite> {
  const site = await attackedSite({ more });
  site.owner.publish(v(1));
  await site.assign(v(1));
  await committed(site, 1);
  return site;
}

const committed = (site: AttackedSite, seq: number) =>
  until(
    () => site.item(),
    (item) => item?.state === "committed" && item.digest === v(seq).digest.slice(0, 32),
    `v${seq} is not committed`,
  );
const held = (site: AttackedSite, words: string | undefined) =>
  until(
    () => site.hub.reports.at(-1)?.held,
    (seen) => seen === words,
    `it does not say ${words}`,
  );

async function waits(site: AttackedSite, words: string): Promise<void> {
  site.owner.publish(v(2));
  await site.assign(v(2));
  await until(
    () => site.item()?.waitingOn,
    (seen) => seen === `held: ${words}`,
    "it does not say what it waits for",
  );
  expect(await site.greeting()).toBe("v1");
}

describe("a site that its own people hold", { timeout: 240_000 }, () => {
  it("by a file: nothing new starts, drift is healed, a restart changes nothing; without the file it goes on", async () => {
    const site = await running("hold: { file: flags/open }");
    const kube = await adminOf(site);
    const flag = join(site.config, "../flags");
    mkdirSync(flag);
    writeFileSync(join(flag, "open"), "the shop is open\n");
    await held(site, "the shop is open (file)");
    await waits(site, "the shop is open (file)");
    await kube.apply(till("edited"), FORCED);
    await until(
      () => site.greeting(),
      (seen) => seen === "v1",
      "the edit was not healed",
    );
    await site.stop();
    await site.start();
    await held(site, "the shop is open (file)");
    expect(await site.greeting()).toBe("v1");
    rmSync(join(flag, "open"));
    await committed(site, 2);
    await until(
      () => site.events("released").length,
      (seen) => seen === 1,
      "it was not told",
    );
    expect(site.events("held").map(({ words }) => words)).toEqual(["the shop is open (file)"]);
    kube.close();
  });

  it("by a Lease in the cluster, until its holder lets it run out", async () => {
    const site = await running();
    const kube = await adminOf(site);
    await kube.apply(lease({ holderIdentity: "till-7", leaseDurationSeconds: 3_600 }), FORCED);
    await held(site, "till-7 (lease)");
    await waits(site, "till-7 (lease)");
    await site.stop();
    await site.start();
    await held(site, "till-7 (lease)");
    expect(await site.greeting()).toBe("v1");
    await kube.apply(lease({ holderIdentity: "till-7", leaseDurationSeconds: 1 }), FORCED);
    await committed(site, 2);
    kube.close();
  });

  it("by the command, for a time; and released", async () => {
    const site = await running();
    await skerryAgent(site, "hold", "--for", "2h", "--reason", "sale");
    await held(site, "sale (command)");
    await waits(site, "sale (command)");
    await skerryAgent(site, "release");
    await committed(site, 2);
    await held(site, undefined);
  });
});

const FORCED = { manager: "somebody", force: true, dryRun: false };
const till = (greeting: string): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "till", namespace: "shop" },
  data: { greeting },
});
const lease = (spec: { holderIdentity: string; leaseDurationSeconds: number }): KubeObject => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name: "skerry-hold", namespace: "skerry-system" },
  spec,
});

function adminOf(site: AttackedSite) {
  return connect({ server: site.cluster.server, tokenFile: join(site.config, "../token") });
}

function skerryAgent(site: AttackedSite, ...words: string[]): Promise<string> {
  const program = join(import.meta.dirname, "../../../dist/skerry-agent.js");
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, ...words, "--config", site.config], (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
  });
}
