import path from "node:path";
import { parseArgs } from "node:util";
import { startVitest, type Vitest } from "vitest/node";
import { AppError, inWords } from "../../shared/errors.ts";
import { startControlPlane } from "./cluster.ts";

/**
 * `npm run test:k8s [-- --sites N] [-- FILTER...]`: the suites on a real control plane. Closes with one line of counts;
 * exits 1 where a test failed, where none ran, or where there is no control plane.
 */

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

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
    const vitest = await startVitest(positionals, {
      config: path.join(import.meta.dirname, "vitest.config.ts"),
      watch: false,
    });
    const counts = countsOf(vitest);
    await vitest.close();
    return counts;
  } finally {
    await plane.stop();
  }
}

/**
 * Names each skipped test with its reason. A file that does not load, and an error outside of any test, count as one
 * failure each.
 */
function countsOf(vitest: Vitest): Counts {
  const modules = vitest.state.getTestModules();
  const results = modules
    .flatMap((module) => [...module.children.allTests()])
    .map((test) => {
      const result = test.result();
      const note = result.state === "skipped" ? (result.note ?? "no reason given") : "";
      if (note !== "") process.stdout.write(`skipped: ${test.fullName}: ${note}\n`);
      return result.state;
    });
  const broken = modules.flatMap((module) => module.errors()).length + vitest.state.getUnhandledErrors().length;
  return {
    passed: results.filter((state) => state === "passed").length,
    failed: results.filter((state) => state === "failed" || state === "pending").length + broken,
    skipped: results.filter((state) => state === "skipped").length,
  };
}

let counts: Counts;
try {
  counts = await main();
} catch (error) {
  process.stderr.write(`${inWords(error)}\n`);
  counts = { passed: 0, failed: 1, skipped: 0 };
}
if (counts.passed + counts.failed === 0) process.stderr.write("no test ran\n");
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
