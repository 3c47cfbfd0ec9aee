import { setImmediate as turn } from "node:timers/promises";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isRefusal } from "../../shared/errors.ts";
import type { Random } from "../../shared/ports.ts";
import { seeded } from "../support/clock.ts";
import { type BenchResult, figureOf, machine } from "./figures.ts";
import { pick } from "./fuzz-mutate.ts";
import { type Target, targets } from "./fuzz-targets.ts";

/** What became of the inputs of one target. Times are milliseconds. */
export interface Tally {
  inputs: number;
  accepted: number;
  refused: number;
  total: number;
  slowest: number;
}

const MB = 1024 * 1024;

/**
 * Changed keys, signatures, envelopes, documents and frames through everything that reads them before it trusts them:
 * refused by a code or accepted, never anything else, and quickly. `--seed` plays the same inputs again.
 */
export async function fuzzVerify(args: string[]): Promise<BenchResult> {
  const options = { inputs: { type: "string", default: "1000000" }, seed: { type: "string", default: "1" } } as const;
  const { values } = parseArgs({ args, options });
  const [inputs, seed] = [Number(values.inputs), Number(values.seed)];
  const before = machine();
  const all = targets();
  const random = seeded(seed);
  const tallies = new Map(all.map(({ name }): [string, Tally] => [name, none()]));
  // What is loaded and compiled on first use is not growth.
  await fuzz(all, random, Math.ceil(inputs / 10), tallies, seed);
  const heapBefore = heap();
  const started = performance.now();
  const measured = inputs - Math.ceil(inputs / 10);
  await fuzz(all, random, measured, tallies, seed);
  const seconds = (performance.now() - started) / 1000;
  const growth = heap() - heapBefore;
  process.stderr.write(`${inTable(tallies)}\n${Math.round(measured / seconds)} inputs/s, seed ${seed}\n`);
  const slowest = Math.max(...[...tallies.values()].map((tally) => tally.slowest));
  return {
    name: "fuzz-verify",
    machine: before,
    runs: inputs,
    figures: [
      figureOf("slowest input", "ms", [slowest], { goal: { of: "max", atMost: 1000 } }),
      figureOf("heap growth", "MB", [Math.max(0, growth)], { goal: { of: "max", atMost: 16 } }),
    ],
  };
}

/** Throws at the first input that does anything but be accepted or refused; the message has all to play it again. */
export async function fuzz(
  all: readonly Target[],
  random: Random,
  inputs: number,
  tallies: ReadonlyMap<string, Tally>,
  seed: number,
): Promise<void> {
  const wheel = all.flatMap((target) => Array<Target>(target.weight).fill(target));
  for (let done = 0; done < inputs; done += 1) {
    const target = pick(random, wheel);
    const each = target.make(random);
    const tally = tallies.get(target.name) ?? none();
    const started = performance.now();
    try {
      each.run();
      tally.accepted += 1;
    } catch (error) {
      if (!isRefusal(error)) {
        throw new Error(`seed ${seed}: ${target.name} neither took nor refused ${each.show()}`, { cause: error });
      }
      tally.refused += 1;
    }
    const took = performance.now() - started;
    tally.inputs += 1;
    tally.total += took;
    tally.slowest = Math.max(tally.slowest, took);
    // Keys are freed between turns of the loop only.
    if (done % 5000 === 0) await turn();
  }
}

export function none(): Tally {
  return { inputs: 0, accepted: 0, refused: 0, total: 0, slowest: 0 };
}

/** MB in use after everything unused was collected, buffers included. */
function heap(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MB;
}

function inTable(tallies: ReadonlyMap<string, Tally>): string {
  return [...tallies]
    .map(([name, { inputs, accepted, refused, total, slowest }]) => {
      const times = `mean ${((1000 * total) / Math.max(1, inputs)).toFixed(0)} us, slowest ${slowest.toFixed(1)} ms`;
      return `  ${name}: ${inputs} inputs, ${accepted} accepted, ${refused} refused; ${times}`;
    })
    .join("\n");
}
