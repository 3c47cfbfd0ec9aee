import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { GitProcess } from "../../../shared/source/git-process.ts";

/** Whose child does as `script` says. */
function gitProcess(script: string): { git: GitProcess; dir: string; answered: string } {
  const room = mkdtempSync(join(tmpdir(), "skerry-child-"));
  const dir = join(room, "objects");
  mkdirSync(dir);
  writeFileSync(join(dir, "pack"), "");
  const answered = join(room, "answered");
  const child = join(room, "child.mjs");
  writeFileSync(child, script.replace("ANSWERED", answered));
  const remote = { url: "http://127.0.0.1:1", dir, silenceMs: 1_000, maxResponseBytes: 1_000 };
  const git = new GitProcess({ remote, child, memoryMb: 128, idleMs: 1_000, deadlineMs: 60_000 });
  onTestFinished(async () => {
    await git.close();
    rmSync(room, { recursive: true });
  });
  return { git, dir, answered };
}

test("what lies in the folder goes with a child that outgrew its memory: it may be to blame", async () => {
  const { git, dir } = gitProcess(
    "const held = []; process.on('message', () => setInterval(() => held.push(Buffer.alloc(4e6, 1)), 40));",
  );
  await expect(git.ask("heads", { only: null })).rejects.toMatchObject({ code: "too-large" });
  expect(existsSync(dir)).toBe(false);
});

test("is closed also where the answer comes while it is: the agent and the hub wait for that before they end", async () => {
  const { git, answered } = gitProcess(
    "import { writeFileSync } from 'node:fs'; process.on('message', () => process.send({ answer: [] }, () => writeFileSync('ANSWERED', '')));",
  );
  const asked = git.ask("heads", { only: null });
  await new Promise((resolve) => setImmediate(resolve));
  // The answer lies in the pipe, and nobody here has read it yet.
  const step = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(answered)) Atomics.wait(step, 0, 0, 10);
  await git.close();
  await expect(asked).resolves.toEqual([]);
  await expect(git.ask("heads", { only: null })).rejects.toMatchObject({ code: "unreachable" });
});
