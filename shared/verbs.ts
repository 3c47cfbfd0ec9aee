/**
 * Which verb is legal in which phase of a run: one table that engine, API, CLI and UI share.
 * After the Oxide console's `app/api/util.ts`, where buttons and checks read the same table.
 */

export const PHASES = [
  "planned",
  "preparing",
  "rolling",
  "paused",
  "completed",
  "reverting",
  "reverted",
  "aborted",
  "superseded",
] as const;
export type PhaseKind = (typeof PHASES)[number];

export const VERBS = {
  pause: ["planned", "preparing", "rolling"],
  resume: ["paused"],
  /** Of the wave that is open: the next one may open as far as this person is concerned. */
  approve: ["planned", "preparing", "rolling", "paused"],
  /** Open the next wave now, whatever the evidence. */
  promote: ["preparing", "rolling", "paused"],
  /** Take one site out of the run. */
  skip: ["planned", "preparing", "rolling", "paused"],
  /** Try the sites that failed once more, and ask those that were not ready. */
  retry: ["preparing", "rolling", "paused", "completed"],
  /** Send every site back to what it ran before. */
  revert: ["rolling", "paused", "completed"],
  /** What sites already took stays. */
  abort: ["planned", "preparing", "rolling", "paused", "reverting"],
  /** Of a rollout, whose last run it is: its version once more, in a new run. */
  start: ["completed", "reverted", "aborted"],
} as const satisfies Record<string, readonly PhaseKind[]>;
export type Verb = keyof typeof VERBS;
/** What is done to a run that there is. */
export type RunVerb = Exclude<Verb, "start">;

/** What a person's token is for. Reading needs none. */
export const ROLES = [
  "viewer", // looks
  "operator", // every verb but approve
  "approver", // approve, and pause: stopping needs no permission
  "admin", // all
] as const;
export type Role = (typeof ROLES)[number];

/** Whether somebody with these roles may do that. */
export function mayDo(roles: readonly Role[], verb: Verb): boolean {
  if (roles.includes("admin")) return true;
  if (verb === "approve") return roles.includes("approver");
  return roles.includes("operator") || (verb === "pause" && roles.includes("approver"));
}

/** Those that speak of the wave that is open, and so must name it. */
export const OF_A_WAVE: ReadonlySet<Verb> = new Set<Verb>(["approve", "promote"]);

/** Where a verb leads: asked again there by somebody who did not hear the answer, it changes nothing and is no error. */
export const LEADS_TO: Partial<Readonly<Record<Verb, PhaseKind>>> = {
  pause: "paused",
  revert: "reverting",
  abort: "aborted",
};

export function isLegal(verb: Verb, phase: PhaseKind): boolean {
  const phases: readonly PhaseKind[] = VERBS[verb];
  return phases.includes(phase);
}

/** In the order of the table: what a person may do now. */
export function legalVerbs(phase: PhaseKind): Verb[] {
  return (Object.keys(VERBS) as Verb[]).filter((verb) => isLegal(verb, phase));
}
