/** The head on `trust`. */
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { signFile } from "../../../hub/build/sign.ts";
import { canonicalJson } from "../../../shared/canonical.ts";
import { HEAD_NAMESPACE } from "../../../shared/head.ts";
import { silent } from "../../../shared/ports.ts";
import { commitFiles } from "../../lab/git/repository.ts";
import { type FleetFixture, fleetFixture } from "./fixture.ts";

let fleet: FleetFixture;

beforeEach(async () => {
  fleet = await fleetFixture();
});
afterEach(() => fleet.remove());

const git = (...args: string[]) => execFileSync("git", ["-C", fleet.origin, ...args], { maxBuffer: 16_000_000 });
const names = (branch: string) => git("ls-tree", "-r", "--name-only", branch).toString().trim().split("\n");

describe("the head", { timeout: 20_000 }, () => {
  const sign = async (number: number, more: object = {}, ...keys: string[]) => {
    const head = { fleet: "demo", number, createdAt: "2026-11-21T08:00:00Z", root: 2, newest: {}, ...more };
    await fleet.write("head.json", canonicalJson(head));
    for (const key of keys) {
      const file = join(fleet.folder, "head.json");
      await signFile({ file, namespace: HEAD_NAMESPACE, keyFile: join(fleet.base, key), as: key, keys: {} }, silent);
    }
  };
  const numberOf = () => JSON.parse(git("show", "trust:head.json").toString()).number;

  beforeEach(async () => {
    const yaml = await readFile(join(fleet.base, "root.yaml"), "utf8");
    const role = "  head: { keys: [ada], threshold: 1 }\nhead: { freshFor: 2d }\nhubs:";
    await writeFile(join(fleet.base, "root.yaml"), yaml.replace("hubs:", role));
  });
  const giveRole = async () => {
    await fleet.skerry("root", "rotate", "--from", "../root.yaml");
    await fleet.skerry("root", "sign", "--key", "../ada");
    await fleet.skerry("root", "sign", "--key", "../bob");
  };

  test("is left out where the root has no such role, or another key signed it", async () => {
    await sign(1, {}, "ada");
    const none = await fleet.skerry("publish");
    expect(none).toEqual({
      code: 0,
      out: ["published trust"],
      err: [expect.stringMatching(/^left out: undelegated: /)],
    });
    await giveRole();
    await sign(1, {}, "eve");
    await writeFile(join(fleet.folder, "head.json.ada.sig"), "");
    expect((await fleet.skerry("publish")).err).toEqual([expect.stringMatching(/^left out: .*head\.json/)]);
    expect(names("trust")).not.toContain("head.json");
  });

  test("comes to trust with its signatures; a newer one replaces it, an older one never", async () => {
    await giveRole();
    await sign(1, {}, "ada");
    expect(await fleet.skerry("publish")).toEqual({ code: 0, out: ["published trust"], err: [] });
    expect(names("trust")).toEqual(expect.arrayContaining(["head.json", "head.json.ada.sig", "root/2.json"]));
    await sign(2, {}, "ada");
    await fleet.skerry("publish");
    expect(numberOf()).toBe(2);
    await sign(1, {}, "ada");
    expect((await fleet.skerry("publish")).out).toEqual(["nothing new"]);
    await sign(2, { newest: { pos: [1, 9] } }, "ada");
    expect((await fleet.skerry("publish")).err).toEqual([
      expect.stringMatching(/^equivocation: number 2 .*head\.json/),
    ]);
    expect(numberOf()).toBe(2);
  });

  test("replaces what somebody pushed in its place that is none", async () => {
    await giveRole();
    await sign(1, {}, "ada");
    commitFiles(fleet.origin, "trust", { "head.json": "{" }, "?");
    expect(await fleet.skerry("publish")).toMatchObject({ code: 0, out: ["published trust"] });
    expect(numberOf()).toBe(1);
  });
});
