import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);

/** In a process of its own, where functions of the product can be exchanged as it loads. */
async function sim(...args: string[]): Promise<string[]> {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, "run.ts"), ...args]).catch(
    (error) => error,
  );
  return String(stdout).trimEnd().split("\n");
}

it("holds in a few stories, and each replays exactly", async () => {
  const lines = await sim("--seeds", "3", "--sites", "6", "--twice");
  expect(lines.at(-1)).toBe("3 passed, 0 failed, 0 skipped");
}, 300_000);

it("finds a planted bug, says which and where, and how to see it again", async () => {
  const lines = await sim("--seed", "1", "--sites", "9", "--plant", "a wave passes with one healthy site too few");
  const words = lines.join("\n");
  expect(words).toContain("no wave opens on less than its gate");
  expect(words).toContain("replays with `npm run sim -- --seed 1 --sites 9");
  expect(lines.at(-1)).toBe("0 passed, 1 failed, 0 skipped");
}, 300_000);
