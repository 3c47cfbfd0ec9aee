import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { GitProcess } from "../../../shared/source/git-process.ts";

test("what lies in the folder goes with a child that outgrew its memory: it may be to blame", async () => {
  const room = mkdtempSync(join(tmpdir(), "skerry-child-"));
  const dir = join(room, "objects");
  mkdirSync(dir);
  writeFileSync(join(dir, "pack"), "");
  const child = join(room, "child.mjs");
  writeFileSync(
    child,
    "const held = []; process.on('message', () => setInterval(() => held.push(Buffer.alloc(4e6, 1)), 40));",
  );
  const remote = { url: "http://127.0.0.1:1", dir, silenceMs: 1_000, maxResponseBytes: 1_000 };
  const git = new GitProcess({ remote, child, memoryMb: 128, idleMs: 1_000, deadlineMs: 60_000 });
  onTestFinished(async () => {
    await git.close();
    rmSync(room, { recursive: true });
  });
  await expect(git.ask("heads", { only: null })).rejects.toMatchObject({ code: "too-large" });
  expect(existsSync(dir)).toBe(false);
});
