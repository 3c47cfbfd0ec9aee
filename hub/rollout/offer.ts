import { legalVerbs, type Verb } from "../../shared/verbs.ts";
import type { Fleet } from "./look.ts";
import { wayBack } from "./return.ts";
import type { Return, Run } from "./run.ts";
import { approvalsFor, openWave, whyNot } from "./verb.ts";

/** What people may ask of a run now. Who shows it decides nothing. */
export interface Offers {
  /** Index of the wave that is open, or that a pause holds; null where none is. */
  open: number | null;
  /** In the order of the table; `not` says why one that the phase would allow cannot be done now, whoever asks. */
  offers: readonly { verb: Verb; not: string | null }[];
}

export function offersOf(run: Run): Offers {
  const offers = legalVerbs(run.phase.kind).map((verb) => {
    const isIdle = verb === "approve" && !asksForApproval(run);
    return { verb, not: isIdle ? "nobody is asked to approve anything now" : whyNot(run, verb) };
  });
  return { open: openWave(run), offers };
}

/** People have to say that the next wave may open. */
function asksForApproval(run: Run): boolean {
  return approvalsFor(run, (openWave(run) ?? -1) + 1).needed > 0;
}

export interface WayBack extends Pick<Return, "left" | "jobs"> {
  /** How many would be sent back. */
  sites: number;
}

/** What a person is told before a run is sent back, or of a return that a commit asked for. */
export function wayBackOf(run: Run, fleet: Fleet): WayBack {
  if (run.back) return { sites: run.sites.size, left: run.plan.left, jobs: run.ran ?? [] };
  const { back, left, jobs } = wayBack(run, fleet, null);
  return { sites: back.length, left, jobs };
}
