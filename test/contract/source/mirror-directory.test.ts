/** What only a mirror in a folder has: it may be gone, and what lies in it may be no plain file. */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { directorySource } from "../../../shared/source/directory.ts";
import { at } from "../../../shared/source/mirror-layout.ts";
import type { Source } from "../../../shared/source/source.ts";
import { commitToMirror } from "../../lab/mirror/folder.ts";

let base: string;
let folder: string;
let source: Source;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "skerry-stick-"));
  folder = join(base, "stick");
  commitToMirror(folder, "bundles/pos", { "bundle.json": "v1" }, "1.0.0");
  commitToMirror(folder, "trust", { "root/1.json": "one" }, "root 1");
  source = directorySource(folder);
});
afterEach(() => rm(base, { recursive: true }));

const newest = async () => {
  const [ref] = await source.versions((await source.heads()).get("bundles/pos") ?? "");
  if (ref === undefined) throw new Error("no version");
  return ref;
};
const manifest = join("stick", at.manifest("pos", "1.0.0"));

test("a stick that is absent, or whose mount point is empty, is `unreachable`", async () => {
  renameSync(folder, `${folder}.gone`);
  await expect(source.heads()).rejects.toMatchObject({ code: "unreachable", where: folder });
  mkdirSync(folder);
  await expect(source.heads()).rejects.toThrow("no mirror in this folder");
});

test("a stick that is pulled out says nothing of what is on it", async () => {
  const ref = await newest();
  renameSync(folder, `${folder}.gone`);
  mkdirSync(folder);
  await expect(source.manifest(ref)).rejects.toMatchObject({ code: "unreachable" });
  await expect(source.roots("trust@1@x", 0)).rejects.toMatchObject({ code: "unreachable" });
  await expect(source.newest("trust@1@x")).rejects.toMatchObject({ code: "unreachable" });
});

test.each([
  ["a link that leads out", () => symlinkSync("/etc/passwd", join(base, manifest))],
  ["a link beside the folder", () => symlinkSync(join(base, "stick-2"), join(base, manifest))],
  ["a link to itself", () => symlinkSync("bundle.zst", join(base, manifest))],
  ["a device", () => symlinkSync("/dev/zero", join(base, manifest))],
  ["a pipe", () => execFileSync("sh", ["-c", 'mkfifo "$0"', join(base, manifest)])],
  ["a folder", () => mkdirSync(join(base, manifest))],
])("%s is `malformed`, at once", async (_, plant) => {
  writeFileSync(join(base, "stick-2"), "out of the folder");
  const ref = await newest();
  rmSync(join(base, manifest));
  plant();
  await expect(source.manifest(ref)).rejects.toMatchObject({ code: "malformed" });
});

test("a folder of the mirror that is a link out of it is `malformed`", async () => {
  const ref = await newest();
  renameSync(join(folder, "bundles"), join(base, "bundles"));
  symlinkSync(join(base, "bundles"), join(folder, "bundles"));
  await expect(source.manifest(ref)).rejects.toMatchObject({ code: "malformed" });
});

test("a link to the folder itself is followed: it is the person's own", async () => {
  symlinkSync(folder, join(base, "link"));
  expect(await directorySource(join(base, "link")).heads()).toEqual(await source.heads());
});

test("a file above its cap is `too-large`", async () => {
  writeFileSync(join(folder, at.index), Buffer.alloc(2 * 1024 * 1024));
  await expect(source.heads()).rejects.toMatchObject({ code: "too-large" });
});
