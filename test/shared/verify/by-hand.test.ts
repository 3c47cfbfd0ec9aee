import { spawnSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUNDLE_NAMESPACE } from "../../../shared/bundle.ts";
import { verifyDsse } from "../../../shared/node/dsse.ts";
import { type PublicKey, parsePublicKey, publicKeyOf } from "../../../shared/node/ssh-key.ts";
import { buildAndSign, fleetFixture } from "../../hub/build/fixture.ts";

/** Runs what `docs/verify-by-hand.md` tells people to run, section by section, in one folder. */

const page = readFileSync(join(import.meta.dirname, "../../../docs/verify-by-hand.md"), "utf8");
const sections = page.split(/^## /m).map((text) => ({
  title: text.split("\n", 1)[0] ?? "",
  blocks: [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands = ""]) => commands),
}));
const PSS = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";
const missing = ["git", "ssh-keygen", "openssl", "jq", "sha256sum"].filter(
  (name) => spawnSync("which", [name]).status !== 0,
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "skerry-by-hand-"));
  const fleet = await fleetFixture();
  try {
    await buildAndSign(fleet, "1.4.2");
    const record = await fleet.skerry("site", "sign", "../site.yaml", "--key", "../ada");
    if (record.code !== 0) throw new Error(record.err.join("\n"));
    for (const part of ["root", "sites"]) await cp(join(fleet.folder, part), join(folder, part), { recursive: true });
    await cp(join(fleet.folder, ".skerry/pos/1.4.2"), join(folder, "pos"), { recursive: true });
    const published = await fleet.skerry("bundle", "publish", "pos@1.4.2");
    if (published.code !== 0) throw new Error(published.err.join("\n"));
    await cp(fleet.origin, join(folder, "fleet.git"), { recursive: true });
  } finally {
    await fleet.remove();
  }
});
afterAll(() => rm(folder, { recursive: true }));

const run = (commands: string, cwd = folder) => {
  const script = commands.replace("https://git.example.com/fleet.git", join(folder, "fleet.git"));
  // A bash whose standard input is a socket takes itself for a remote one, and reads its user's settings.
  const { status, stdout, stderr } = spawnSync("bash", ["--norc", "-euo", "pipefail", "-c", script], { cwd });
  return { status, out: stdout.toString(), err: stderr.toString() };
};
const blocks = (title: string) => sections.find((each) => each.title === title)?.blocks ?? [];
const section = (title: string) => blocks(title).join("");
const signers = async (key: PublicKey) => {
  const envelope = await readFile(join(folder, "pos/bundle.json.hsm.sig"), "utf8");
  return verifyDsse(await readFile(join(folder, "pos/bundle.json")), envelope, BUNDLE_NAMESPACE, [key]);
};

it("has commands in these sections", () => {
  const commanded = sections.filter((each) => each.blocks.length > 0).map(({ title }) => title);
  expect(commanded).toEqual([
    "The root",
    "A site record",
    "A bundle",
    "From a Git clone",
    "A signature from a key service",
  ]);
  expect(page.match(/^```/gm)).toHaveLength(2 * sections.flatMap((each) => each.blocks).length);
});

describe.skipIf(missing.length > 0)(`the page's commands (without: ${missing.join(", ") || "nothing"})`, () => {
  it("verify a root", () => {
    const { status, out, err } = run(section("The root"));
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out.match(/^Good "skerry-root@v1" signature for (ada|bob) /gm)).toHaveLength(2);
    expect(out).toMatch(/^[0-9a-f]{64} {2}root\/1\.json$/m);
    expect(out.trimEnd()).toMatch(/\n2\n2$/);
  });

  it("verify a site record", () => {
    const { status, out } = run(section("A site record"));
    expect(status).toBe(0);
    expect(out).toMatch(/^Good "skerry-site@v1" signature for ada /);
  });

  it("verify a bundle and its files", () => {
    const { status, out, err } = run(section("A bundle"));
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out.match(/^Good "skerry-bundle@v1" /gm)).toHaveLength(2);
    expect(out.match(/^pos\/files\/.*: OK$/gm)).toHaveLength(2);
  });

  it("verify what `git clone` brings: an ordinary commit for each version", () => {
    const { status, out, err } = run(section("From a Git clone"));
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toMatch(/^[0-9a-f]+ 1\.4\.2$/m);
    expect(out.match(/^Good "skerry-bundle@v1" /gm)).toHaveLength(2);
    expect(out.match(/^published\/files\/.*: OK$/gm)).toHaveLength(2);
    expect(run("printf ' ' >> published/files/00-deployment-till.json").status).toBe(0);
    const [, again = ""] = blocks("From a Git clone");
    expect(run(again).out).toMatch(/^published\/files\/00-deployment-till\.json: FAILED$/m);
  });

  it("make and verify an envelope, which we take", async () => {
    const { status, out } = run(section("A signature from a key service"));
    expect(status).toBe(0);
    expect(out).toBe("Verified OK\ntrue\n");
    const key = parsePublicKey(await readFile(join(folder, "hsm.pub"), "utf8"));
    expect(await signers(key)).toEqual([key]);
  });

  it.each([
    ["p384", "ecparam -name secp384r1 -genkey -noout", "dgst -sha384 -sign hsm.pem"],
    ["rsa", "genpkey -algorithm rsa", "dgst -sha256 -sign hsm.pem"],
    ["rsa with PSS", "genpkey -algorithm rsa", `dgst -sha256 ${PSS} -sign hsm.pem`],
    ["ed25519", "genpkey -algorithm ed25519", "pkeyutl -sign -rawin -inkey hsm.pem -in"],
  ])("make an envelope with %s as well", async (_title, generate, sign) => {
    const [, statement = "", wrap = ""] = blocks("A signature from a key service");
    const signing = `openssl ${sign} signed ${sign.startsWith("pkeyutl") ? "-out" : ">"} signature`;
    const making = `openssl ${generate} -out hsm.pem\nopenssl pkey -in hsm.pem -pubout -out hsm.pub.pem`;
    const { status, err } = run([making, statement, signing, wrap.slice(wrap.indexOf("\n"))].join("\n"));
    expect({ status, err: err.replaceAll(/^[.+*-]*$/gm, "").trim() }).toEqual({ status: 0, err: "" });
    const key = publicKeyOf(createPublicKey(await readFile(join(folder, "hsm.pub.pem"))));
    expect(await signers(key)).toEqual([key]);
  });

  it.each([
    ["root/1.json", "The root"],
    ["sites/s-0017.json", "A site record"],
    ["pos/bundle.json", "A bundle"],
    ["pos/files/*", "A bundle"],
  ])("fail where %s was changed", async (file, title) => {
    const copy = await mkdtemp(join(tmpdir(), "skerry-by-hand-"));
    try {
      await cp(folder, copy, { recursive: true });
      expect(run(section(title), copy).status).toBe(0);
      expect(run(`for file in ${file}; do printf ' ' >> "$file"; done`, copy).status).toBe(0);
      expect(run(section(title), copy).status).not.toBe(0);
    } finally {
      await rm(copy, { recursive: true });
    }
  });
});
