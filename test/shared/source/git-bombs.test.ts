/** Small packs that unpack to much: each is refused, and neither this process nor the child takes more than it may. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { commitOf, idOf, type Packed, packOf, repeating, startLiar, treeOf } from "../../lab/git/liar.ts";
import { commitFiles } from "../../lab/git/repository.ts";
import { gitLab, headOf } from "./git-lab.ts";

const tooLarge = { code: "too-large", fix: expect.any(String) };
const blob: Packed = { type: "blob", content: Buffer.alloc(8 * 1024 * 1024) };
const promised = commitOf(idOf(treeOf([{ name: "bundle.json", id: idOf(blob) }])));
const sending = async (objects: readonly Packed[], head: Packed) => {
  const server = await startLiar();
  onTestFinished(server.stop);
  server.heads["bundles/pos"] = idOf(head);
  server.pack = packOf(objects);
  const source = (await gitLab()).source({ url: server.url, memoryMb: 128 });
  return { server, source, head: await headOf(source, "bundles/pos") };
};

test("a real blob of zeros, from a real server; the next call works", async () => {
  const { repository, source: open } = await gitLab();
  commitFiles(repository, "trust", { "root/1.json": "one" }, "root");
  const commit = `blob=$(head -c 100000000 /dev/zero | git hash-object -w --stdin)
    tree=$(printf '100644 blob %s\\tbundle.json\\n' "$blob" | git mktree)
    git update-ref refs/heads/bundles/pos "$(git -c user.name=a -c user.email=b commit-tree -m bomb "$tree")"`;
  execFileSync("sh", ["-ec", commit], { cwd: repository });
  const source = open({ memoryMb: 128 });
  const before = process.memoryUsage.rss();
  await expect(source.versions(await headOf(source, "bundles/pos"))).rejects.toMatchObject(tooLarge);
  expect(process.memoryUsage.rss() - before).toBeLessThan(32 * 1024 * 1024);
  expect(await source.roots(await headOf(source, "trust"), 0)).toHaveLength(1);
});

test("a delta that makes its base a thousand times over", async () => {
  const { source, head } = await sending([promised, blob, repeating(blob, 1_000)], promised);
  await expect(source.versions(head)).rejects.toMatchObject(tooLarge);
});

test("many deltas, each within bounds", async () => {
  const deltas = Array.from({ length: 200 }, () => repeating({ ...blob, content: blob.content.subarray(1) }, 1));
  const { source, head } = await sending([promised, blob, ...deltas], promised);
  await expect(source.versions(head)).rejects.toMatchObject(tooLarge);
});

test("more objects than any fleet has", async () => {
  const { source, server, head } = await sending([], promised);
  const packed = Buffer.from("PACK\0\0\0\x02\0\x03\x0d\x41");
  server.pack = Buffer.concat([packed, createHash("sha1").update(packed).digest()]);
  await expect(source.versions(head)).rejects.toThrow("200001 objects");
});

test("ten trees that name each other ten times: ten thousand million files", async () => {
  const trees: Packed[] = [treeOf([{ name: "a", id: idOf(blob) }])];
  for (let level = 0; level < 10; level += 1) {
    const id = idOf(trees.at(-1) ?? blob);
    trees.push(treeOf(Array.from({ length: 10 }, (_, n) => ({ name: `${n}`, id, folder: true }))));
  }
  const head = commitOf(idOf(trees.at(-1) ?? blob));
  const { source, head: at } = await sending([head, blob, ...trees], head);
  await expect(source.versions(at)).rejects.toMatchObject({ code: "too-large" });
});

test("folders in folders without an end", async () => {
  const { repository, source: open } = await gitLab();
  commitFiles(repository, "bundles/pos", { [`${"d/".repeat(1_000)}f`]: "x" }, "deep");
  const source = open();
  await expect(source.versions(await headOf(source, "bundles/pos"))).rejects.toMatchObject({ code: "too-large" });
});
