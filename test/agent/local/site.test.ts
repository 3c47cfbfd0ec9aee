import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Status } from "../../../agent/local/status.ts";
import { type AttackedSite, attackedSite, siteOnFirst, until, v } from "../../attacks/site.ts";

/** A whole agent, and the person who stands beside it. */

/** As built: it starts in a fifth of the time. */
const program = join(import.meta.dirname, "../../../dist/skerry-agent.js");

function skerryAgent(site: AttackedSite, ...words: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...words, "--config", site.config], (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

function pageOf(site: AttackedSite): string {
  const line = site.logged.find((each) => each.includes("answers the people at this site") && each.includes("port"));
  const port = /"port":(\d+)/.exec(line ?? "")?.[1];
  return `http://127.0.0.1:${port}`;
}

describe("a person at a site", { timeout: 240_000 }, () => {
  it("reads what runs, on the page and in the terminal, and with the agent stopped what lies on the disk", async () => {
    const site = await siteOnFirst();
    const status = (await (await fetch(`${pageOf(site)}/status.json`)).json()) as Status;
    expect(status).toMatchObject({
      site: "s-1",
      root: 1,
      record: 1,
      assignment: [1, 1],
      hub: { connected: true },
      bundles: [{ bundle: "pos", version: "1.0.0", state: "committed", objects: { total: 1, healthy: 1 } }],
    });
    expect(status.hub?.heardAt).not.toBeNull();
    const told = await skerryAgent(site, "status");
    expect([told.code, told.out.split("\n")[0], told.err]).toEqual([0, "All is well.", ""]);
    const metrics = await (await fetch(`${pageOf(site)}/metrics`)).text();
    expect(metrics).toMatch(/skerry_agent_kube_requests_total\{verb="apply"\} [1-9]/);
    expect(metrics).toContain('skerry_agent_bundles{state="committed"} 1');
    await site.stop();
    const left = await skerryAgent(site, "status", "-o", "json");
    expect(left.code).toBe(3);
    expect(JSON.parse(left.out)).toMatchObject({
      running: null,
      bundles: [{ bundle: "pos", version: "1.0.0", state: "committed", objects: null, committed: "1.0.0" }],
    });
  });

  it("holds the site by the page, reads why nothing starts, and releases it", async () => {
    const site = await siteOnFirst();
    const page = await (await fetch(pageOf(site))).text();
    const token = /name="token" value="([^"]+)"/.exec(page)?.[1] ?? "";
    const press = (verb: string, form: Record<string, string>) =>
      fetch(`${pageOf(site)}/${verb}`, {
        method: "POST",
        body: new URLSearchParams({ token, ...form }),
        redirect: "manual",
      });
    expect((await press("hold", { reason: "stock-taking", for: "2h" })).status).toBe(303);
    site.owner.publish(v(2));
    await site.assign(v(2));
    const said = await until(
      async () => (await skerryAgent(site, "status")).out,
      (out) => out.includes("held: stock-taking (page)"),
      "it does not say why nothing starts",
    );
    expect(said).toMatch(/^Held: nothing new starts\.\n/);
    expect(said).toMatch(/\n {2}wanted +1\.1\.0\n {2}waits +the site is held: stock-taking \(page\)\n/);
    expect((await press("release", {})).status).toBe(303);
    await until(
      () => site.greeting(),
      (greeting) => greeting === "v2",
      "v2 does not run",
    );
  });

  it("is told what is wrong with a command", async () => {
    const site = await attackedSite();
    const codes = await Promise.all([
      skerryAgent(site, "hold", "--for", "soon"),
      skerryAgent(site, "status", "-o", "xml"),
      skerryAgent({ ...site, config: "/nowhere.yaml" }, "status"),
    ]);
    expect(codes.map(({ code }) => code)).toEqual([2, 2, 1]);
  });
});
