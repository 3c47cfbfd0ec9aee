import { join } from "node:path";
import type { Journal } from "../../shared/ports.ts";
import { readTextOrEmpty, writeWhole } from "./signed-files.ts";

/** Signatures are over exact bytes, and an order names those of its rollout file: Git must not turn their line ends. */
const KEPT = ["root/*", "sites/*", "head.json*", "rollouts/*"].map((pattern) => `${pattern} -text`);

/** Adds to the fleet repository's `.gitattributes` what is not there yet. */
export async function keepBytes(repository: string, journal: Journal): Promise<void> {
  const file = join(repository, ".gitattributes");
  const present = await readTextOrEmpty(file);
  const missing = KEPT.filter((line) => !present.split(/\r?\n/).includes(line));
  if (missing.length === 0) return;
  const begun = present === "" || present.endsWith("\n") ? present : `${present}\n`;
  journal("build.write", "before");
  await writeWhole(file, `${begun}${missing.join("\n")}\n`);
  journal("build.write", "after");
}
