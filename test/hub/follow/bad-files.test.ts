import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openRolloutFile } from "../../../hub/follow/rollout-file.ts";
import { inWords } from "../../../shared/errors.ts";

/** Blocks of a title, a file, `----` and what is said of it. `UPDATE_GOLDEN=1` writes what is said now. */
const GOLDEN = new URL("../../golden/rollout-files/bad.txt", import.meta.url);

function said(file: string): string {
  try {
    openRolloutFile(Buffer.from(file), "rollouts/pos.yaml");
    return "accepted";
  } catch (error) {
    return inWords(error);
  }
}

function blocks(text: string): { title: string; file: string; words: string }[] {
  return text
    .split(/^# /m)
    .slice(1)
    .map((block) => {
      const [title = "", rest = ""] = block.split(/\n([^]*)/);
      const [file = "", words = ""] = rest.replace(/^\n/, "").split(/^----\n/m);
      return { title, file, words: words.trim() };
    });
}

const text = readFileSync(GOLDEN, "utf8");
const all = blocks(text);

test("the table is of everything that the language can be got wrong in", () => {
  expect(all.length).toBeGreaterThanOrEqual(40);
  if (process.env["UPDATE_GOLDEN"] !== "1") return;
  writeFileSync(GOLDEN, all.map(({ title, file }) => `# ${title}\n\n${file}----\n${said(file)}\n`).join("\n"));
});

test.each(all)("$title", ({ file, words }) => {
  if (process.env["UPDATE_GOLDEN"] === "1") return;
  expect(said(file)).toBe(words);
  expect(words).not.toBe("accepted");
  // File and line, but for a file that has none.
  if (file.trim() !== "") expect(words).toMatch(/ \(rollouts\/pos\.yaml:\d+/);
});
