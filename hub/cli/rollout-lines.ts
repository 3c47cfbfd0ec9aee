import type { RunView } from "../api/contract.ts";
import { aligned } from "./columns.ts";

/** A run, for people at a terminal. */

export function line({ id, bundle, version, phase, words }: RunView): string {
  return `${id} ${bundle} ${version} ${words.startsWith(phase) ? words : `${phase}: ${words}`}`;
}

export function detailLines(run: RunView): string[] {
  const { values, startedAt, since, left, verbs, waves } = run;
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
    "",
    verbs.length === 0 ? "nothing is left to do with this run" : `now possible: ${verbs.join(", ")}`,
  ];
}
