import type { ErrorCode } from "../../shared/errors.ts";
import { sameState } from "./hold.ts";
import { obstacle, type Site } from "./may-start.ts";
import type { StayReason } from "./stay.ts";
import type { Wanted } from "./wanted.ts";

/** What was found when a state was last rehearsed, as far as it decides what comes next. */
export interface Rehearsed {
  digest: string;
  values: string;
  record: number;
  /** Of all in the cluster that it was compared with. */
  basis: string;
  /** Wall clock, ms. */
  at: number;
  ready: boolean;
}

export interface PrepareInput extends Site {
  /** What is to be prepared; judged as if it were to start. */
  wanted: Wanted;
  /** Why its content was refused when it was fetched; null where it was not. */
  refused: { code: ErrorCode; words: string } | null;
  last: Rehearsed | null;
  /** Of what the cluster is now; null where that is not seen yet. */
  basis: string | null;
  /** The host's clock, ms. */
  now: number;
  /** The last rehearsal is so fresh that another may not begin, whatever changed. */
  resting: boolean;
}

export type Preparation =
  /** Ask the cluster, changing nothing. */
  | { do: "rehearse"; because: "new" | "changed" | "old" }
  /** What was found stands: until then (wall clock, ms), where nothing changes. */
  | { do: "keep"; until: number | null }
  /** It could not start: nothing needs to be asked. `until`: wall clock, ms, when time alone ends it. */
  | { do: "refuse"; code: ErrorCode; words: string; until: number | null }
  /** Nothing can be said yet. */
  | { do: "wait"; because: StayReason | "unseen" | "resting"; until: number | null };

/** What is not watched (webhooks, rights, objects of others, images) is asked for anew after this: sooner where something is amiss. */
const OLD_AFTER_MS = { ready: 3_600_000, not: 300_000 } as const;

export function preparation(input: PrepareInput): Preparation {
  const { wanted, refused, last, hold, basis } = input;
  const known = last !== null && sameState(last, wanted) ? last : null;
  const failed = hold?.failed.find((entry) => sameState(entry, wanted));
  if (failed !== undefined && !(wanted.retry && failed.retried !== wanted.run)) {
    return { do: "refuse", code: failed.code, words: "it failed here before, and nobody says retry", until: null };
  }
  const runs = hold !== null && sameState(hold.running, wanted);
  const stay = runs ? null : obstacle(wanted, input);
  if (stay !== null) {
    const { because, words, until } = stay;
    if (because === "not-on-disk" && refused !== null) return { do: "refuse", ...refused, until };
    // A set that ran out starts nothing new, and takes nothing back of what was found.
    if (known !== null && (because === "expired" || because === "no-clock")) return keep(null);
    const code = stay.code ?? (because === "ahead" ? "rollback" : null);
    // It passes by itself, and says nothing of the state.
    if (code === null) return { do: "wait", because, until };
    return { do: "refuse", code, words: `${because}: ${words}`, until };
  }
  // While the bundle moves, nothing that is found would hold for long.
  if (hold !== null && MOVING.has(hold.state)) return known === null ? wait("moving") : keep(null);
  if (basis === null) return known === null ? wait("unseen") : keep(null);
  if (known === null) return input.resting ? wait("resting") : { do: "rehearse", because: "new" };
  const lasts = OLD_AFTER_MS[known.ready ? "ready" : "not"];
  const because = known.basis !== basis ? "changed" : Math.abs(input.now - known.at) >= lasts ? "old" : null;
  if (because === null) return keep(known.at + lasts);
  // Whoever knows of the rest looks again when it is over.
  return input.resting ? keep(null) : { do: "rehearse", because };
}

const MOVING: ReadonlySet<string> = new Set(["applying", "verifying", "reverting"]);

function keep(until: number | null): Preparation {
  return { do: "keep", until };
}

function wait(because: "moving" | "unseen" | "resting"): Preparation {
  return { do: "wait", because, until: null };
}
