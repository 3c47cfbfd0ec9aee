import { parseArgs } from "node:util";
import type { PublicKey } from "../../shared/node/ssh-key.ts";
import { closeWith } from "../support/run-vitest.ts";
import { mint, openMinted } from "./mint.ts";
import { replace } from "./replace.ts";
import { type Outcome, simulate } from "./simulation.ts";

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { seeds: { type: "string", default: "20" }, seed: { type: "string" }, sites: { type: "string" } },
  });
  replace("shared/node/frame.ts encodeFrame", () => mint);
  replace("shared/node/frame.ts openFrame", () => openMinted);
  replace("shared/node/frame.ts parseWireKey", remembered);
  const first = Number(values.seed ?? 1);
  const count = values.seed === undefined ? Number(values.seeds) : 1;
  const sites = values.sites === undefined ? undefined : Number(values.sites);
  let failed = 0;
  let events = 0;
  const began = process.cpuUsage();
  for (let seed = first; seed < first + count; seed += 1) {
    const outcome = await simulate({ seed, sites });
    events += outcome.events;
    if (outcome.violation === null) continue;
    failed += 1;
    await show(seed, sites, outcome);
  }
  const seconds = secondsSince(began);
  process.stdout.write(
    `${events} events of ${count} seeds in ${seconds.toFixed(1)} s: ${Math.round(events / seconds)} a second\n`,
  );
  closeWith({ passed: count - failed, failed, skipped: 0 });
}

/** Of the processor: other programs on the machine are not counted. */
function secondsSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1e6;
}

/** Played once more, with its lines kept. */
async function show(seed: number, sites: number | undefined, outcome: Outcome): Promise<void> {
  const again = await simulate({ seed, sites, traced: true });
  const { violation } = again;
  process.stdout.write(`seed ${seed}: ${outcome.violation?.message}\n`);
  if (again.digest !== outcome.digest)
    process.stdout.write(`seed ${seed} does not replay: ${again.digest}, ${outcome.digest}\n`);
  const about = violation?.about ?? [];
  const wanted = again.lines.filter(
    ({ text }) => about.length === 0 || about.some((name) => text.split(/[ ;]/).includes(name)),
  );
  for (const { at, text } of wanted.slice(-Number(process.env["LINES"] ?? 40)))
    process.stdout.write(`  +${(at / 1000).toFixed(3)}s ${pertinent(text, about)}\n`);
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

/** Of a long line, the parts that name whom it is about. */
function pertinent(text: string, about: readonly string[]): string {
  const [head = "", ...parts] = text.split("; ");
  const named = parts.filter((part) => about.some((name) => part.split(" ").includes(name)));
  return [head, ...named].join("; ").slice(0, 400);
}
