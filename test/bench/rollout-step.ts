import { parseArgs } from "node:util";
import type { Run } from "../../hub/rollout/run.ts";
import { startRun } from "../../hub/rollout/start.ts";
import { step } from "../../hub/rollout/step.ts";
import { digestOf, heard, memberOf, reportOf, specOf, targetOf } from "../hub/rollout/samples.ts";
import { World } from "../hub/rollout/world.ts";
import { type BenchResult, type Figure, figureOf, machine } from "./figures.ts";

const BATCH = 1_000;
const SIZES = [1_000, 10_000, 100_000];

/** Every site of one open wave reports that it is healthy on the new version, a thousand of them before each step. */
export async function rolloutStep(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({ args, options: { batches: { type: "string", default: "20" } } });
  const before = machine();
  // Compiled before the first figure is taken.
  storm(2_000, 5);
  const figures: Figure[] = [];
  for (const sites of SIZES) {
    const took = storm(sites, Number(values.batches));
    // A report costs the same in a fleet of any size, to within a fifth; and a batch at 10,000 sites no more than 5 ms.
    const same = 1.2 * (figures[0]?.median ?? Number.POSITIVE_INFINITY);
    const atMost = sites === 10_000 ? Math.min(5, same) : same;
    const goal = Number.isFinite(atMost) ? { goal: { of: "median", atMost } as const } : {};
    figures.push(figureOf(`a batch of ${BATCH} reports at ${sites} sites`, "ms", took, goal));
  }
  return { name: "rollout-step", machine: before, runs: Number(values.batches), figures };
}

function storm(sites: number, batches: number): number[] {
  const world = new World();
  for (let index = 0; index < sites; index += 1) {
    const id = `shop-${index}`;
    world.fleet.set(id, heard(memberOf(id), reportOf({}, undefined), 0));
  }
  const spec = specOf({ waves: [{ name: "all", sites: {} }], failure: { over: "2%" } });
  const start = { id: "pos-1", rollout: "pos", commit: "c", spec, target: targetOf(2), back: false, seed: "x" };
  world.runs.set("pos-1", startRun(start, [...world.fleet.values()], 0));
  world.turn();
  const report = reportOf({ digest: digestOf(2).slice(0, 32), healthyFor: 5 }, [1, 1]);
  let run = world.runs.get("pos-1") as Run;
  const ids = [...world.fleet.keys()];
  const took: number[] = [];
  for (let batch = 0; batch < batches; batch += 1) {
    for (let index = 0; index < BATCH; index += 1) {
      const id = ids[(batch * BATCH + index) % sites] ?? "";
      world.fleet.set(id, heard(world.member(id), report, batch + 1));
    }
    const began = performance.now();
    run = step(run, world.fleet, [], batch + 1).run;
    took.push(performance.now() - began);
  }
  return took;
}
