import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BUNDLE_NAMESPACE } from "../../../shared/bundle.ts";
import { canonicalJson } from "../../../shared/canonical.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { parsePrivateKey } from "../../../shared/node/ssh-private-key.ts";
import { signSsh } from "../../../shared/node/sshsig.ts";
import { recordBranch } from "../../../shared/source/source.ts";
import { commitFiles } from "../../lab/git/repository.ts";
import { type GitServer, startGitServer } from "../../lab/git/server.ts";
import { BUNDLE_YAML, buildAndSign, type FleetFixture, fleetFixture, SITE_YAML } from "./fixture.ts";

let fleet: FleetFixture;
let server: GitServer;

beforeEach(async () => {
  fleet = await fleetFixture();
  server = await startGitServer({ root: fleet.base });
  fleet.git("push", "--quiet", "origin", "main");
  fleet.git("remote", "set-url", "origin", `${server.url}/origin.git`);
});
afterEach(async () => {
  await server.stop();
  await fleet.remove();
});

const publish = (version = "1.4.2") => fleet.skerry("bundle", "publish", `pos@${version}`);
const refs = () =>
  execFileSync("git", ["-C", fleet.origin, "for-each-ref", "--format=%(refname:short) %(objectname)"]).toString();
const shown = (what: string) => execFileSync("git", ["-C", fleet.origin, "show", what]).toString();
const release = async (version: string, more = "") => {
  await fleet.write("bundles/pos/bundle.yaml", BUNDLE_YAML.replace("1.4.2", version) + more);
  fleet.commit(version);
  await buildAndSign(fleet, version);
};
/** By both keys, as files beside `bundle.json`. */
const signed = async (body: string): Promise<Record<string, string>> => {
  const names = ["ada", "bob"];
  const keys = await Promise.all(names.map((name) => readFile(join(fleet.base, name), "utf8")));
  const armored = keys.map((key) => signSsh(Buffer.from(body), BUNDLE_NAMESPACE, parsePrivateKey(key)));
  return Object.fromEntries(names.map((name, index) => [`bundle.json.${name}.sig`, armored[index] ?? ""]));
};
const siteBranch = recordBranch(sha256Hex(Buffer.from("s-0017")));

describe("bundle publish", () => {
  test("brings version, roots and records to origin; twice is the same as once", async () => {
    await fleet.skerry("site", "sign", "../site.yaml", "--key", "../ada");
    await buildAndSign(fleet, "1.4.2");
    const first = await publish();
    expect(first).toEqual({ code: 0, out: [`published trust, ${siteBranch}, bundles/pos`], err: [] });
    const after = refs();
    expect(after.split("\n").map((line) => line.split(" ")[0])).toEqual([
      "bundles/pos",
      "main",
      siteBranch,
      "trust",
      "",
    ]);
    expect(await publish()).toEqual({ code: 0, out: ["nothing new"], err: [] });
    expect(refs()).toBe(after);
    const tree = execFileSync("git", ["-C", fleet.origin, "ls-tree", "-r", "--name-only", "bundles/pos"]).toString();
    expect(tree.split("\n")).toEqual([
      "bundle.json",
      "bundle.json.ada.sig",
      "bundle.json.bob.sig",
      "files/00-deployment-till.json",
      "files/01-configmap-till.json",
      "",
    ]);
    expect(fleet.git("status", "--porcelain", "--", "bundles")).toBe("");
    expect(fleet.git("branch", "--format=%(refname:short)").trim()).toBe("main");
  });

  test("stock git and ssh-keygen agree", async () => {
    await buildAndSign(fleet, "1.4.2");
    await publish();
    const clone = join(fleet.base, "clone");
    // Not in step: the server answers from this very process.
    await promisify(execFile)("git", ["clone", "--quiet", "--branch=bundles/pos", `${server.url}/origin.git`, clone]);
    const key = (await readFile(join(fleet.base, "ada.pub"), "utf8")).trim();
    await writeFile(join(fleet.base, "allowed"), `ada ${key}\n`);
    const verify = "-Y verify -n skerry-bundle@v1 -I ada -s bundle.json.ada.sig -f ../allowed".split(" ");
    const input = await readFile(join(clone, "bundle.json"));
    expect(execFileSync("ssh-keygen", verify, { cwd: clone, input }).toString()).toContain("Good");
    expect(execFileSync("git", ["-C", clone, "log", "-1", "--format=%s %ci"]).toString().trim()).toBe(
      "1.4.2 2026-11-20 12:00:00 +0000",
    );
  });

  test("the next version follows the last, from another clone as well", async () => {
    await buildAndSign(fleet, "1.4.2");
    await publish();
    await release("1.5.0");
    await publish("1.5.0");
    const manifest = JSON.parse(shown("bundles/pos:bundle.json"));
    expect(manifest).toMatchObject({
      seq: 2,
      floor: [1, 1],
      prev: sha256Hex(Buffer.from(shown("bundles/pos^:bundle.json"))),
    });
    await release("1.5.1", "floor: this\n");
    await publish("1.5.1");
    expect(JSON.parse(shown("bundles/pos:bundle.json"))).toMatchObject({ seq: 3, floor: [1, 3] });
  });

  test("a version that was published builds the same again", async () => {
    await buildAndSign(fleet, "1.4.2");
    await publish();
    await buildAndSign(fleet, "1.4.2");
    expect((await publish()).out).toEqual(["nothing new"]);
  });

  test("begins the branch anew after 100 versions", async () => {
    await buildAndSign(fleet, "1.4.2");
    await publish();
    const first = JSON.parse(shown("bundles/pos:bundle.json"));
    let body = shown("bundles/pos:bundle.json");
    for (let seq = 2; seq <= 100; seq += 1) {
      body = canonicalJson({ ...first, seq, version: `1.4.2-${seq}`, prev: sha256Hex(Buffer.from(body)) });
      const signatures = seq === 100 ? await signed(body) : {};
      commitFiles(fleet.origin, "bundles/pos", { "bundle.json": body, ...signatures }, `1.4.2-${seq}`);
    }
    await fleet.skerry("publish");
    await release("1.5.0");
    expect((await publish("1.5.0")).err).toEqual([]);
    const log = execFileSync("git", ["-C", fleet.origin, "log", "--format=%s", "bundles/pos"]).toString();
    expect(log.trim().split("\n")).toEqual(["1.5.0", "1.4.2-100", "1.4.2-99", "1.4.2-98"]);
    expect(JSON.parse(shown("bundles/pos:bundle.json"))).toMatchObject({ seq: 101, floor: [1, 100] });
    expect(JSON.parse(shown("bundles/pos~3:bundle.json"))).toMatchObject({ seq: 98 });
    await release("1.6.0", "floor: 1.4.2-7\n");
    expect((await publish("1.6.0")).err).toEqual([]);
    expect(JSON.parse(shown("bundles/pos:bundle.json"))).toMatchObject({ seq: 102, floor: [1, 7] });
    await release("1.4.2-9");
    expect((await publish("1.4.2-9")).err).toEqual([expect.stringMatching(/^equivocation: .*published already/)]);
  });
});

describe("nothing is published", () => {
  const expectRefusal = async (code: string, version = "1.4.2") => {
    const before = refs();
    const result = await publish(version);
    expect(result).toMatchObject({ code: 1, out: [], err: [expect.stringMatching(`^${code}: `)] });
    expect(refs()).toBe(before);
  };

  test("with one of two signatures", async () => {
    await fleet.skerry("bundle", "build", "bundles/pos");
    await fleet.skerry("bundle", "sign", "pos@1.4.2", "--key", "../ada");
    await fleet.skerry("bundle", "sign", "pos@1.4.2", "--key", "../ada", "--as", "bob");
    await expectRefusal("threshold");
  });

  test("signed by a key that the root does not name", async () => {
    await fleet.skerry("bundle", "build", "bundles/pos");
    const unnamed = await fleet.skerry("bundle", "sign", "pos@1.4.2", "--key", "../eve");
    expect(unnamed).toMatchObject({ code: 1, err: [expect.stringContaining("the root does not name this key")] });
    await fleet.skerry("bundle", "sign", "pos@1.4.2", "--key", "../eve", "--as", "bob");
    await fleet.skerry("bundle", "sign", "pos@1.4.2", "--key", "../ada");
    await expectRefusal("threshold");
  });

  test("where a built file was changed", async () => {
    await buildAndSign(fleet, "1.4.2");
    await fleet.write(".skerry/pos/1.4.2/files/01-configmap-till.json", "{}");
    await expectRefusal("digest");
  });

  test("where the version has other content already", async () => {
    await buildAndSign(fleet, "1.4.2");
    await publish();
    await release("1.4.2", "health: { deadline: 20m }\n");
    await expectRefusal("equivocation");
  });

  test("where somebody published in between", async () => {
    await buildAndSign(fleet, "1.4.2");
    await publish();
    await release("1.5.0");
    await release("1.6.0");
    await publish("1.5.0");
    await expectRefusal("equivocation", "1.6.0");
  });

  test("where it was not built", async () => {
    await expectRefusal("not-found", "9.9.9");
  });

  test("where the line is cut", async () => {
    await buildAndSign(fleet, "1.4.2");
    server.faults.cut = true;
    await expectRefusal("unreachable");
    server.faults.cut = false;
    expect((await publish()).code).toBe(0);
  });

  test("where origin takes only a part: all or nothing", async () => {
    await buildAndSign(fleet, "1.4.2");
    const hook = '#!/bin/sh\ncase "$1" in refs/heads/bundles/*) exit 1;; esac\n';
    await writeFile(join(fleet.origin, "hooks/update"), hook, { mode: 0o755 });
    await expectRefusal("unreachable");
  });
});

describe("publish", () => {
  test("leaves out what is not signed enough, and says so", async () => {
    await fleet.skerry("site", "sign", "../site.yaml", "--key", "../eve", "--as", "ada");
    await fleet.skerry("root", "rotate", "--from", "../root.yaml");
    await fleet.skerry("root", "sign", "--key", "../ada");
    const { code, out, err } = await fleet.skerry("publish");
    expect([code, out]).toEqual([0, ["published trust"]]);
    expect(err).toEqual([
      expect.stringMatching(/^left out: threshold: .*root\/2\.json/),
      expect.stringMatching(/^left out: threshold: .*sites\/s-0017\.json/),
    ]);
    expect(execFileSync("git", ["-C", fleet.origin, "ls-tree", "-r", "--name-only", "trust"]).toString()).not.toContain(
      "2.json",
    );
    await fleet.skerry("root", "sign", "--key", "../bob");
    await fleet.skerry("site", "sign", "../site.yaml", "--key", "../ada");
    expect(await fleet.skerry("publish")).toEqual({ code: 0, out: [`published trust, ${siteBranch}`], err: [] });
  });

  test("an older record never goes over a newer one, nor another under the same number", async () => {
    const record = "sites/s-0017.json";
    const sign = async (labels: string) => {
      await writeFile(join(fleet.base, "site.yaml"), SITE_YAML.replace("ring: lab", labels));
      await fleet.skerry("site", "sign", "../site.yaml", "--key", "../ada");
    };
    await sign("ring: one");
    fleet.commit("record 1");
    await fleet.skerry("publish");
    await sign("ring: two");
    await fleet.skerry("publish");
    expect(JSON.parse(shown(`${siteBranch}:${record}`))).toMatchObject({ number: 2, labels: { ring: "two" } });
    fleet.git("checkout", "--quiet", "--", "sites");
    expect((await fleet.skerry("publish")).out).toEqual(["nothing new"]);
    await sign("ring: three");
    expect((await fleet.skerry("publish")).err).toEqual([expect.stringMatching(/^equivocation: number 2 .*s-0017/)]);
  });
});

describe("a publisher that is killed", () => {
  test.each([
    ["publish.commit", "before"],
    ["publish.commit", "after"],
    ["publish.push", "before"],
    ["publish.push", "after"],
  ])("%s %s: all or nothing, and the next one completes it", async (effect, place) => {
    await buildAndSign(fleet, "1.4.2");
    const before = refs();
    const script = join(import.meta.dirname, "killed.ts");
    const child = spawn(process.execPath, [script, effect, place, "bundle", "publish", "pos@1.4.2"], {
      cwd: fleet.folder,
    });
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    if (effect === "publish.push" && place === "after") expect(refs()).toContain("bundles/pos");
    else expect(refs()).toBe(before);
    expect((await publish()).code).toBe(0);
    expect(refs().match(/bundles\/pos|trust/g)).toHaveLength(2);
    expect(execFileSync("git", ["-C", fleet.origin, "rev-list", "--count", "bundles/pos"]).toString().trim()).toBe("1");
  });

  test.each([
    ["build.write", "before", ["bundle", "build", "bundles/pos"]],
    ["build.write", "between", ["bundle", "build", "bundles/pos"]],
    ["build.write", "after", ["bundle", "build", "bundles/pos"]],
    ["sign.write", "before", ["bundle", "sign", "pos@1.4.2", "--key", "../ada"]],
    ["sign.write", "after", ["bundle", "sign", "pos@1.4.2", "--key", "../ada"]],
  ])("%s %s: the same command afterwards gives the whole", async (effect, place, args) => {
    if (effect === "sign.write") await fleet.skerry("bundle", "build", "bundles/pos");
    const script = join(import.meta.dirname, "killed.ts");
    const child = spawn(process.execPath, [script, effect, place, ...args], { cwd: fleet.folder });
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    await buildAndSign(fleet, "1.4.2");
    expect((await publish()).err).toEqual([]);
  });
});
