import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSops } from "../../../agent/unseal/sops.ts";
import type { Bundle } from "../../../shared/bundle.ts";
import type { KubeObject } from "../../../shared/live.ts";
import { ageDecrypt } from "../../../shared/node/age.ts";
import { parseAgeIdentity } from "../../../shared/node/age-key.ts";
import type { SiteRecord } from "../../../shared/site.ts";
import { box } from "../../support/secrets.ts";
import { BUNDLE_YAML, type FleetFixture, fleetFixture, SITE_YAML } from "./fixture.ts";

const GOLDEN = new URL("../../golden/sops/", import.meta.url);
const golden = (name: string) => readFileSync(new URL(name, GOLDEN), "utf8");
const SEALED = golden("one-group.sops.yaml");
const FILE = "bundles/pos/secrets/db.sops.yaml";

let fleet: FleetFixture;
beforeEach(async () => {
  fleet = await fleetFixture();
});
afterEach(() => fleet.remove());

async function build(sealed: string, more = "") {
  await fleet.write("bundles/pos/bundle.yaml", `${BUNDLE_YAML}secrets: [secrets/*.sops.yaml]\n${more}`);
  await fleet.write(FILE, sealed);
  fleet.commit("a secret");
  return fleet.skerry("bundle", "build", "bundles/pos");
}

const built = (path: string) => readFile(join(fleet.folder, ".skerry/pos/1.4.2", path), "utf8");

describe("a bundle with a Secret that sops encrypted", () => {
  it("carries it as it was sealed, so that it opens at a site", async () => {
    expect(await build(SEALED)).toMatchObject({ code: 0, err: [] });
    const manifest = JSON.parse(await built("bundle.json")) as Bundle;
    expect(manifest.secrets).toEqual(["secrets/db.sops.json"]);
    expect(manifest.files.map(({ path }) => path)).toContain("secrets/db.sops.json");
    const text = await built("files/secrets/db.sops.json");
    expect(text).not.toContain("hunter2");
    const groups = new Map([["north", parseAgeIdentity(golden("north.key"))]]);
    expect(openSops(JSON.parse(text) as KubeObject, groups, "db")).toEqual(JSON.parse(golden("one-group.json")));
  });

  it("is checked as all objects are, by what everybody can see of it", async () => {
    const check = `checks: [{ cel: "object.kind != 'Secret' || object.data.password.startsWith('sealed:')", message: sealed }]\n`;
    expect(await build(SEALED, check)).toMatchObject({ code: 0 });
    const { code, err } = await build(SEALED.replace("namespace: shop", "namespace: kube-system"));
    expect([code, err[0]]).toEqual([1, expect.stringMatching(/privilege: .*kube-system.*db\.sops\.yaml/)]);
  });

  it.each<[string, string, string, RegExp]>([
    ["nothing encrypted", SEALED.replace(/\nsops:[^]*/, "\n"), "schema", /not encrypted.*db\.sops\.yaml:1/],
    ["its name encrypted", golden("everything.sops.yaml"), "schema", /encrypted-regex/],
    ["another kind", SEALED.replace("kind: Secret", "kind: ConfigMap"), "schema", /objects of kind Secret/],
    ["numbers", golden("numbers.sops.yaml"), "schema", /type int.*quotes/],
    [
      "a value in the clear",
      SEALED.replace(/password: .*/, "password: aHVudGVyMg=="),
      "unsupported",
      /Secrets in the clear: shop\/db/,
    ],
    ["text that SOPS reads otherwise", SEALED.replace("app: till", "app: yes"), "schema", /MAC could not hold/],
    ["two in one file", `${SEALED}---\n${SEALED}`, "schema", /one Secret/],
    ["a number for a key", SEALED.replace("password:", '"1":'), "schema", /a key that is a number/],
    ["nobody to open it", SEALED.replace(/recipient: .*/, "recipient: ssh-ed25519 AAAA"), "key", /no group/],
  ])("is refused with %s", async (_title, text, code, words) => {
    const { code: exit, out, err } = await build(text);
    expect([exit, out]).toEqual([1, []]);
    expect(err[0]).toMatch(new RegExp(`^(error: )?${code}: `));
    expect(err[0]).toMatch(words);
    expect(err.join("\n")).not.toMatch(/hunter2|aHVudGVyMg/);
  });

  it("shows what changed between two versions without the ciphertext", async () => {
    await build(SEALED);
    await fleet.write(
      "bundles/pos/bundle.yaml",
      `${BUNDLE_YAML.replace("1.4.2", "1.4.3")}secrets: [secrets/*.sops.yaml]\n`,
    );
    await fleet.write(FILE, golden("two-groups.sops.yaml"));
    fleet.commit("sealed anew");
    await fleet.skerry("bundle", "build", "bundles/pos");
    const { out } = await fleet.skerry("bundle", "diff", "pos@1.4.2", "pos@1.4.3");
    expect(out).toContainEqual(
      expect.stringMatching(/\/data\/password: "sealed:[0-9a-f]{16}" -> "sealed:[0-9a-f]{16}"/),
    );
    expect(out.join("\n")).not.toMatch(/ENC\[|sops\//);
  });

  it("may hold values in the clear where plainSecrets says so, each with a warning", async () => {
    const { code, err } = await build(golden("suffix-in-the-clear.sops.yaml"), "plainSecrets: [shop/db]\n");
    expect([code, err]).toEqual([
      0,
      [expect.stringMatching(/db\.sops\.yaml:\d+ stands in the clear in a sealed file/)],
    ]);
  });
});

describe("a site record with groups", () => {
  const draft = (more: string) => writeFile(join(fleet.base, "site.yaml"), `${SITE_YAML}${more}`);
  const sign = (...more: string[]) => fleet.skerry("site", "sign", "../site.yaml", "--key", "../ada", ...more);
  const record = async () => JSON.parse(await readFile(join(fleet.folder, "sites/s-0017.json"), "utf8")) as SiteRecord;
  const given = (name: string) => ["--group-key", `${name}=../${name}.key`];

  beforeEach(async () => {
    for (const name of ["north", "stores"]) await writeFile(join(fleet.base, `${name}.key`), golden(`${name}.key`));
  });

  it("has the key of each, for its box alone", async () => {
    await draft(`box: ${box.recipient}\ngroups: [north, stores]\n`);
    expect(await sign(...given("north"), ...given("stores"))).toMatchObject({ code: 0 });
    const { groups } = await record();
    for (const name of ["north", "stores"]) {
      const opened = parseAgeIdentity(ageDecrypt(groups[name] ?? "", [box]).toString());
      expect(opened).toEqual(parseAgeIdentity(golden(`${name}.key`)));
    }
    expect(JSON.stringify(await record())).not.toContain("AGE-SECRET-KEY");
  });

  it("stays as it is for whoever signs next, who needs no keys of groups, and keeps a group that another joins", async () => {
    await draft(`box: ${box.recipient}\ngroups: [north]\n`);
    await sign(...given("north"));
    const first = await record();
    expect(await sign()).toMatchObject({ code: 0 });
    expect(await record()).toEqual(first);
    await draft(`box: ${box.recipient}\ngroups: [north, stores]\n`);
    expect(await sign(...given("stores"))).toMatchObject({ code: 0 });
    expect(await record()).toMatchObject({ number: 2, groups: { north: first.groups["north"] } });
  });

  it.each<[string, string, string[], RegExp]>([
    ["no box", "groups: [north]\n", ["--group-key", "north=../north.key"], /schema: a site with groups needs its box/],
    [
      "no key",
      `box: ${box.recipient}\ngroups: [north]\n`,
      [],
      /usage: no key of the group north.*--group-key north=FILE/,
    ],
    [
      "a key too many",
      `box: ${box.recipient}\n`,
      ["--group-key", "north=../north.key"],
      /usage: --group-key for north/,
    ],
    ["a file that is no key", `box: ${box.recipient}\ngroups: [north]\n`, ["--group-key", "north=../ada"], /\.\.\/ada/],
    [
      "no file",
      `box: ${box.recipient}\ngroups: [north]\n`,
      ["--group-key", "north"],
      /usage: --group-key north is not/,
    ],
  ])("is refused with %s", async (_title, more, flags, words) => {
    await draft(more);
    const { code, err } = await sign(...flags);
    expect(code).not.toBe(0);
    expect(err.join("\n")).toMatch(words);
  });

  it("needs its groups anew for another box", async () => {
    await draft(`box: ${box.recipient}\ngroups: [north]\n`);
    await sign(...given("north"));
    await draft(`box: ${parseAgeIdentity(golden("stores.key")).recipient}\ngroups: [north]\n`);
    expect((await sign()).err.join()).toContain("--group-key north=FILE");
    expect(await sign(...given("north"))).toMatchObject({ code: 0 });
  });
});
