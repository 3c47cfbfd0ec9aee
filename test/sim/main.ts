import { parseArgs } from "node:util";
import type { PublicKey } from "../../shared/node/ssh-key.ts";
import { closeWith } from "../support/run-vitest.ts";
import { FAULTS } from "./faults.ts";
import { mint, openMinted } from "./mint.ts";
import { PLANTED, type Planted } from "./planted.ts";
import { bare } from "./queue.ts";
import { keep, replace, restore } from "./replace.ts";
import { type Outcome, type SimulationOptions, simulate } from "./simulation.ts";

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: "string", default: "20" },
      seed: { type: "string" },
      sites: { type: "string" },
      planted: { type: "string", default: "0" },
      count: { type: "string", default: "3" },
      plant: { type: "string" },
      weeks: { type: "boolean" },
      twice: { type: "boolean", default: false },
    },
  });
  replace("shared/node/frame.ts encodeFrame", () => mint);
  replace("shared/node/frame.ts openFrame", () => openMinted);
  replace("shared/node/frame.ts parseWireKey", remembered);
  keep();
  const within = Number(values.planted);
  const planted = values.plant === undefined || within > 0 ? undefined : plant(values.plant);
  const often = planted?.often;
  const weeks = values.weeks ?? planted?.weeks;
  const first = Number(values.seed ?? 1);
  const count = values.seed === undefined ? Number(values.seeds) : 1;
  const sites = values.sites === undefined ? undefined : Number(values.sites);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let events = 0;
  let seconds = 0;
  for (let seed = first; seed < first + count; seed += 1) {
    const began = process.cpuUsage();
    const outcome = await simulate({ seed, sites, weeks, often });
    seconds += secondsSince(began);
    events += outcome.events;
    const isSame = !values.twice || (await simulate({ seed, sites, weeks, often })).digest === outcome.digest;
    if (!isSame) process.stdout.write(`seed ${seed} does not replay\n`);
    counts[outcome.violation === null && isSame ? "passed" : "failed"] += 1;
    if (outcome.violation !== null) await show({ seed, sites, weeks, often }, outcome, planted);
  }
  const began = process.cpuUsage();
  await bare(events, BARE_WAITING);
  const atMost = Math.round(events / secondsSince(began));
  process.stdout.write(
    `${events} events of ${count} seeds in ${seconds.toFixed(1)} s of one core: ${Math.round(events / seconds)} a second; ` +
      `as many from which nothing comes: ${atMost} a second\n`,
  );
  const hunted = PLANTED.filter(({ name }) => name === (values.plant ?? name));
  for (const each of within === 0 ? [] : hunted) {
    const found = await hunt(each, { within, count: Number(values.count) });
    process.stdout.write(`planted: ${each.name}: ${found.words}\n`);
    counts[found.isFound ? "passed" : "failed"] += 1;
  }
  closeWith(counts);
}

/** For all that follows. */
function plant(name: string): Planted {
  const planted = PLANTED.find((each) => each.name === name);
  if (planted === undefined) throw new Error(`no planted bug is called ${name}`);
  for (const [key, wrap] of Object.entries(planted.functions ?? {})) replace(key, wrap as never);
  planted.methods?.();
  return planted;
}

/** The first of so many seeds whose story breaks what the bug must break, and how many of the first `count` do. */
async function hunt(
  planted: Planted,
  { within, count }: { within: number; count: number },
): Promise<{ isFound: boolean; words: string }> {
  const others = new Set<string>();
  const found: { seed: number; words: string }[] = [];
  for (const [key, wrap] of Object.entries(planted.functions ?? {})) replace(key, wrap as never);
  const undo = planted.methods?.();
  let seed = 0;
  try {
    while (found.length === 0 ? seed < within : seed < count) {
      seed += 1;
      const { violation } = await simulate({ seed, often: planted.often, weeks: planted.weeks });
      const words = violation?.message.slice(0, 200) ?? "";
      if (violation !== null && planted.breaks.includes(violation.invariant)) found.push({ seed, words });
      else if (violation !== null) others.add(words);
    }
  } finally {
    restore();
    undo?.();
  }
  const [first] = found;
  if (first !== undefined)
    return {
      isFound: true,
      words: `found by ${found.length} of ${seed} seeds, first by ${first.seed}: ${first.words}`,
    };
  return {
    isFound: false,
    words: `not found by ${within} seeds${[...others].slice(0, 2).map((each) => `; instead: ${each}`)}`,
  };
}

/** Of the processor: other programs on the machine are not counted. */
function secondsSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1e6;
}

/** Played once more, with its lines kept. */
async function show(story: SimulationOptions, outcome: Outcome, bug: Planted | undefined): Promise<void> {
  const { seed, sites, weeks } = story;
  const again = await simulate({ ...story, traced: true });
  process.stdout.write(`seed ${seed}, ${again.sites} sites: ${outcome.violation?.message}\n`);
  if (again.digest !== outcome.digest)
    process.stdout.write(`seed ${seed} does not replay: ${again.digest}, ${outcome.digest}\n`);
  const about = again.violation?.about ?? [];
  const names = (text: string) => about.some((name) => text.split(/[ ;]/).includes(name));
  const wanted = again.lines.filter(({ text }) => about.length === 0 || names(text));
  for (const { at, text } of wanted.slice(-LINES))
    process.stdout.write(`  +${(at / 1000).toFixed(3)}s ${pertinent(text, about)}\n`);
  const needed = await faultsNeeded(story, outcome);
  const size = `${sites === undefined ? "" : ` --sites ${sites}`}${weeks === true ? " --weeks" : ""}`;
  const plantedToo = bug === undefined ? "" : ` --plant "${bug.name}"`;
  process.stdout.write(`  faults it needs: ${needed.join(", ") || "none"}\n`);
  process.stdout.write(`  replays with \`npm run sim -- --seed ${seed}${size}${plantedToo}\`\n`);
}

const LINES = 40;
/** About as many things as a fleet of two hundred has before it. */
const BARE_WAITING = 1_000;

/** Those without which the story ends otherwise: left out one after the other. */
async function faultsNeeded(story: SimulationOptions, { violation }: Outcome): Promise<string[]> {
  const without = new Set<string>();
  for (const fault of FAULTS) {
    const shorter = await simulate({ ...story, without: new Set([...without, fault]) });
    if (shorter.violation?.invariant === violation?.invariant) without.add(fault);
  }
  return FAULTS.filter((fault) => !without.has(fault));
}

/** Of a long line, the parts that name whom it is about. */
function pertinent(text: string, about: readonly string[]): string {
  const [head = "", ...parts] = text.split("; ");
  const named = parts.filter((part) => about.some((name) => part.split(" ").includes(name)));
  return [head, ...named].join("; ").slice(0, 400);
}

// oxlint-disable-next-line typescript/no-explicit-any -- as replace has it
function remembered(real: (line: string) => any): (line: string) => PublicKey {
  const known = new Map<string, PublicKey>();
  return (line) => {
    const key = known.get(line) ?? (real(line) as PublicKey);
    known.set(line, key);
    return key;
  };
}
