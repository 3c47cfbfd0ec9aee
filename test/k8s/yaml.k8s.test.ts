import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { KUBECTL_READINGS, type KubectlReading, recordedReadings, yamlCases } from "../support/yaml-golden.ts";
import { findBinaries } from "./binaries.ts";

const run = promisify(execFile);

/** `UPDATE_GOLDEN=1` records anew. `patch --local` with an empty patch prints what kubectl read, and asks no server. */
async function reading(kubectl: string, text: string, folder: string): Promise<KubectlReading> {
  const file = path.join(folder, "case.yaml");
  await writeFile(file, text);
  const args = ["patch", "--local", "--type", "merge", "-p", "{}", "-f", file, "-o", "json"];
  const printed = await run(kubectl, args).then(
    ({ stdout }) => stdout,
    () => null,
  );
  // Objects of several documents follow each other without a comma.
  const objects = printed === null ? "" : printed.trim().replaceAll(/^\}\n\{/gm, "},\n{");
  return { text, objects: JSON.parse(`[${objects}]`) as unknown[], refused: printed === null };
}

it("the golden readings are what this kubectl reads", async () => {
  const { kubectl } = await findBinaries();
  const folder = await mkdtemp(path.join(tmpdir(), "skerry-yaml-"));
  try {
    const readings: KubectlReading[] = [];
    for (const text of yamlCases()) readings.push(await reading(kubectl, text, folder));
    if (process.env["UPDATE_GOLDEN"] === "1") {
      const lines = readings.map((each) => JSON.stringify(each));
      await writeFile(KUBECTL_READINGS, `[\n${lines.join(",\n")}\n]\n`);
    }
    expect(readings).toEqual(recordedReadings());
  } finally {
    await rm(folder, { recursive: true });
  }
});
