/** What only a source over Git has: its child process, its folder, its line. */
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { inWords } from "../../../shared/errors.ts";
import { type GitSourceOptions, gitSource } from "../../../shared/source/git.ts";
import { commitFiles, createRepository } from "../../lab/git/repository.ts";
import { type GitServer, startGitServer } from "../../lab/git/server.ts";

let root: string;
let repository: string;
let server: GitServer;
let others: Server[];
let sources: ReturnType<typeof gitSource>[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "skerry-git-"));
  repository = createRepository(root, "fleet.git");
  commitFiles(repository, "main", { "README.md": "a fleet" }, "first");
  server = await startGitServer({ root });
  [others, sources] = [[], []];
});
afterEach(async () => {
  await Promise.all(sources.map((source) => source.close()));
  for (const other of others) other.close().closeAllConnections();
  await server.stop();
  await rm(root, { recursive: true });
});

const open = (options: Partial<GitSourceOptions> = {}) => {
  const source = gitSource({
    url: `${server.url}/fleet.git`,
    dir: join(root, "objects"),
    child: join(import.meta.dirname, "../../../shared/source/git-child.ts"),
    ...options,
  });
  sources.push(source);
  return source;
};
const head = async (source: ReturnType<typeof gitSource>, branch: string) => (await source.heads()).get(branch) ?? "";
/** A server that answers everything with one status, with zeros without an end, or not at all. */
const stranger = async (answer: { status: number; location?: string } | "endless" | "silent") => {
  const other = createServer((_, response) => {
    if (answer === "silent") return;
    if (answer === "endless") Readable.from(zeros()).pipe(response);
    else response.writeHead(answer.status, answer.location ? { location: answer.location } : {}).end();
  });
  others.push(other);
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
};
function* zeros() {
  for (;;) yield new Uint8Array(1024 * 1024);
}

test("a second fetch brings what is new only", async () => {
  const big = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7919 * index) % 251));
  commitFiles(repository, "bundles/pos", { "bundle.json": "v1", "files/a": big }, "1");
  const source = open();
  await source.versions(await head(source, "bundles/pos"));
  const before = server.served.bytes;
  commitFiles(repository, "bundles/pos", { "bundle.json": "v2", "files/a": big }, "2");
  expect(await source.versions(await head(source, "bundles/pos"))).toHaveLength(2);
  expect(server.served.bytes - before).toBeLessThan(5_000);
});

test("a bomb ends the child, not the agent, and the next call works", { timeout: 60_000 }, async () => {
  commitFiles(repository, "trust", { "root/1.json": "one" }, "root");
  const commit = `blob=$(head -c 300000000 /dev/zero | git hash-object -w --stdin)
    tree=$(printf '100644 blob %s\\tbundle.json\\n' "$blob" | git mktree)
    git update-ref refs/heads/bundles/pos "$(git -c user.name=a -c user.email=b commit-tree -m bomb "$tree")"`;
  execFileSync("sh", ["-ec", commit], { cwd: repository });
  const source = open({ memoryMb: 128 });
  const heads = await source.heads();
  const before = process.memoryUsage.rss();
  await expect(source.versions(heads.get("bundles/pos") ?? "")).rejects.toMatchObject({ code: "too-large" });
  expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
  expect(await source.roots(heads.get("trust") ?? "", 0)).toHaveLength(1);
});

test("an endless answer is `too-large`", async () => {
  const url = await stranger("endless");
  await expect(open({ url }).heads()).rejects.toThrow("more than 4194304 bytes");
});

test("the child is ended at rest and started again on demand", async () => {
  const source = open({ idleMs: 1 });
  await source.heads();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await source.heads()).size).toBe(1);
});

test("a broken folder is built anew", async () => {
  commitFiles(repository, "trust", { "root/1.json": "one" }, "root");
  const source = open();
  const trust = await head(source, "trust");
  await source.roots(trust, 0);
  await source.close();
  const packs = join(root, "objects/trust/objects/pack");
  for (const name of await readdir(packs)) await writeFile(join(packs, name), "not a pack");
  expect(await open().roots(trust, 0)).toHaveLength(1);
});

test("credentials are sent to their host and shown nowhere", async () => {
  const source = open({ url: `${server.url.replace("//", "//ada:s%40cret@")}/none.git` });
  expect(source.address).toBe(`${server.url}/none.git`);
  const error: unknown = await source.heads().catch((error: unknown) => error);
  expect(error).toMatchObject({ code: "not-found", where: source.address });
  expect(inWords(error)).not.toMatch(/cret/);
});

test("redirects are not followed", async () => {
  const url = await stranger({ status: 302, location: `${server.url}/fleet.git/info/refs?service=git-upload-pack` });
  await expect(open({ url }).heads()).rejects.toMatchObject({ code: "unreachable" });
});

test("a refused token, a silent server and an endless call are `unreachable`", async () => {
  const refusing = await stranger({ status: 401 });
  await expect(open({ url: refusing }).heads()).rejects.toThrow("access refused");
  const silent = await stranger("silent");
  await expect(open({ url: silent, silenceMs: 50 }).heads()).rejects.toThrow("silent for 0.05 s");
  await expect(open({ url: silent, deadlineMs: 1 }).heads()).rejects.toMatchObject({ code: "unreachable" });
});

test("files of the fleet repository, by folder", async () => {
  commitFiles(repository, "main", { "rollouts/b.yaml": "b", "rollouts/a.yaml": "a", rolloutsx: "c" }, "rollouts");
  const source = open();
  const files = await source.files(await head(source, "main"), "rollouts");
  expect(files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()])).toEqual([
    ["rollouts/a.yaml", "a"],
    ["rollouts/b.yaml", "b"],
  ]);
});
