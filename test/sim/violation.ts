/** What must always hold, one name a sentence. */
export const INVARIANTS = {
  authorised: "no site runs a state that no run authorised",
  floor: "no site goes below its floor",
  gate: "no wave opens on less than its gate",
  concurrent: "no more sites are on their way than the pace allows",
  perMinute: "no more sites are given a version in a minute than the pace allows",
  stopped: "a run that is paused, aborted or superseded starts nothing more",
  restored: "a hub that finds that it was restored moves nothing before a person says so",
  ordered: "each run is ordered by a commit or a person, and each order starts one run",
  approved: "no wave opens before as many people as it asks for approved it, who may, and who did not start the run",
  after: "no run begins before those that it comes after have completed with its version, for as long as it says",
  apart: "no two rollouts move a site for one bundle at the same time, and none takes one from a newer one",
  ready: "no site is given what it did not say it is ready for, and the first wave waits for as many as it asks for",
  held: "a site that its people hold starts nothing new, is given nothing new, and is held for no longer than it may be",
  window: "nothing but an emergency or a return is given to a site outside its window",
  evidence: "no site counts as healthy that did not say so of this very version, values and record",
  told: "what a person is told is done is stored",
  oneWave: "no site is in two waves",
  withdrawn: "what a site did not take of a run that stopped is taken off it",
  retryOnce: "what failed at a site is tried once more for a run, and no more than once",
  lapsed:
    "no site starts what it was allowed until earlier, and none that the hub reaches is left with what it may not start any more",
  numbers: "the assignments that a site takes never go backward",
  events: "no acknowledged event is lost",
  stored: "nothing is said that is not stored",
  whole: "a step over what changed decides what a step over everything does",
  oneHub: "two hubs never both act",
  settled: "once faults stop, every run comes to an end that its sites came to",
  heard: "once faults stop, hub and sites know of each other what there is to know",
  noFault: "nothing throws",
} as const;
export type Invariant = keyof typeof INVARIANTS;

export class Violation extends Error {
  readonly invariant: Invariant;
  /** Whose lines of the trace tell the story. */
  readonly about: readonly string[];

  constructor(invariant: Invariant, words: string, about: readonly string[]) {
    super(`${INVARIANTS[invariant]}: ${words}`);
    this.name = "Violation";
    this.invariant = invariant;
    this.about = about;
  }
}
