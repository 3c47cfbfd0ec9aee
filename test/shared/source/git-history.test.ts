/** What may happen to branches and repositories between two calls. */
import { execFileSync } from "node:child_process";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLine } from "../../lab/git/line.ts";
import { commitFiles, createRepository } from "../../lab/git/repository.ts";
import { gitLab, headOf } from "./git-lab.ts";

const git = (repository: string, ...args: string[]) =>
  execFileSync("git", ["-C", repository, ...args])
    .toString()
    .trim();
const version = (name: string) => ({ "bundle.json": name, "files/a": name });

test("a branch that was pushed by force shows its new past only", async () => {
  const { repository, source: open } = await gitLab();
  for (const name of ["1", "2", "3"]) commitFiles(repository, "bundles/pos", version(name), name);
  const source = open();
  const before = await headOf(source, "bundles/pos");
  await source.versions(before);
  git(repository, "update-ref", "refs/heads/bundles/pos", git(repository, "rev-parse", "bundles/pos~2"));
  commitFiles(repository, "bundles/pos", version("2b"), "2b");
  const after = await source.versions(await headOf(source, "bundles/pos"));
  expect(after.map((each) => each.version)).toEqual(["2b", "1"]);
  expect(Buffer.from((await source.manifest(after[0] ?? { branch: "", id: "", version: "" })).body).toString()).toBe(
    "2b",
  );
});

test("a repository made anew under the same address", async () => {
  const { root, repository, source: open } = await gitLab();
  commitFiles(repository, "bundles/pos", version("old"), "old");
  const source = open();
  const before = await headOf(source, "bundles/pos");
  await source.versions(before);
  await rm(repository, { recursive: true });
  await expect(source.heads()).rejects.toMatchObject({ code: "not-found" });
  createRepository(root, "fleet.git");
  expect((await source.heads()).size).toBe(0);
  commitFiles(repository, "bundles/pos", version("new"), "new");
  const after = await headOf(source, "bundles/pos");
  expect((await source.versions(after)).map((each) => each.version)).toEqual(["new"]);
  await source.close();
  const other = open({ dir: `${root}/others` });
  await expect(other.versions(before)).rejects.toMatchObject({
    code: "not-found",
    message: expect.stringContaining("no longer has"),
  });
});

test("a branch that begins anew every few versions leaves no more behind than it had", async () => {
  const { repository, source: open } = await gitLab();
  const source = open();
  for (let number = 1; number <= 12; number += 1) {
    commitFiles(repository, "bundles/pos", version(`${number}`), `${number}`, number % 4 === 1);
    const versions = await source.versions(await headOf(source, "bundles/pos"));
    expect(versions[0]?.version).toBe(`${number}`);
    expect(versions).toHaveLength(((number - 1) % 4) + 1);
  }
});

test("a file that goes back to what it was, and forth again, as by reverts", async () => {
  const { root, repository, source: open } = await gitLab();
  const source = open();
  const file = (name: string) =>
    `kind: Rollout/v1\nbundle: pos\nversion: ${name}\nsites: { ring: shop }\nwaves:\n  - { name: lab, sites: { ring: lab }, soak: 1s }\n  - { name: rest }\n`;
  // With loose objects, as pushes leave them, each answer is packed anew against what the reader has.
  const work = `${root}/work`;
  git(root, "clone", "--quiet", repository, work);
  await mkdir(`${work}/rollouts`);
  for (const name of ["1.0.0", "1.1.0", "1.2.0", "1.1.0", "1.2.1", "1.1.0", "1.3.0", "1.1.0", "1.3.0", "1.2.1"]) {
    await writeFile(`${work}/rollouts/pos.yaml`, file(name));
    git(work, "add", ".");
    git(work, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", name);
    git(work, "push", "--quiet", "origin", "HEAD:main");
    const [found] = await source.files(await headOf(source, "main"), "rollouts");
    expect(Buffer.from(found?.bytes ?? []).toString()).toBe(file(name));
  }
});

test("a branch that was deleted is no head, and its folder goes", async () => {
  const { repository, dir, source: open } = await gitLab();
  commitFiles(repository, "bundles/pos", version("1"), "1");
  commitFiles(repository, "trust", { "root/1.json": "one" }, "root 1");
  const source = open();
  const [pos, trust] = [await headOf(source, "bundles/pos"), await headOf(source, "trust")];
  await source.versions(pos);
  await source.roots(trust, 0);
  git(repository, "update-ref", "-d", "refs/heads/bundles/pos");
  expect([...(await source.heads()).keys()]).toEqual(["trust"]);
  expect(await readdir(dir)).toEqual(["trust"]);
  git(repository, "reflog", "expire", "--expire=now", "--all");
  git(repository, "gc", "--prune=now", "--quiet");
  await expect(source.versions(pos)).rejects.toMatchObject({ code: "not-found", fix: "ask for the heads again" });
});

test("a server whose HEAD points at no branch", async () => {
  const { repository, source: open } = await gitLab();
  commitFiles(repository, "trust", { "root/1.json": "one" }, "root 1");
  git(repository, "symbolic-ref", "HEAD", "refs/heads/nowhere");
  const source = open();
  expect(await source.roots(await headOf(source, "trust"), 0)).toHaveLength(1);
});

test("10,000 branches and tags of others cost nothing", { timeout: 120_000 }, async () => {
  const { repository, server, root, source: open } = await gitLab();
  commitFiles(repository, "trust", { "root/1.json": "one" }, "root 1");
  const commit = git(repository, "rev-parse", "trust");
  const refs = Array.from(
    { length: 5_000 },
    (_, n) => `create refs/heads/feature/${n} ${commit}\ncreate refs/tags/v${n} ${commit}`,
  );
  execFileSync("git", ["-C", repository, "update-ref", "--stdin"], { input: `${refs.join("\n")}\n` });
  git(repository, "pack-refs", "--all");
  const line = await openLine({ port: Number(new URL(server.url).port) });
  const source = open({ url: `http://127.0.0.1:${line.port}/fleet.git`, dir: `${root}/counted` });
  expect(await source.roots(await headOf(source, "trust"), 0)).toHaveLength(1);
  expect(line.counted.up + line.counted.down).toBeLessThan(3_000);
  await source.close();
  await line.stop();
});

test("a shallow repository is served as far as it goes", async () => {
  const { root, repository, source: open } = await gitLab();
  for (const name of ["1", "2", "3"]) commitFiles(repository, "bundles/pos", version(name), name);
  execFileSync("git", [
    "clone",
    "--quiet",
    "--bare",
    "--depth=2",
    "--branch=bundles/pos",
    `file://${repository}`,
    `${root}/s.git`,
  ]);
  await rm(repository, { recursive: true });
  execFileSync("mv", [`${root}/s.git`, repository]);
  const source = open();
  const versions = await source.versions(await headOf(source, "bundles/pos"));
  expect(versions.map((each) => each.version)).toEqual(["3", "2"]);
});

test("a file is by the commit that brought it to what it is, a merge included; what is older than the look back is nobody's", async () => {
  const { repository, source: open } = await gitLab();
  const work = `${repository}-work`;
  git(repository, "clone", "--quiet", repository, work);
  const by = (name: string) => ["-c", `user.name=${name}`, "-c", `user.email=${name.toLowerCase()}@example.com`];
  const commit = async (name: string, files: Record<string, string>) => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(work, "rollouts"), { recursive: true });
      await writeFile(join(work, path), text);
    }
    git(work, "add", "-A");
    git(work, ...by(name), "commit", "--quiet", "-m", "x");
    return git(work, "rev-parse", "HEAD");
  };
  git(work, "checkout", "--quiet", "-b", "main");
  const first = await commit("Ada", { "rollouts/pos.yaml": "1", "rollouts/kiosk.yaml": "1" });
  git(work, "checkout", "--quiet", "-b", "side");
  await commit("Bob", { "rollouts/pos.yaml": "2" });
  git(work, "checkout", "--quiet", "main");
  await commit("Cleo", { README: "1" });
  git(work, ...by("Dora"), "merge", "--quiet", "--no-ff", "-m", "merge", "side");
  const merge = git(work, "rev-parse", "HEAD");
  await commit("Cleo", { README: "2" });
  git(work, "push", "--quiet", "origin", "main");
  const source = open();
  const paths = ["rollouts/pos.yaml", "rollouts/kiosk.yaml", "rollouts/none.yaml"];
  const found = await source.changed(await headOf(source, "main"), paths);
  expect(Object.fromEntries(found)).toEqual({
    "rollouts/pos.yaml": { commit: merge, name: "Dora", email: "dora@example.com" },
    "rollouts/kiosk.yaml": { commit: first, name: "Ada", email: "ada@example.com" },
  });
  const more = (n: number) =>
    `commit refs/heads/main\ncommitter Lab <lab@example.com> 1700000000 +0000\ndata 1\nx\n${n === 0 ? "from refs/heads/main^0\n" : ""}M 100644 inline README\ndata <<E\n${n}\nE\n\n`;
  const input = Array.from({ length: 200 }, (_, n) => more(n)).join("");
  execFileSync("git", ["-C", repository, "fast-import", "--quiet"], { input });
  const later = await source.changed(await headOf(source, "main"), paths);
  expect([...later.keys()]).toEqual([]);
});
