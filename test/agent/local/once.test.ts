import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type AttackedSite, attackedSite, v } from "../../attacks/site.ts";
import { configMap, signedBundle } from "../../support/fleet.ts";

/** `once`: as built, for it starts Git's child process from beside itself. */
const program = join(import.meta.dirname, "../../../dist/skerry-agent.js");

function once(site: AttackedSite, within: string): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, "once", "--within", within, "--config", site.config], (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

describe("once", { timeout: 240_000 }, () => {
  it("without an agent that runs: takes what is new, and ends when there is nothing left to do", async () => {
    const site = await attackedSite({ more: ["adopt: always"] });
    await site.stop();
    site.owner.publish(v(1));
    expect(await once(site, "60s")).toMatchObject({ code: 0, out: expect.stringMatching(/^All is well\./) });
    expect(await site.greeting()).toBe("v1");
    site.owner.publish(v(2));
    expect((await once(site, "60s")).out).toContain("\npos 1.1.0, committed since");
    expect(await site.greeting()).toBe("v2");
  });

  it("beside an agent that runs: has that one look now", async () => {
    const site = await attackedSite({ poll: "1h", more: ["adopt: always"] });
    site.owner.publish(v(1));
    const { code, out } = await once(site, "60s");
    expect([code, out.includes("pos 1.0.0, committed")]).toEqual([0, true]);
  });

  it("says not yet where the site is held, or no source can be read", async () => {
    const site = await attackedSite({ more: ["adopt: always"] });
    await site.stop();
    writeFileSync(join(site.dataDir, "hold"), "stock-taking\n");
    site.owner.publish(v(1));
    const held = await once(site, "6s");
    // Of the site in any case; of the bundle too, where that has come by then.
    expect(held.out).toMatch(/\n {2}held +stock-taking \(file\)/);
    expect([held.code, await site.greeting()]).toEqual([3, null]);
    await site.git.stop();
    expect((await once(site, "2s")).code).toBe(3);
  });

  it("fails where what it took failed", async () => {
    const site = await attackedSite({ more: ["adopt: always"] });
    const broken = { ...configMap("two"), kind: "Deployment", apiVersion: "apps/v1", spec: { nonsense: true } };
    await site.stop();
    site.owner.publish(signedBundle({ seq: 1 }, [configMap("till"), broken]));
    const { code, out } = await once(site, "60s");
    expect([code, out.split("\n")[0]]).toEqual([1, "pos 1.0.0 is failed."]);
  });
});
