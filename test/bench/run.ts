/**
 * `npm run bench -- NAME [--json] [options of the bench]`: prints what was measured against its goal, its limit and its peer.
 * Exits 1 where a goal is not met.
 */
import { agentMemory } from "./agent-memory.ts";
import { apply } from "./apply.ts";
import { drift } from "./drift.ts";
import { type BenchResult, inLines } from "./figures.ts";
import { fuzzVerify } from "./fuzz-verify.ts";
import { noop } from "./noop.ts";
import { planBench } from "./plan.ts";
import { planWaves } from "./plan-waves.ts";
import { rolloutStep } from "./rollout-step.ts";
import { startup } from "./startup.ts";
import { wireUpdate } from "./wire-update.ts";

const BENCHES: Readonly<Record<string, (args: string[]) => Promise<BenchResult>>> = {
  startup,
  "agent-memory": agentMemory,
  apply,
  noop,
  drift,
  "fuzz-verify": fuzzVerify,
  plan: planBench,
  "plan-waves": planWaves,
  "rollout-step": rolloutStep,
  "wire-update": wireUpdate,
};

const [name = "", ...rest] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined) {
  process.stderr.write(`usage: npm run bench -- NAME [--json]; NAME is one of ${Object.keys(BENCHES).join(", ")}\n`);
  process.exitCode = 2;
} else {
  const result = await bench(rest.filter((each) => each !== "--json"));
  process.stdout.write(`${rest.includes("--json") ? JSON.stringify(result, null, 2) : inLines(result)}\n`);
  const judged = result.figures.filter((figure) => figure.met !== undefined);
  const failed = judged.filter((figure) => figure.met === false).length;
  if (!rest.includes("--json")) process.stdout.write(`${judged.length - failed} passed, ${failed} failed, 0 skipped\n`);
  process.exitCode = failed > 0 ? 1 : 0;
}
