import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Script } from "./script.ts";

const FOLDER = new URL("../../golden/rollout/", import.meta.url);
const files = readdirSync(FOLDER).filter((file) => file.endsWith(".txt"));

/** Blocks are separated by an empty line after the output. `UPDATE_GOLDEN=1` writes what the commands print now. */
function played(text: string): string {
  const script = new Script();
  const blocks = text.trimEnd().split(/\n\n+(?=\S)/);
  return `${blocks.map((block) => playedBlock(script, block)).join("\n\n")}\n`;
}

function playedBlock(script: Script, block: string): string {
  const lines = block.split("\n");
  if (lines.every((line) => line.startsWith("#"))) return block;
  const end = lines.indexOf("----");
  const commands = (end === -1 ? lines : lines.slice(0, end)).join("\n").trimEnd();
  return `${commands}\n----\n${script.run(commands)}`.trimEnd();
}

/** What other systems got wrong, and the script that shows that it is not so here. */
const TRAPS = {
  "one of one fails": "one-of-one-fails.txt",
  "a wave that is all offline": "all-offline.txt",
  "a group whose sites all ended, below the threshold": "all-ended-below-success.txt",
  "the policy is deleted while it runs": "file-deleted.txt",
  "members come and go while it runs": "membership.txt",
  "the canaries are the first by the alphabet": "canaries.txt",
  "a stale report says healthy": "stale-evidence.txt",
  "superseded while it soaks": "superseded-while-soaking.txt",
  "the window closes in the middle of a wave": "window-closes.txt",
  "who started it approves it": "approval.txt",
};

it("has the scripts", () => {
  expect(files.length).toBeGreaterThanOrEqual(40);
});

it.each(Object.entries(TRAPS))("has a script for: %s", (_, file) => {
  expect(files).toContain(file);
});

it.each(files)("%s", (file) => {
  const url = new URL(file, FOLDER);
  const expected = readFileSync(url, "utf8");
  const actual = played(expected);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(url, actual);
  else expect(actual).toBe(expected);
});
