import { execFileSync } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run } from "../../../hub/cli/run.ts";
import { buildAndSign, type FleetFixture, fleetFixture, SITE_YAML } from "../build/fixture.ts";

let fleet: FleetFixture;
beforeEach(async () => {
  fleet = await fleetFixture();
});
afterEach(() => fleet.remove());

const DRAFT = `fleet: demo
keys: { ada: ada.pub, bob: bob.pub, hub: hub.pub, eve: eve.pub }
roles:
  root: { keys: [ada, bob], threshold: 2 }
  site: { keys: [ada], threshold: 1 }
  assign: { keys: [hub], threshold: 1 }
  head: { keys: [eve], threshold: 1 }
  move: { keys: [ada, bob], threshold: 1 }
head: { freshFor: 2d }
hubs: [{ url: "mqtts://hub.example.com", ca: "" }]
bundles:
  - { pattern: pos, keys: [ada, bob], threshold: 2, epoch: 1, namespaces: [shop], kinds: ["*", "*.apps"] }
`;

async function rotate(draft = DRAFT): Promise<void> {
  await fleet.write("../root.yaml", draft);
  for (const args of [
    ["rotate", "--from", "../root.yaml"],
    ...["ada", "bob"].map((key) => ["sign", "--key", `../${key}`]),
  ]) {
    expect(await fleet.skerry("root", ...args)).toMatchObject({ code: 0 });
  }
}

async function json(file: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(fleet.folder, file), "utf8"));
}

function at(time: string, ...args: string[]) {
  const [out, err]: string[][] = [[], []];
  const world = { folder: fleet.folder, now: Date.parse(time), print: (line: string) => out?.push(line) };
  return run(args, { ...world, complain: (line) => err?.push(line) }).then((code) => ({
    code,
    out: out ?? [],
    err: err ?? [],
  }));
}

describe("root show", () => {
  test("tells a person keys, roles, delegations, who signed, and what to pin", async () => {
    await rotate();
    const { out } = await fleet.skerry("root", "show");
    const fingerprint = execFileSync("ssh-keygen", ["-l", "-f", join(fleet.base, "ada.pub")])
      .toString()
      .split(" ")[1];
    expect(out[0]).toMatch(/^root 2 of fleet demo, created 2026-11-21T08:00:00Z, sha256:[0-9a-f]{64}$/);
    expect(out[1]).toBe("signed by ada, bob");
    expect(out).toContain(`  ada  ${fingerprint}  ssh-ed25519`);
    expect(out).toContain("  root    2 of ada, bob");
    expect(out).toContain("  head    1 of eve       a head is fresh for 2d");
    expect(out.find((line) => line.startsWith("  pos"))).toBe("  pos  2 of ada, bob  epoch 1, pod security baseline");
    expect(out.at(-1)).toMatch(/^root 1 sha256:[0-9a-f]{64}$/);
  });

  test("tells why the next one does not count yet, and who signed it so far, under whatever name", async () => {
    await fleet.skerry("root", "rotate", "--from", "../root.yaml");
    await fleet.skerry("root", "sign", "--key", "../bob");
    await fleet.skerry("root", "sign", "--key", "../eve", "--as", "ada");
    const { code, out } = await fleet.skerry("root", "show");
    expect(code).toBe(0);
    expect(out[0]).toMatch(/^root 1 /);
    expect(out).toContain(
      "root 2 does not count yet: threshold: 1 of 2 needed signatures by role root of root 1 (root/2.json); " +
        "sign it with more of ada, bob",
    );
    expect(out).toContain("  signed so far by bob");
  });

  test("tells the same to a program", async () => {
    const { out } = await fleet.skerry("root", "show", "-o", "json");
    expect(out).toHaveLength(1);
    const view = JSON.parse(out[0] ?? "");
    expect(view).toMatchObject({ document: { number: 1 }, signedBy: ["ada", "bob"], waiting: null });
    expect(view.pinned).toBe(view.digest);
  });
});

describe("root rotate", () => {
  test.each<[string, string, string, RegExp]>([
    ["one signer for the agent's home", "namespaces: [shop]", "namespaces: [skerry-system]", /root\.yaml:12 /],
    [
      "a role with a key that is not there",
      "keys: [eve], threshold",
      "keys: [zoe], threshold",
      /root\.yaml:7 \/roles\/head/,
    ],
    [
      "a threshold that can never be met",
      "keys: [eve], threshold: 1",
      "keys: [eve], threshold: 2",
      /root\.yaml:7 \/roles\/head/,
    ],
    ["head without its freshness", "head: { freshFor: 2d }\n", "", /root\.yaml:\d+ \/head/],
    ["a key file that is not there", "eve.pub", "zoe.pub", /root\.yaml:2 \/keys\/eve/],
    ["a wrong word", "epoch:", "epok:", /root\.yaml:12 /],
  ])("refuses %s with its line, and writes nothing", async (_title, from, to, where) => {
    const signed = DRAFT.includes(from)
      ? DRAFT.replace(from, to).replace(
          "keys: [ada, bob], threshold: 2, epoch",
          to.includes("skerry") ? "keys: [ada], threshold: 1, epoch" : "keys: [ada, bob], threshold: 2, epoch",
        )
      : "";
    await fleet.write("../root.yaml", signed);
    const { code, err } = await fleet.skerry("root", "rotate", "--from", "../root.yaml");
    expect(code).toBe(1);
    expect(err.join("\n")).toMatch(where);
    await expect(readFile(join(fleet.folder, "root/2.json"))).rejects.toThrow("ENOENT");
  });

  test("written again with another content, it has lost the signatures of the one before", async () => {
    await fleet.write("../root.yaml", DRAFT);
    await fleet.skerry("root", "rotate", "--from", "../root.yaml");
    await fleet.skerry("root", "sign", "--key", "../ada");
    await fleet.write("../root.yaml", DRAFT.replace("2d", "3d"));
    await fleet.skerry("root", "rotate", "--from", "../root.yaml");
    await fleet.skerry("root", "sign", "--key", "../bob");
    expect((await fleet.skerry("root", "show")).out).toContain("  signed so far by bob");
  });
});

describe("head sign", () => {
  test("names what was published and holds, once a day or when something is newer", async () => {
    await rotate();
    await buildAndSign(fleet, "1.4.2");
    expect((await fleet.skerry("bundle", "publish", "pos@1.4.2")).code).toBe(0);
    const sign = (time: string) => at(time, "head", "sign", "--key", "../eve");
    expect(await sign("2026-11-21T09:00:00Z")).toMatchObject({
      code: 0,
      out: ["head 1 of 2026-11-21T09:00:00Z: root 2, pos 1.1", expect.stringMatching(/head\.json\.eve\.sig$/)],
    });
    await sign("2026-11-21T23:00:00Z");
    expect(await json("head.json")).toMatchObject({
      number: 1,
      createdAt: "2026-11-21T09:00:00Z",
      newest: { pos: [1, 1] },
    });
    await sign("2026-11-22T00:05:00Z");
    expect(await json("head.json")).toMatchObject({ number: 2, createdAt: "2026-11-22T00:05:00Z" });
    expect((await fleet.skerry("publish")).out).toEqual(["published trust"]);
  });

  test("goes on from the published number, on a machine that has no head", async () => {
    await rotate();
    await at("2026-11-21T09:00:00Z", "head", "sign", "--key", "../eve");
    await at("2026-11-22T09:00:00Z", "head", "sign", "--key", "../eve");
    await fleet.skerry("publish");
    for (const file of ["head.json", "head.json.eve.sig"]) await rm(join(fleet.folder, file));
    await at("2026-11-23T09:00:00Z", "head", "sign", "--key", "../eve");
    expect(await json("head.json")).toMatchObject({ number: 3 });
  });

  test("does not name what somebody pushed without the owners' signatures", async () => {
    await rotate();
    await buildAndSign(fleet, "1.4.2");
    await fleet.skerry("bundle", "publish", "pos@1.4.2");
    const clone = join(fleet.base, "thief");
    const git = (...args: string[]) =>
      execFileSync("git", ["-C", clone, "-c", "user.name=t", "-c", "user.email=t@example.com", ...args]);
    execFileSync("git", ["clone", "--quiet", "--branch", "bundles/pos", fleet.origin, clone]);
    const forged = (await readFile(join(clone, "bundle.json"), "utf8"))
      .replace('"seq":1', '"seq":99')
      .replace('"version":"1.4.2"', '"version":"9.9.9"');
    await fleet.write("../thief/bundle.json", forged);
    git("commit", "--quiet", "--all", "-m", "9.9.9");
    git("push", "--quiet", "origin", "HEAD:bundles/pos");
    const { code, err } = await at("2026-11-21T09:00:00Z", "head", "sign", "--key", "../eve");
    expect(code).toBe(0);
    expect(err).toEqual([expect.stringMatching(/^left out: pos@9\.9\.9: signature: /)]);
    expect(await json("head.json")).toMatchObject({ newest: { pos: [1, 1] } });
  });

  test("says so where the root has no such role", async () => {
    const { code, err } = await fleet.skerry("head", "sign", "--key", "../eve");
    expect(code).toBe(1);
    expect(err).toEqual([expect.stringMatching(/^undelegated: the root has no role head \(root\/1\.json\)/)]);
  });
});

describe("rollout sign", () => {
  const YAML = "kind: Rollout/v1\nbundle: pos\nversion: 1.4.2\nsites: {}\n";

  test("orders the file as it is; two people sign the same order, and another content is another number", async () => {
    await rotate();
    await fleet.write("rollouts/pos.yaml", YAML);
    for (const key of ["ada", "bob"]) {
      expect(await fleet.skerry("rollout", "sign", "pos", "--key", `../${key}`)).toMatchObject({
        code: 0,
        out: [expect.stringMatching(new RegExp(`rollouts/pos\\.move\\.json\\.${key}\\.sig$`))],
      });
    }
    expect(await json("rollouts/pos.move.json")).toMatchObject({ fleet: "demo", name: "pos", number: 1 });
    await fleet.write("rollouts/pos.yaml", YAML.replace("1.4.2", "1.5.0"));
    await fleet.skerry("rollout", "sign", "pos", "--key", "../ada");
    expect(await json("rollouts/pos.move.json")).toMatchObject({ number: 2 });
    await expect(readFile(join(fleet.folder, "rollouts/pos.move.json.bob.sig"))).rejects.toThrow("ENOENT");
  });

  test.each<[string, string, RegExp]>([
    ["a file that is no rollout", `${YAML}wawes: []\n`, /^schema: unknown key "wawes".*rollouts\/pos\.yaml:5 \/wawes/],
    ["no file", "", /^not-found: .*rollouts\/pos\.yaml/],
  ])("refuses %s", async (_title, text, words) => {
    await rotate();
    if (text !== "") await fleet.write("rollouts/pos.yaml", text);
    const { code, err } = await fleet.skerry("rollout", "sign", "pos", "--key", "../ada");
    expect(code).toBe(1);
    expect(err.join("\n")).toMatch(words);
  });

  test("refuses a key that the root names for something else", async () => {
    await rotate();
    await fleet.write("rollouts/pos.yaml", YAML);
    const { code, err } = await fleet.skerry("rollout", "sign", "pos", "--key", "../eve");
    expect([code, err[0]]).toEqual([1, expect.stringMatching(/^key: the root does not name this key for /)]);
  });

  test("says so where the root has no such role", async () => {
    await fleet.write("rollouts/pos.yaml", YAML);
    const { code, err } = await fleet.skerry("rollout", "sign", "pos", "--key", "../ada");
    expect(code).toBe(1);
    expect(err).toEqual([expect.stringMatching(/^undelegated: the root has no role move/)]);
  });
});

test("a site record carries values, floors and that the site is retired; changed, it has lost its signatures", async () => {
  const sign = (key: string) => fleet.skerry("site", "sign", "../site.yaml", "--key", `../${key}`);
  await sign("ada");
  await sign("bob");
  await fleet.write(
    "../site.yaml",
    `${SITE_YAML}values: { pos: { TILLS: 3 } }\nfloors: { pos: [1, 4] }\nretired: true\n`,
  );
  expect(await sign("ada")).toMatchObject({ code: 0 });
  expect(await json("sites/s-0017.json")).toMatchObject({
    number: 2,
    values: { pos: { TILLS: 3 } },
    floors: { pos: [1, 4] },
    retired: true,
  });
  await expect(readFile(join(fleet.folder, "sites/s-0017.json.bob.sig"))).rejects.toThrow("ENOENT");
  await fleet.skerry("site", "sign", "../site.yaml", "--key", "../ada", "--number", "9001");
  expect(await json("sites/s-0017.json")).toMatchObject({ number: 9001, retired: true });
  expect((await fleet.skerry("site", "sign", "../site.yaml", "--key", "../ada", "--number", "ten")).code).toBe(2);
  await fleet.write("../site.yaml", `${SITE_YAML}retyred: true\n`);
  expect((await sign("ada")).err.join("\n")).toMatch(/site\.yaml:5 \/retyred/);
});
