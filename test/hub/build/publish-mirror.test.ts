import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import { changedFiles, deltaFiles, openDelta } from "../../../shared/node/delta.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { Journal } from "../../../shared/ports.ts";
import { directorySource } from "../../../shared/source/directory.ts";
import { at, readIndex, readVersionList } from "../../../shared/source/mirror-layout.ts";
import { shownBy } from "../../lab/mirror/shown.ts";
import { BUNDLE_YAML, buildAndSign, type FleetFixture, fleetFixture, SITE_YAML, TILL_YAML } from "./fixture.ts";

let fleet: FleetFixture;
let mirror: string;

beforeEach(async () => {
  fleet = await fleetFixture();
  mirror = join(fleet.base, "mirror");
  fleet.git("push", "--quiet", "origin", "main");
  await fleet.skerry("site", "sign", "../site.yaml", "--key", "../ada");
});
afterEach(() => fleet.remove());

const build = async (version: string, greeting = version, more = "") => {
  await fleet.write("bundles/pos/bundle.yaml", BUNDLE_YAML.replace("1.4.2", version) + more);
  await fleet.write("bundles/pos/manifests/till.yaml", TILL_YAML.replace('"yes"', JSON.stringify(greeting)));
  fleet.commit(version);
  await buildAndSign(fleet, version);
};
const toMirror = (version: string) => fleet.skerry("bundle", "publish", `pos@${version}`, "--to", "../mirror");
/** To origin as well, as history is read there. */
const release = async (version: string, greeting?: string) => {
  await build(version, greeting);
  const origin = await fleet.skerry("bundle", "publish", `pos@${version}`);
  if (origin.code !== 0) throw new Error(origin.err.join("\n"));
  return toMirror(version);
};
/** Every file with its bytes, and when it was written. */
const tree = (folder: string, times = false) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => {
      const { mtimeMs, ino } = statSync(path);
      return [path.slice(folder.length), sha256Hex(readFileSync(path)), ...(times ? [mtimeMs, ino] : [])].join(" ");
    })
    .toSorted();
describe("publish --to", { timeout: 20_000 }, () => {
  test("lays out what sites read, and the same for people beside it", async () => {
    await build("1.4.2");
    expect(await toMirror("1.4.2")).toEqual({ code: 0, out: ["published trust, sites-2, bundles/pos"], err: [] });
    const blobs = JSON.parse(readFileSync(join(mirror, "bundles/pos/1.4.2/bundle.json"), "utf8")).files.map(
      ({ sha256 }: { sha256: string }) => `/blobs/${sha256}.zst`,
    );
    expect(tree(mirror).map((line) => line.split(" ")[0])).toEqual(
      [
        ...blobs,
        "/bundles/pos/1.4.2/all.zst",
        "/bundles/pos/1.4.2/bundle.json",
        "/bundles/pos/1.4.2/bundle.json.ada.sig",
        "/bundles/pos/1.4.2/bundle.json.bob.sig",
        "/bundles/pos/1.4.2/bundle.zst",
        "/bundles/pos.json",
        "/bundles/pos.zst",
        "/index.json",
        "/index.zst",
        "/root/1.json",
        "/root/1.json.ada.sig",
        "/root/1.json.bob.sig",
        "/root/1.zst",
        "/sites/s-0017.json",
        "/sites/s-0017.json.ada.sig",
        "/sites/s-0017.zst",
      ].toSorted(),
    );
    expect(await shownBy(mirror)).toHaveLength(3);
  });

  test("twice is the same as once: nothing is written", async () => {
    await build("1.4.2");
    await toMirror("1.4.2");
    const before = tree(mirror, true);
    expect(await toMirror("1.4.2")).toEqual({ code: 0, out: ["nothing new"], err: [] });
    expect(await fleet.skerry("publish", "--to", "../mirror")).toMatchObject({ out: ["nothing new"] });
    expect(tree(mirror, true)).toEqual(before);
  });

  test("the same history gives the same bytes in another folder", async () => {
    await release("1.4.2");
    await release("1.5.0");
    await fleet.skerry("bundle", "publish", "pos@1.4.2", "--to", "../other");
    await fleet.skerry("bundle", "publish", "pos@1.5.0", "--to", "../other");
    expect(tree(join(fleet.base, "other"))).toEqual(tree(mirror));
  });

  test("deltas lead from the last three versions to the newest", async () => {
    for (const version of ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"]) await release(version);
    const source = directorySource(mirror);
    const heads = await source.heads();
    const [newest, ...older] = await source.versions(heads.get("bundles/pos") ?? "");
    for (const [index, ref] of older.entries()) {
      const frame = await source.delta(heads.get("deltas/pos") ?? "", ref.id);
      if (index === 3) expect(frame).toBeNull();
      if (frame === null) continue;
      const old = await source.manifest(ref);
      const { body } = openDelta(frame, old.body);
      expect(sha256Hex(body)).toBe(newest?.id);
      const [from, next] = [old.body, body].map((each) => JSON.parse(Buffer.from(each).toString()) as Bundle);
      const changed = changedFiles(from as Bundle, next as Bundle);
      const held = new Map<string, Uint8Array>();
      for await (const { path, bytes } of source.blobs(ref, (from as Bundle).files)) held.set(path, bytes);
      const files = deltaFiles(frame, changed, (path) => held.get(path) ?? null);
      expect(files.map(sha256Hex)).toEqual(changed.map(({ sha256 }) => sha256));
    }
    expect(readIndex(readFileSync(join(mirror, at.index))).bundles["pos"]?.[2]).toBe(3);
  });

  test("a mirror that is begun late takes the newest, and an older version in its place", async () => {
    await build("1.0.0");
    await fleet.skerry("bundle", "publish", "pos@1.0.0");
    await build("1.1.0");
    await fleet.skerry("bundle", "publish", "pos@1.1.0");
    await build("1.2.0");
    await fleet.skerry("bundle", "publish", "pos@1.2.0");
    expect((await toMirror("1.2.0")).code).toBe(0);
    expect((await toMirror("1.0.0")).code).toBe(0);
    const list = () =>
      readVersionList(readFileSync(join(mirror, at.versions("pos"))), "").map(({ version }) => version);
    expect(list()).toEqual(["1.2.0", "1.0.0"]);
    expect((await toMirror("1.1.0")).code).toBe(0);
    expect(list()).toEqual(["1.2.0", "1.1.0", "1.0.0"]);
    expect((await shownBy(mirror)).map((line) => line.split(" ")[0])).toEqual([
      "root",
      "record",
      "1.2.0",
      "1.1.0",
      "1.0.0",
    ]);
  });

  test("leaves out what is not signed enough, and says so", async () => {
    await fleet.skerry("root", "rotate", "--from", "../root.yaml");
    await fleet.skerry("root", "sign", "--key", "../ada");
    const { code, out, err } = await fleet.skerry("publish", "--to", "../mirror");
    expect([code, out]).toEqual([0, ["published trust, sites-2"]]);
    expect(err).toEqual([expect.stringMatching(/^left out: threshold: .*root\/2\.json/)]);
    expect(existsSync(join(mirror, at.root(2)))).toBe(false);
    await fleet.skerry("root", "sign", "--key", "../bob");
    expect((await fleet.skerry("publish", "--to", "../mirror")).out).toEqual(["published trust"]);
  });

  test("an older record never goes over a newer one; a newer one takes the old signatures away", async () => {
    const sign = async (labels: string, key: string) => {
      await writeFile(join(fleet.base, "site.yaml"), SITE_YAML.replace("ring: lab", labels));
      await fleet.skerry("site", "sign", "../site.yaml", "--key", `../${key}`, "--as", key);
    };
    fleet.commit("record 1");
    await fleet.skerry("site", "sign", "../site.yaml", "--key", "../eve", "--as", "eve");
    await fleet.skerry("publish", "--to", "../mirror");
    expect(existsSync(join(mirror, "sites/s-0017.json.eve.sig"))).toBe(true);
    await rm(join(fleet.folder, "sites/s-0017.json.eve.sig"));
    await sign("ring: two", "ada");
    await fleet.skerry("publish", "--to", "../mirror");
    expect(existsSync(join(mirror, "sites/s-0017.json.eve.sig"))).toBe(false);
    expect(JSON.parse(readFileSync(join(mirror, "sites/s-0017.json"), "utf8"))).toMatchObject({ number: 2 });
    fleet.git("checkout", "--quiet", "--", "sites");
    expect((await fleet.skerry("publish", "--to", "../mirror")).out).toEqual(["nothing new"]);
  });
});

describe("nothing is written", { timeout: 20_000 }, () => {
  const refusal = async (code: string, version: string) => {
    const before = tree(mirror, true);
    expect(await toMirror(version)).toMatchObject({ code: 1, out: [], err: [expect.stringMatching(`^${code}: `)] });
    expect(tree(mirror, true)).toEqual(before);
  };

  test("where the version has other content already", async () => {
    await build("1.4.2");
    await toMirror("1.4.2");
    await build("1.4.2", "other", "floor: this\n");
    await refusal("equivocation", "1.4.2");
  });

  test("where another version has its place, or it follows another one than lies there", async () => {
    await build("1.4.2");
    await toMirror("1.4.2");
    await build("1.5.0");
    await refusal("equivocation", "1.5.0");
    await fleet.skerry("bundle", "publish", "pos@1.5.0");
    await build("1.6.0");
    await refusal("equivocation", "1.6.0");
  });

  test("where a root or a record has other content under its number", async () => {
    await build("1.4.2");
    await toMirror("1.4.2");
    rmSync(join(fleet.folder, "sites/s-0017.json"));
    await writeFile(join(fleet.base, "site.yaml"), SITE_YAML.replace("ring: lab", "ring: two"));
    await fleet.skerry("site", "sign", "../site.yaml", "--key", "../ada");
    await build("1.5.0");
    await refusal("equivocation", "1.5.0");
  });

  test("while somebody else publishes there, on this machine or another", async () => {
    await release("1.4.2");
    await build("1.5.0");
    for (const holder of [`${hostname()} ${process.pid}\n`, "another-machine 1\n"]) {
      writeFileSync(join(mirror, ".lock"), holder);
      await refusal("busy", "1.5.0");
    }
    writeFileSync(join(mirror, ".lock"), `${hostname()} 999999999\n`);
    expect((await toMirror("1.5.0")).code).toBe(0);
    expect(readdirSync(mirror).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("where somebody planted what is no file: it is refused, not waited for", async () => {
    await build("1.4.2");
    await toMirror("1.4.2");
    for (const [path, plant] of [
      [at.index, 'mkfifo "$0"'],
      ["sites/s-0017.zst", 'ln -s /dev/zero "$0"'],
      [at.versions("pos"), 'ln -s /etc/passwd "$0"'],
    ] as const) {
      const [file, kept] = [join(mirror, path), join(fleet.base, "kept")];
      cpSync(file, kept);
      rmSync(file);
      execFileSync("sh", ["-c", plant, file]);
      expect(await toMirror("1.4.2")).toMatchObject({ code: 1, err: [expect.stringMatching(/^malformed: /)] });
      rmSync(file);
      cpSync(kept, file);
    }
    expect(await toMirror("1.4.2")).toMatchObject({ out: ["nothing new"] });
  });

  test("half by each of two at once", async () => {
    await release("1.4.2");
    await build("1.5.0");
    await fleet.skerry("bundle", "publish", "pos@1.5.0");
    const script = join(import.meta.dirname, "killed.ts");
    const args = [script, "none", "none", "bundle", "publish", "pos@1.5.0", "--to", "../mirror"];
    const both = [1, 2].map(async () => {
      const child = spawn(process.execPath, args, { cwd: fleet.folder, stdio: ["ignore", "ignore", "pipe"] });
      const [said] = await Promise.all([child.stderr.toArray(), once(child, "exit")]);
      return Buffer.concat(said).toString();
    });
    for (const said of await Promise.all(both))
      expect(said).toMatch(/^(?:busy: somebody publishes to this folder.*\n)?$/);
    expect(await toMirror("1.5.0")).toMatchObject({ code: 0, out: ["nothing new"] });
    expect(await shownBy(mirror)).toHaveLength(4);
  });

  test("beside the folder, through a link in it", async () => {
    await build("1.4.2");
    await toMirror("1.4.2");
    rmSync(join(mirror, "sites"), { recursive: true });
    symlinkSync(fleet.folder, join(mirror, "sites"));
    const before = tree(join(fleet.folder, "sites"));
    await fleet.skerry("publish", "--to", "../mirror").then(({ err }) => {
      expect(err).toEqual([expect.stringMatching(/^storage: a link leads out of the mirror/)]);
    });
    expect(tree(join(fleet.folder, "sites"))).toEqual(before);
  });
});

describe("stopped at any point", { timeout: 20_000 }, () => {
  test("a site takes what was there before or all that is new, and the next run completes it", {
    timeout: 120_000,
  }, async () => {
    await release("1.4.2");
    const before = await shownBy(mirror);
    await build("1.5.0");
    await fleet.skerry("bundle", "publish", "pos@1.5.0");
    await fleet.skerry("root", "rotate", "--from", "../root.yaml");
    await fleet.skerry("root", "sign", "--key", "../ada");
    await fleet.skerry("root", "sign", "--key", "../bob");
    const moments: string[] = [];
    // What lies there at each place of each effect is what a killed publisher leaves.
    const copying: Journal = (effect, place) => {
      const moment = join(fleet.base, `moment-${moments.length}`);
      cpSync(mirror, moment, { recursive: true });
      writeFileSync(join(moment, ".lock"), `${hostname()} 999999999\n`);
      moments.push(`${effect} ${place}`);
    };
    const { code } = await fleet.watched(copying, "bundle", "publish", "pos@1.5.0", "--to", "../mirror");
    expect(code).toBe(0);
    const [after, whole] = [await shownBy(mirror), tree(mirror)];
    expect(after).not.toEqual(before);
    expect(moments.length).toBeGreaterThan(20);
    // What shows all the rest is written last; after it only the lock goes.
    const shown = moments.lastIndexOf("mirror.write after");
    for (const [index, moment] of moments.entries()) {
      const folder = join(fleet.base, `moment-${index}`);
      expect(await shownBy(folder), `${index}: ${moment}`).toEqual(index < shown ? before : after);
      const again = await fleet.skerry("bundle", "publish", "pos@1.5.0", "--to", `../moment-${index}`);
      expect([again.code, ...again.err], `${index}: ${moment}`).toEqual([0]);
      expect(tree(folder), `${index}: ${moment}`).toEqual(whole);
    }
  });

  test.each([
    ["mirror.version", "between"],
    ["mirror.write", "between"],
  ])("killed at %s %s, its lock is taken over", async (effect, place) => {
    await build("1.4.2");
    const script = join(import.meta.dirname, "killed.ts");
    const args = [script, effect, place, "bundle", "publish", "pos@1.4.2", "--to", "../mirror"];
    const child = spawn(process.execPath, args, { cwd: fleet.folder });
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    expect(existsSync(join(mirror, ".lock"))).toBe(true);
    await expect(shownBy(mirror)).rejects.toMatchObject({ code: "unreachable" });
    expect((await toMirror("1.4.2")).code).toBe(0);
    expect(await shownBy(mirror)).toHaveLength(3);
    expect(tree(mirror).filter((line) => line.includes("/."))).toEqual([]);
  });

  test.each([0, 1, 2])(
    "on a disk full at %i blocks a file: it says so, and completes it when there is room",
    async (blocks) => {
      await release("1.4.2");
      const before = await shownBy(mirror);
      await build("1.5.0", randomBytes(3000).toString("base64"));
      await fleet.skerry("bundle", "publish", "pos@1.5.0");
      const script = join(import.meta.dirname, "killed.ts");
      const command = `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" ${script} none none bundle publish pos@1.5.0 --to ../mirror`;
      const { status, stderr } = spawnSync("sh", ["-c", command, process.execPath], { cwd: fleet.folder });
      expect([status, stderr.toString()]).toEqual([0, expect.stringMatching(/^storage: cannot be written: EFBIG/)]);
      expect(await shownBy(mirror)).toEqual(before);
      expect((await toMirror("1.5.0")).code).toBe(0);
      expect(await shownBy(mirror)).toHaveLength(4);
      expect(tree(mirror).filter((line) => line.includes("/."))).toEqual([]);
    },
  );
});

test("a copy by stock tools is a mirror, too", async () => {
  await release("1.4.2");
  execFileSync("cp", ["-r", mirror, join(fleet.base, "copy")]);
  expect(await shownBy(join(fleet.base, "copy"))).toEqual(await shownBy(mirror));
});
