import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { BUNDLE_YAML, buildAndSign, type FleetFixture, fleetFixture } from "./fixture.ts";

const fleets: FleetFixture[] = [];
const fleetOf = async () => {
  const fleet = await fleetFixture();
  // The address of `origin` goes into the manifest.
  fleet.git("remote", "set-url", "origin", "https://ada:secret@git.example.com/fleet.git");
  fleets.push(fleet);
  return fleet;
};
const built = (fleet: FleetFixture, version: string, file = "bundle.json") =>
  readFile(join(fleet.folder, ".skerry/pos", version, file), "utf8");

afterEach(async () => {
  await Promise.all(fleets.splice(0).map((fleet) => fleet.remove()));
});

describe("bundle build", () => {
  test("writes the manifest and one canonical file an object", async () => {
    const fleet = await fleetOf();
    const { code, out } = await fleet.skerry("bundle", "build", "bundles/pos");
    expect(code).toBe(0);
    const manifest = await built(fleet, "1.4.2");
    await expect(manifest).toMatchFileSnapshot("golden/bundle.json");
    await expect(await built(fleet, "1.4.2", "files/00-deployment-till.json")).toMatchFileSnapshot("golden/00.json");
    await expect(await built(fleet, "1.4.2", "files/01-configmap-till.json")).toMatchFileSnapshot("golden/01.json");
    expect(out[0]).toBe(`pos@1.4.2 1.1 sha256:${sha256Hex(Buffer.from(manifest))}`);
    expect(fleet.git("status", "--porcelain")).toBe("");
  });

  test("gives the same bytes in another folder, at another time, on another machine's clone", async () => {
    const [one, two] = [await fleetOf(), await fleetOf()];
    await one.skerry("bundle", "build", "bundles/pos");
    two.git("config", "core.autocrlf", "true");
    two.git("rm", "--quiet", "--cached", "-r", "bundles");
    two.git("reset", "--quiet", "--hard");
    await two.skerry("bundle", "build", join(two.folder, "bundles/pos/"));
    expect(await built(two, "1.4.2")).toBe(await built(one, "1.4.2"));
  });

  test("again leaves the signatures; other content takes them away", async () => {
    const fleet = await fleetOf();
    await buildAndSign(fleet, "1.4.2");
    await fleet.skerry("bundle", "build", "bundles/pos");
    expect(await built(fleet, "1.4.2", "bundle.json.ada.sig")).toContain("SSH SIGNATURE");
    await fleet.write("bundles/pos/bundle.yaml", `${BUNDLE_YAML}health: { holdFor: 1m, deadline: 15m }\n`);
    fleet.commit("longer");
    await fleet.skerry("bundle", "build", "bundles/pos");
    expect(JSON.parse(await built(fleet, "1.4.2")).health).toEqual({ deadline: "15m", holdFor: "1m" });
    await expect(built(fleet, "1.4.2", "bundle.json.ada.sig")).rejects.toThrow("ENOENT");
  });

  test("reads the commit, not what Git ignores beside it", async () => {
    const fleet = await fleetOf();
    await fleet.write(".gitignore", "*.local.yaml\n");
    fleet.commit("ignore");
    await fleet.write("bundles/pos/manifests/x.local.yaml", "not: committed\n");
    const { code } = await fleet.skerry("bundle", "build", "bundles/pos");
    expect(code).toBe(0);
    expect(JSON.parse(await built(fleet, "1.4.2")).files).toHaveLength(2);
  });

  test("refuses uncommitted work, and says what to do", async () => {
    const fleet = await fleetOf();
    await fleet.write("bundles/pos/manifests/new.yaml", "a: 1\n");
    const { code, err } = await fleet.skerry("bundle", "build", "bundles/pos");
    expect(code).toBe(1);
    expect(err).toEqual([expect.stringMatching(/^config: .*\(bundles\/pos\/manifests\/new\.yaml\); commit it/)]);
  });
});
