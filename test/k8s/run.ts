import path from "node:path";
import { parseArgs } from "node:util";
import { AppError, inWords } from "../../shared/errors.ts";
import { type Counts, closeWith, runVitest } from "../support/run-vitest.ts";
import { startControlPlane } from "./cluster.ts";

/**
 * `npm run test:k8s [-- --sites N] [-- FILTER...]`: the suites on a real control plane. Closes with one line of counts;
 * exits 1 where a test failed, where none ran, or where there is no control plane.
 */

async function main(): Promise<Counts> {
  const { values, positionals } = parseArgs({
    options: { sites: { type: "string", default: "3" } },
    allowPositionals: true,
  });
  if (!/^[1-3]$/.test(values.sites)) throw new AppError("usage", `--sites ${values.sites}`, { fix: "1, 2 or 3" });
  const plane = await startControlPlane({ sites: Number(values.sites) });
  try {
    for (const leg of plane.cannotRun) process.stdout.write(`cannot run here: ${leg}\n`);
    process.env["SKERRY_K8S_SITES"] = plane.sitesFile;
    return await runVitest(path.join(import.meta.dirname, "vitest.config.ts"), positionals);
  } finally {
    await plane.stop();
  }
}

let counts: Counts;
try {
  counts = await main();
} catch (error) {
  process.stderr.write(`${inWords(error)}\n`);
  counts = { passed: 0, failed: 1, skipped: 0 };
}
closeWith(counts);
