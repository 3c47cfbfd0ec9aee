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

it("has the scripts", () => {
  expect(files.length).toBeGreaterThanOrEqual(40);
});

it.each(files)("%s", (file) => {
  const url = new URL(file, FOLDER);
  const expected = readFileSync(url, "utf8");
  const actual = played(expected);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(url, actual);
  else expect(actual).toBe(expected);
});
