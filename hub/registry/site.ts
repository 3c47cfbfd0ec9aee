import type { Labels, Pair } from "../../shared/names.ts";
import type { Report } from "../../shared/report.ts";

/** What the hub knows of one site: folded from its signed messages, and nothing else. Times are the hub's clock, ms. */
export interface Site {
  id: string;
  boot: string | null;
  agent: string | null;
  /** The last signed message of any kind; 0 before the first. */
  heardAt: number;
  presence: "online" | "offline" | "unknown";
  /** The newest report, and when it was committed. */
  report: { body: Report; at: number } | null;
  /** Highest event number committed. */
  event: number;
  /** Why versions are refused there, as the site told it once; of those that its newest report still names. */
  refusals?: readonly Refusal[];
}

export interface Refusal {
  bundle: string;
  /** Short. */
  digest: string;
  words: string;
}

/** A site as the rollout sees it: the signed record, the registry's entry, and what was assigned for one bundle. */
export interface FleetMember {
  id: string;
  labels: Labels;
  record: number;
  /** Patterns of bundles that the record lets this site have. */
  bundles: readonly string[];
  floors: Readonly<Record<string, Pair>>;
  /** By bundle: the variables that the record sets, over any value of the hub's. */
  sets?: Readonly<Record<string, readonly string[]>>;
  /** Why nothing new is given to it, whatever it may have: it is retired, or nobody stands behind its record. */
  barred?: string;
  /** Its record says so: it runs on what it has. */
  retired?: true;
  site: Site;
  /** By bundle: what the current assignment set says, and the set that introduced it. */
  assigned: Readonly<Record<string, Assigned>>;
  /** By bundle: what the current set has it prepare; left out where that is nothing. */
  prepares?: Readonly<Record<string, Prepares>>;
}

/** The run says what is prepared; the number of the record, with what. */
export interface Prepares {
  run: string;
  record: number;
  /** Also where it failed there before. */
  retry?: true;
}

export interface Assigned {
  run: string;
  digest: string;
  /** Hash. */
  values: string;
  /** Number of the site record that it is rendered with. */
  record: number;
  introduced: readonly [term: number, number: number];
  /** When that set was stored at the hub, ms. */
  at: number;
  /** The set since which nothing of it may begin; left out while it may. */
  ended?: readonly [term: number, number: number];
}
