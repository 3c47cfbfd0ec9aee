import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CASES } from "./strategic-cases.ts";

/** Asks kubectl for each case and writes its answer down: `node test/shared/render/record-strategic.ts ~/.cache/skerry/k8s-1.36.3-*\/kubectl`. */
const [kubectl = "kubectl"] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "skerry-strategic-"));
const golden = join(import.meta.dirname, "../../golden/render/strategic");
rmSync(golden, { recursive: true, force: true });
mkdirSync(golden, { recursive: true });
for (const [name, { object, patch }] of Object.entries(CASES)) {
  const [file, change] = [join(folder, "object.json"), join(folder, "patch.json")];
  writeFileSync(file, JSON.stringify(object));
  writeFileSync(change, JSON.stringify(patch));
  writeFileSync(join(golden, `${name}.json`), `${JSON.stringify(answer(file, change), null, 2)}\n`);
}
rmSync(folder, { recursive: true });

function answer(file: string, change: string): unknown {
  const args = ["patch", "--local", "--type", "strategic", "-f", file, "--patch-file", change, "-o", "json"];
  try {
    const result = execFileSync(kubectl, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    return { result: JSON.parse(result) };
  } catch (error) {
    return { refused: String((error as { stderr?: unknown }).stderr).trim() };
  }
}
