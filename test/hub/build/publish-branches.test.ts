/** What publishing puts on `deltas/<name>`, and the head on `trust`. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { signFile } from "../../../hub/build/sign.ts";
import type { Bundle } from "../../../shared/bundle.ts";
import { canonicalJson } from "../../../shared/canonical.ts";
import { HEAD_NAMESPACE } from "../../../shared/head.ts";
import { changedFiles, deltaFiles, openDelta } from "../../../shared/node/delta.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { silent } from "../../../shared/ports.ts";
import { deltaName } from "../../../shared/source/source.ts";
import { BUNDLE_YAML, buildAndSign, type FleetFixture, fleetFixture, TILL_YAML } from "./fixture.ts";

let fleet: FleetFixture;

beforeEach(async () => {
  fleet = await fleetFixture();
});
afterEach(() => fleet.remove());

const git = (...args: string[]) => execFileSync("git", ["-C", fleet.origin, ...args], { maxBuffer: 16_000_000 });
const names = (branch: string) => git("ls-tree", "-r", "--name-only", branch).toString().trim().split("\n");
const manifestAt = (commit: string) => {
  const body = git("show", `${commit}:bundle.json`);
  return { body, manifest: JSON.parse(body.toString()) as Bundle, digest: sha256Hex(body) };
};
const release = async (version: string, greeting: string) => {
  await fleet.write("bundles/pos/bundle.yaml", BUNDLE_YAML.replace("1.4.2", version));
  await fleet.write("bundles/pos/manifests/till.yaml", TILL_YAML.replace('"yes"', JSON.stringify(greeting)));
  fleet.commit(version);
  await buildAndSign(fleet, version);
  return fleet.skerry("bundle", "publish", `pos@${version}`);
};

describe("deltas", { timeout: 20_000 }, () => {
  test("lead from each of the last three versions to the newest, in one commit without a parent", async () => {
    for (const version of ["1.0.0", "1.1.0", "1.2.0", "1.3.0"]) await release(version, `hello of ${version}`);
    const last = await release("1.4.0", "hello");
    expect(last).toEqual({ code: 0, out: ["published bundles/pos, deltas/pos"], err: [] });
    const older = ["bundles/pos~1", "bundles/pos~2", "bundles/pos~3"].map(manifestAt);
    expect(names("deltas/pos")).toEqual(older.map(({ digest }) => deltaName(digest)).toSorted());
    expect(git("rev-list", "deltas/pos").toString().trim().split("\n")).toHaveLength(1);
    const next = manifestAt("bundles/pos");
    for (const [index, old] of older.entries()) {
      const frame = git("show", `deltas/pos:${deltaName(old.digest)}`);
      const document = openDelta(frame, old.body);
      expect(sha256Hex(document.body)).toBe(next.digest);
      expect([...document.signatures.keys()]).toEqual(["ada", "bob"]);
      const changed = changedFiles(old.manifest, next.manifest);
      const files = deltaFiles(frame, changed, (path) => git("show", `bundles/pos~${index + 1}:files/${path}`));
      expect(files.map(sha256Hex)).toEqual(changed.map(({ sha256 }) => sha256));
      expect(changed).toHaveLength(1);
    }
  });

  test("that would be too large are left out, and those to an older version are taken away", async () => {
    await release("1.0.0", "one");
    expect((await release("1.1.0", "two")).err).toEqual([]);
    // A file of YAML is read up to 1 MiB.
    const [one, two] = [randomBytes(540_000).toString("base64"), randomBytes(540_000).toString("base64")];
    const more = TILL_YAML.split("---\n")[1]?.replace("name: till", "name: more").replace('"yes"', `"${one}"`) ?? "";
    await fleet.write("bundles/pos/manifests/more.yaml", more);
    const { code, err } = await release("1.2.0", two);
    expect(code).toBe(0);
    expect(err).toEqual([
      "left out: the delta from pos 1.1.0: larger than 1048576 bytes",
      "left out: the delta from pos 1.0.0: larger than 1048576 bytes",
    ]);
    expect(names("deltas/pos")).toEqual([""]);
  });
});

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
});
