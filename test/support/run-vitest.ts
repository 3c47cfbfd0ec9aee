import { startVitest, type Vitest } from "vitest/node";

/** Real counts of one run of a suite. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Runs the files that a vitest configuration names, or those of them that a filter matches. */
export async function runVitest(config: string, filters: readonly string[]): Promise<Counts> {
  const vitest = await startVitest([...filters], { config, watch: false });
  const counts = countsOf(vitest);
  await vitest.close();
  return counts;
}

/**
 * Names each skipped test with its reason. A file that does not load, a suite that could not be set up, and an error outside of any test,
 * count as one failure each.
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
  const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
  const broken = suites.flatMap((suite) => suite.errors()).length + vitest.state.getUnhandledErrors().length;
  return {
    passed: results.filter((state) => state === "passed").length,
    failed: results.filter((state) => state === "failed" || state === "pending").length + broken,
    skipped: results.filter((state) => state === "skipped").length,
  };
}

/** The closing line of every runner, and the exit code that it deserves: a run in which nothing ran has failed. */
export function closeWith(counts: Counts): void {
  if (counts.passed + counts.failed === 0) process.stderr.write("no test ran\n");
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}
