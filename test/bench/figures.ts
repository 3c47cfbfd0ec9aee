import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";

/** One measured thing. All numbers are in `unit`. */
export interface Figure {
  name: string;
  unit: "ms" | "MB" | "B" | "%" | "requests" | "applies" | "a minute";
  median: number;
  min: number;
  max: number;
  /** 95th percentile, where there are samples enough for one. */
  p95?: number;
  /** What another program, or the bare platform, takes for the same in the same run; and how often that fits into ours. */
  peer?: { name: string; value: number };
  limit?: { name: string; value: number };
  ratio?: number;
  /** At most; `of` says which number is held against it. */
  goal?: { of: "median" | "p95" | "max"; atMost: number };
  met?: boolean;
}

export interface BenchResult {
  name: string;
  machine: { cpu: string; cores: number; memoryGb: number; node: string; load: number };
  runs: number;
  figures: Figure[];
}

/** `share` of 0.5 is the median; nearest rank, so that every figure is one that was measured. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function figureOf(
  name: string,
  unit: Figure["unit"],
  samples: readonly number[],
  against: Pick<Figure, "peer" | "limit" | "goal"> = {},
): Figure {
  const figure: Figure = {
    name,
    unit,
    median: percentile(samples, 0.5),
    min: Math.min(...samples),
    max: Math.max(...samples),
    ...(samples.length < 40 ? {} : { p95: percentile(samples, 0.95) }),
    ...against,
  };
  const other = against.peer ?? against.limit;
  if (other !== undefined) figure.ratio = figure.median / other.value;
  if (against.goal !== undefined) figure.met = (figure[against.goal.of] ?? Number.NaN) <= against.goal.atMost;
  return figure;
}

export function machine(): BenchResult["machine"] {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.version,
    load: Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]),
  };
}

export function inLines({ name, machine, runs, figures }: BenchResult): string {
  const { cpu, cores, memoryGb, node, load } = machine;
  const head = `${name}: ${runs} runs on ${cores} x ${cpu}, ${memoryGb} GB, Node ${node}, load ${load} at the start`;
  return [head, ...figures.map(inLine)].join("\n");
}

function inLine({ name, unit, median, min, max, p95, peer, limit, ratio, goal, met }: Figure): string {
  const number = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
  const parts = [`median ${number(median)} (${number(min)} to ${number(max)})`];
  if (p95 !== undefined) parts.push(`p95 ${number(p95)}`);
  if (goal !== undefined) parts.push(`goal ${goal.of} <= ${number(goal.atMost)}: ${met === true ? "met" : "NOT MET"}`);
  if (peer !== undefined) parts.push(`peer ${peer.name} ${number(peer.value)}`);
  if (limit !== undefined) parts.push(`limit ${limit.name} ${number(limit.value)}`);
  if (ratio !== undefined) parts.push(`ratio ${ratio.toFixed(1)}`);
  return `  ${name}: ${parts.join("; ")}`;
}
