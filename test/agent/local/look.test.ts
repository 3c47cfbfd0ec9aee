import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect } from "../../../agent/apply/connect.ts";
import { type AttackedSite, attackedSite, siteOnFirst, until, v } from "../../attacks/site.ts";
import { configMap, signedBundle } from "../../support/fleet.ts";

/** `plan` and `diff`, beside an agent that runs and without one. */

/** As built: it starts in a third of the time. */
const program = join(import.meta.dirname, "../../../dist/skerry-agent.js");
const FORCED = { manager: "somebody", force: true, dryRun: false };

function skerryAgent(site: AttackedSite, ...words: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...words, "--config", site.config], (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

const PASSWORD = "correct horse battery staple";
const secret = (password: string) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "till", namespace: "shop" },
  type: "Opaque",
  data: { password: Buffer.from(password).toString("base64") },
});

describe("plan and diff", { timeout: 240_000 }, () => {
  it("say what a held version would change, then nothing, and change nothing themselves", async () => {
    const site = await attackedSite();
    const first = signedBundle({ seq: 1 }, [
      configMap("till", { greeting: "v1" }),
      configMap("old"),
      secret("old one"),
    ]);
    const second = signedBundle({ seq: 2 }, [
      configMap("till", { greeting: "v2" }),
      configMap("new"),
      secret(PASSWORD),
    ]);
    site.owner.publish(first);
    await site.assign(first);
    const item = (state: string) =>
      until(
        () => site.item()?.state,
        (seen) => seen === state,
        `it is not ${state}`,
      );
    await item("committed");
    const rest = await skerryAgent(site, "plan");
    expect([rest.code, rest.out, rest.err]).toEqual([0, "pos 1.0.0: nothing to do\n", ""]);

    await skerryAgent(site, "hold");
    site.owner.publish(second);
    await site.assign(second);
    await until(
      () => site.item()?.waitingOn,
      (words) => words?.startsWith("held") === true,
      "it is not held",
    );
    const before = site.cluster.state().requests["patch"];
    const plan = await skerryAgent(site, "plan");
    expect([plan.code, plan.err]).toEqual([3, ""]);
    expect(plan.out).toBe(`pos: 1.0.0 to 1.1.0
  apply    v1 ConfigMap shop/till  (changed)
             /data/greeting
  apply    v1 ConfigMap shop/new  (absent)
             /data/greeting
  apply    v1 Secret shop/till  (changed)
             /data/password
  waits    1 objects leave once the others are applied  (apply)
`);
    const diff = await skerryAgent(site, "diff");
    expect(diff.code).toBe(3);
    expect(diff.out).toContain('/data/greeting: "v1" -> "v2"\n');
    expect(diff.out).toContain("  delete v1 ConfigMap shop/old\n");
    const data = await skerryAgent(site, "diff", "pos", "-o", "json");
    for (const { out } of [plan, diff, data, await skerryAgent(site, "plan", "-o", "json")]) {
      expect(out).not.toContain(PASSWORD);
      expect(out).not.toContain(Buffer.from(PASSWORD).toString("base64"));
    }
    expect(JSON.parse(data.out)).toMatchObject([{ bundle: "pos", runs: "1.0.0", version: "1.1.0", again: null }]);
    expect(await site.greeting()).toBe("v1");

    await site.stop();
    expect((await skerryAgent(site, "plan")).out).toBe(plan.out);
    await skerryAgent(site, "release");
    await site.start();
    await until(
      () => site.greeting(),
      (seen) => seen === "v2",
      "v2 does not run",
    );
    await item("committed");
    expect((await skerryAgent(site, "diff")).out).toMatch(/^pos 1\.1\.0: nothing would change\n/);
    expect(before).toBeGreaterThan(0);
  });

  it("show drift, by field, where no agent heals it", async () => {
    const site = await siteOnFirst();
    await site.stop();
    const kube = await connect({ server: site.cluster.server, tokenFile: join(site.config, "../token") });
    await kube.apply(configMap("till", { greeting: "edited" }), FORCED);
    kube.close();
    const plan = await skerryAgent(site, "plan");
    expect([plan.code, plan.out]).toEqual([
      3,
      "pos 1.0.0\n  apply    v1 ConfigMap shop/till  (drift)\n             /data/greeting\n",
    ]);
    expect((await skerryAgent(site, "diff")).out).toContain('/data/greeting: "edited" -> "v1"\n');
  });

  it("look at what a site without a hub would take next, once it may", async () => {
    const site = await attackedSite({ more: ["adopt: always"] });
    site.owner.publish(v(1));
    await until(
      () => site.greeting(),
      (seen) => seen === "v1",
      "v1 does not run",
    );
    await skerryAgent(site, "hold");
    site.owner.publish(v(2));
    site.owner.publish(v(3, { scope: [{ sites: { ring: "north" } }] }));
    await until(
      async () => (await skerryAgent(site, "status", "-o", "json")).out,
      (out) => out.includes('"waitingOn": "held: ') && out.includes('"wanted": "1.1.0"'),
      "it does not say that something is held, and what",
    );
    const plan = await skerryAgent(site, "plan");
    expect([plan.code, plan.out]).toEqual([
      3,
      "pos: 1.0.0 to 1.1.0\n  apply    v1 ConfigMap shop/till  (changed)\n             /data/greeting\n",
    ]);
    expect((await skerryAgent(site, "diff")).out).toContain('/data/greeting: "v1" -> "v2"\n');
  });

  it("say where there is nothing to look at", async () => {
    const site = await attackedSite();
    await site.wipeDisk();
    const plan = await skerryAgent(site, "plan");
    expect([plan.code, plan.err.includes("no agent has run here")]).toEqual([1, true]);
  });
});
