import { spawnSync } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FleetFixture, fleetFixture, SITE_YAML } from "../build/fixture.ts";

let fleet: FleetFixture;
beforeEach(async () => {
  fleet = await fleetFixture();
});
afterEach(() => fleet.remove());

const program = (...args: string[]) => {
  const main = join(import.meta.dirname, "../../../dist/skerry.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { cwd: fleet.folder });
  return { status, out: stdout.toString(), err: stderr.toString() };
};

test("the program as an operator starts it: build, sign, verify, publish", () => {
  expect(program("bundle", "build", "bundles/pos")).toMatchObject({ status: 0, err: "" });
  expect(program("bundle", "sign", "pos@1.4.2", "--key", "../ada")).toMatchObject({ status: 0, err: "" });
  expect(program("bundle", "verify", "pos@1.4.2")).toEqual({
    status: 1,
    out: "",
    err: expect.stringMatching(/^threshold: 1 of 2 .*\n$/),
  });
  expect(program("bundle", "sign", "pos@1.4.2", "--key", "../bob").status).toBe(0);
  expect(program("bundle", "verify", "pos@1.4.2").out).toMatch(
    /^pos@1\.4\.2 sha256:[0-9a-f]{64} holds under root 1\n$/,
  );
  expect(program("bundle", "publish", "pos@1.4.2")).toEqual({
    status: 0,
    out: "published trust, bundles/pos\n",
    err: "",
  });
});

test.each([
  [[], 2],
  [["--help"], 0],
  [["bundle"], 2],
  [["bundle", "paint"], 2],
  [["bundle", "sign", "pos@1.4.2"], 2],
  [["bundle", "verify", "pos"], 2],
  [["bundle", "build", "/"], 2],
  [["root", "init", "--from", "../root.yaml"], 2],
  [["site", "sign", "../site.yaml", "--key", "../ada", "--created-at", "today"], 2],
  [["bundle", "build", "bundles/none"], 1],
  [["bundle", "sign", "pos@1.4.2", "--key", "../nobody"], 1],
  [["root", "verify"], 0],
  [["root", "show"], 0],
])("exit code of %j", async (args, code) => {
  const result = await fleet.skerry(...args);
  expect(result.code).toBe(code);
  expect(result.err.join("\n")).not.toMatch(/\n\s+at /);
});

test("what is no repository, or has no commit, is said in git's words", async () => {
  const elsewhere = join(fleet.base, "elsewhere");
  const asked = () => fleet.skerry("--repo", elsewhere, "bundle", "ls");
  spawnSync("git", ["init", "--quiet", elsewhere]);
  expect(await asked()).toMatchObject({
    code: 1,
    err: [expect.stringMatching(/^config: a Git repository without a commit/)],
  });
  await rm(join(elsewhere, ".git"), { recursive: true });
  expect((await asked()).err).toEqual([
    expect.stringMatching(/^config: no Git repository .*fatal: not a git repository/),
  ]);
});

test("a root must be signed by its threshold", async () => {
  await fleet.skerry("root", "rotate", "--from", "../root.yaml");
  await fleet.skerry("root", "sign", "--key", "../ada");
  expect(await fleet.skerry("root", "verify")).toMatchObject({
    code: 1,
    err: [expect.stringMatching(/^threshold: .*root\/2/)],
  });
  await fleet.skerry("root", "sign", "--key", "../bob");
  expect((await fleet.skerry("root", "verify")).out).toEqual(["root 2 of fleet demo holds"]);
});

test("two people who sign a record from one draft sign the same bytes", async () => {
  const file = join(fleet.folder, "sites/s-0017.json");
  await fleet.skerry("site", "sign", "../site.yaml", "--key", "../ada", "--created-at", "2026-01-31T12:00:00Z");
  const first = await readFile(file, "utf8");
  await fleet.skerry("site", "sign", "../site.yaml", "--key", "../bob", "--as", "bob");
  expect(await readFile(file, "utf8")).toBe(first);
  expect(JSON.parse(first)).toMatchObject({ number: 1, fleet: "demo", root: 1, createdAt: "2026-01-31T12:00:00Z" });
});

test.each([
  ["bundle", "sign", "pos@1.4.2", "--key", "../hub"],
  ["site", "sign", "../site.yaml", "--key", "../bob"],
  ["root", "sign", "--key", "../hub"],
])("%s %s refuses a key that the root names for something else", async (...args) => {
  await fleet.skerry("bundle", "build", "bundles/pos");
  const { code, err } = await fleet.skerry(...args);
  expect([code, err[0]]).toEqual([
    1,
    expect.stringMatching(/^key: the root does not name this key for .*sign with one of ada/),
  ]);
});

test("a report key is taken from a .pub file with its comment", async () => {
  await fleet.write("../site.yaml", SITE_YAML.replace(/"\]\n$/, ' root@s-0017"]'));
  expect((await fleet.skerry("site", "sign", "../site.yaml", "--key", "../ada")).code).toBe(0);
  const record = JSON.parse(await readFile(join(fleet.folder, "sites/s-0017.json"), "utf8"));
  expect(record.reportKeys).toEqual([expect.stringMatching(/^ssh-ed25519 \S+$/)]);
});

test("a first root keeps Git from turning line ends in what is signed, beside what .gitattributes says already", async () => {
  await rm(join(fleet.folder, "root"), { recursive: true });
  await fleet.write(".gitattributes", "*.png binary\nsites/* -text");
  await fleet.skerry("root", "init", "--from", "../root.yaml");
  expect((await readFile(join(fleet.folder, ".gitattributes"), "utf8")).split("\n")).toEqual([
    "*.png binary",
    "sites/* -text",
    "root/* -text",
    "head.json* -text",
    "rollouts/* -text",
    "",
  ]);
  await fleet.skerry("root", "sign", "--key", "../ada");
  fleet.commit("a root");
  fleet.git("-c", "core.autocrlf=true", "clone", "--quiet", fleet.folder, join(fleet.base, "elsewhere"));
  for (const name of ["root/1.json", "root/1.json.ada.sig"]) {
    expect(await readFile(join(fleet.base, "elsewhere", name))).toEqual(await readFile(join(fleet.folder, name)));
  }
});

test("what reads no further, as `head` does, is told nothing and breaks nothing", () => {
  const main = join(import.meta.dirname, "../../../dist/skerry.js");
  const script = '{ "$0" "$@"; echo "exit $?" >&2; } | true';
  const { stderr } = spawnSync("sh", ["-c", script, process.execPath, main, "root", "show"], { cwd: fleet.folder });
  expect(stderr.toString()).toBe("exit 0\n");
});

test("a key with a passphrase, and one in an agent, are left to ssh-keygen", async () => {
  const locked = join(fleet.base, "locked");
  spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "secret", "-f", locked]);
  await fleet.skerry("bundle", "build", "bundles/pos");
  for (const key of ["../locked", "../locked.pub"]) {
    const { status, err } = program("bundle", "sign", "pos@1.4.2", "--key", key, "--as", "ada");
    expect(status).toBe(1);
    expect(err).toMatch(/^key: ssh-keygen did not sign: .*\n$/);
  }
  const askpass = { SSH_ASKPASS: join(fleet.base, "askpass"), SSH_ASKPASS_REQUIRE: "force" };
  await fleet.write("../askpass", "#!/bin/sh\necho secret\n");
  spawnSync("chmod", ["+x", askpass.SSH_ASKPASS]);
  Object.assign(process.env, askpass);
  try {
    expect(program("bundle", "sign", "pos@1.4.2", "--key", "../locked", "--as", "ada")).toMatchObject({
      status: 0,
      err: "",
    });
  } finally {
    for (const name of Object.keys(askpass)) delete process.env[name];
  }
});
