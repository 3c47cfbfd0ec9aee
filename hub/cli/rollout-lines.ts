import type { ReturnView, RunView } from "../api/contract.ts";
import { aligned } from "./columns.ts";

/** A run, for people at a terminal. */

export function line({ id, bundle, version, phase, words }: RunView): string {
  return `${id} ${bundle} ${version} ${words.startsWith(phase) ? words : `${phase}: ${words}`}`;
}

/** `back`: what going back would do, where that can be asked for. */
export function detailLines(run: RunView, back: ReturnView | null): string[] {
  const { values, startedAt, since, left, verbs, waves, preview } = run;
  const given = Object.entries(values).map(([name, value]) => `${name}=${String(value)}`);
  const rows = waves.map(({ name, state, counts, sites, success, soakSeconds }) => [
    name,
    state,
    `${sites.length}`,
    Object.entries(counts)
      .map(([outcome, count]) => `${count} ${outcome}`)
      .join(", "),
    `${success} healthy for ${soakSeconds} s`,
  ]);
  return [
    line(run),
    `started ${startedAt}, ${run.phase} since ${since}${run.back ? ", a return" : ""}`,
    ...(given.length === 0 ? [] : [`values ${given.join(" ")}`]),
    "",
    ...aligned([["WAVE", "STATE", "SITES", "OUTCOMES", "GATE"], ...rows]),
    ...left.map(({ site, why }) => `left out ${site}: ${why}`),
    ...(preview === null ? [] : ["", ...previewLines(preview)]),
    ...(back === null ? [] : ["", ...returnLines(back)]),
    "",
    verbs.length === 0 ? "nothing is left to do with this run" : `now possible: ${verbs.join(", ")}`,
  ];
}

/** One row for all sites at which the same would change, as on the run's card. */
export function previewLines({ rows, more, sites, of }: NonNullable<RunView["preview"]>): string[] {
  const found = rows.map(({ sites, code, diff, first }) => [
    `${sites}`,
    code === null ? "ready" : `not ready: ${code}`,
    diff ?? "-",
    first.join(" ") + (sites > first.length ? " ..." : ""),
  ]);
  return [
    `prepared at ${sites} of ${of} sites`,
    ...aligned([["SITES", "SAY", "DIFF", "WHO"], ...found]),
    ...(more === 0 ? [] : [`and ${more} more, each at fewer sites`]),
  ];
}

function returnLines({ sites, left, jobs }: ReturnView): string[] {
  return [
    `going back: ${sites} sites would be sent to what they ran before`,
    ...left.map(({ site, why }) => `may not go back ${site}: ${why}`),
    ...jobs.map(({ job, sites }) => `not undone: Job ${job}, at ${sites} sites`),
  ];
}
