import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A file name in a folder of its own, which goes with the test. */
export function fileInFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), "skerry-data-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}
