/** `npm run check`: the compiler, the linters and the import rules. All of them run, whatever the first one says. */
import { spawnSync } from "node:child_process";

const CHECKS: readonly (readonly [name: string, ...command: string[]])[] = [
  ["types", "tsc", "-p", "."],
  ["lint", "oxlint", "--deny-warnings"],
  ["format", "biome", "check", "."],
  ["dead code", "knip"],
  ["import rules", "node", "test/run.ts", "test/architecture.test.ts"],
];

const failed = CHECKS.filter(([name, command = "", ...args]) => {
  const started = Date.now();
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  process.stdout.write(
    `${status === 0 ? "ok" : "FAILED"}: ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`,
  );
  return status !== 0;
});
process.stdout.write(`${CHECKS.length - failed.length} passed, ${failed.length} failed, 0 skipped\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
