/**
 * Which verb is legal in which phase of a run: one table that API, CLI and UI share.
 * After the Oxide console's `app/api/util.ts`, where buttons and checks read the same table.
 */

export const PHASES = ["planned", "rolling", "paused", "completed", "aborted", "superseded"] as const;
export type PhaseKind = (typeof PHASES)[number];

/** A completed run has nothing left to stop: what it released is taken back by a new commit. */
export const VERBS = {
  pause: ["planned", "rolling"],
  resume: ["paused"],
  abort: ["planned", "rolling", "paused"],
} as const satisfies Record<string, readonly PhaseKind[]>;
export type Verb = keyof typeof VERBS;

export function isLegal(verb: Verb, phase: PhaseKind): boolean {
  const phases: readonly PhaseKind[] = VERBS[verb];
  return phases.includes(phase);
}

/** In the order of the table: what a person may do now. */
export function legalVerbs(phase: PhaseKind): Verb[] {
  return (Object.keys(VERBS) as Verb[]).filter((verb) => isLegal(verb, phase));
}
