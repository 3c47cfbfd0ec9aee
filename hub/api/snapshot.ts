import type { Diff } from "../../shared/diff.ts";
import type { Root } from "../../shared/root.ts";
import type { RunVerb } from "../../shared/verbs.ts";
import type { Followed } from "../follow/followed.ts";
import type { Preview } from "../preview/rows.ts";
import type { FleetMember } from "../registry/site.ts";
import type { Person, SeenRollout, StoredEvent } from "../registry/store.ts";
import type { Because } from "../rollout/because.ts";
import type { Offers, WayBack } from "../rollout/offer.ts";
import type { Run } from "../rollout/run.ts";

/** What the API sees of the hub: everything as of the last commit, read at one moment. Nothing in it may be changed. */
export interface Snapshot {
  fleet: string;
  /** The hub's clock, ms. */
  now: number;
  /** The newest root held; null before the first. */
  root: Root | null;
  /** Sites with a verified record, in no order. */
  members: readonly FleetMember[];
  /** Oldest first. */
  runs: readonly SeenRun[];
  rollouts: readonly SeenRollout[];
  /** Versions that the fleet repository has, by bundle and version; empty until it was read. */
  bundles: Followed["bundles"];
}

export interface SeenRun extends Offers {
  run: Run;
  /** What it waits for, as of its last step. */
  because: Because;
  /** Where sites prepare it. */
  preview?: Preview;
}

/** What a person asks of a run. */
export interface Act {
  run: string;
  verb: RunVerb;
  who: string;
  reason: string;
  /** The wave that the person saw open. */
  wave?: string | undefined;
  /** Of `skip`. */
  site?: string | undefined;
}

/** What a person asks of a rollout: its version again. */
export interface Start {
  rollout: string;
  /** The last run that the person saw. */
  last: string;
  who: string;
  reason: string;
}

/** The hub as the API sees it; `hub/loop.ts` is it. */
export interface HubView {
  read(): Snapshot;
  /** Calls back after each commit that changed what `read` gives; returns the end of it. */
  subscribe(onChange: () => void): () => void;
  /** What a run would change at the sites that reported this hash; null where it is not known (yet, or any more). */
  diff(run: string, hash: string): Promise<Diff | null>;
  /** What going back would do, or does; null for a run that there is not. */
  wayBack(run: string): WayBack | null;
  /** Newest first. `before` is a row number for paging. */
  events(query: { site?: string; before?: number; limit: number }): Promise<StoredEvent[]>;
  /** Whose token has this SHA-256; null: nobody's, or nobody's any more. */
  person(hash: string): Promise<Person | null>;
  /** There may be news in the fleet repository. */
  wake(): void;
  /**
   * Resolves with the run once it was stored. Throws `not-found` for an unknown run, `usage` where it cannot take the
   * verb (any more), in words that say what changed, `storage`.
   */
  act(act: Act): Promise<Run>;
  /**
   * Starts a run of the version that the rollout's file names, though nothing changed in it. Throws `not-found`, `usage` where its last run
   * is not over, and what is wrong with the version.
   */
  startAgain(start: Start): Promise<Run>;
}
