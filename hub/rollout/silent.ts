import type { PauseReason, Run } from "./run.ts";
import { isOver } from "./share.ts";
import type { Tally } from "./tally.ts";

/**
 * More than `offlineAtMost` of the rollout's sites are silent: nobody can see what a version does to a fleet that is dark.
 * Silent is who did not answer an assignment, who fell silent after it took one, and who the broker says is gone.
 */
export function tooSilent({ spec, sites }: Run, tally: Tally): PauseReason | null {
  const { offlineAtMost } = spec;
  const of = sites.size - tally.count(null, ["ineligible"]);
  if (offlineAtMost === undefined || !isOver(tally.dark, offlineAtMost, of)) return null;
  return { kind: "silent", sites: tally.darkPlaces().map((place) => sites.idAt(place)), of, atMost: offlineAtMost };
}
