import type { ErrorCode } from "../../shared/errors.ts";
import type { Pair } from "../../shared/names.ts";
import type { ItemState } from "../../shared/report.ts";

/** How a site is, for the person who stands there: on the page, by `skerry-agent status`, and as data. Without any network. */
export interface Status {
  fleet: string;
  site: string;
  /** Version of the agent that says this. */
  agent: string;
  /** When it said so; RFC 3339, by the site's own clock. */
  at: string;
  /** null where no agent runs: then this is what lies on its disk. */
  running: { since: string; synced: boolean } | null;
  /** null where the site takes what it wants and asks nobody, or no root is here yet. `heardAt`: by the clock as it was then. */
  hub: { url: string; connected: boolean; heardAt: string | null } | null;
  /** Numbers held; null before the first. */
  root: number | null;
  record: number | null;
  head: number | null;
  retired: boolean;
  /** Since when news may be kept from this site. */
  withheld: string | null;
  /** `(term, number)` of the orders in force. */
  assignment: readonly [number, number] | null;
  held: HeldStatus | null;
  sources: readonly { address: string; state: "well" | "unreachable" | "set-aside" }[];
  /** When one of them was last read to its end; null: not since this start. */
  sourcedAt: string | null;
  /** Events that no hub has confirmed. */
  outbox: number;
  bundles: readonly BundleStatus[];
  refusals: readonly { bundle: string; code: ErrorCode; words: string; at: string }[];
}

export interface HeldStatus {
  words: string;
  heldForSeconds: number;
  /** Until it ends by itself, as far as what runs here allows. */
  leftSeconds: number;
}

export interface BundleStatus {
  bundle: string;
  /** Of what runs, or is being moved to; null where nothing does. */
  version: string | null;
  state: ItemState | "absent";
  since: string | null;
  /** null where nobody looks. */
  objects: { total: number; healthy: number; drifted: number } | null;
  /** What it should be, where that is another version. */
  wanted: string | null;
  /** Why it is not as it should be. */
  waitingOn: string | null;
  committed: string | null;
  previous: string | null;
  failed: readonly { version: string; code: ErrorCode }[];
  /** Highest committed pair, highest committed floor. */
  marks: { pair: Pair; floor: Pair } | null;
}

/** What a person should know first, and how grave it is. */
export interface Verdict {
  tone: "good" | "moving" | "held" | "warn" | "bad";
  words: string;
}

export function verdictOf({ running, held, bundles }: Status): Verdict {
  const bad = bundles.find(({ state }) => state === "failed" || state === "stuck");
  if (running === null) return { tone: "bad", words: "No agent runs here" };
  if (bad !== undefined) return { tone: "bad", words: `${bad.bundle} ${bad.version} is ${bad.state}` };
  const sick = bundles.find(({ objects, state }) => isSettled(state) && objects !== null && !isWhole(objects));
  if (sick !== undefined) return { tone: "warn", words: `${sick.bundle} ${sick.version} is not healthy` };
  const moving = bundles.find(({ state }) => !isSettled(state) && state !== "absent");
  if (moving !== undefined) {
    return { tone: "moving", words: `${moving.bundle} is ${moving.state} ${moving.version}` };
  }
  if (held !== null) return { tone: "held", words: "Held: nothing new starts" };
  const waiting = bundles.find(({ waitingOn }) => waitingOn !== null);
  if (waiting !== undefined) return { tone: "warn", words: `${waiting.bundle} waits` };
  return bundles.length === 0
    ? { tone: "warn", words: "Nothing runs here yet" }
    : { tone: "good", words: "All is well" };
}

/** Whether there is nothing left that this site could do by itself now. */
export function isAtRest({ running, bundles }: Status): boolean {
  return (
    running !== null &&
    bundles.every(({ state, objects, waitingOn }) => isSettled(state) && waitingOn === null && isWhole(objects))
  );
}

/** Whether something failed here, and nothing but another version or a person changes that. */
export function hasFailed({ bundles }: Status): boolean {
  return bundles.some(
    ({ state, waitingOn }) =>
      state === "failed" || state === "stuck" || waitingOn?.startsWith("failed-before") === true,
  );
}

function isSettled(state: BundleStatus["state"]): boolean {
  return state === "committed" || state === "reverted" || state === "failed" || state === "stuck";
}

function isWhole(objects: BundleStatus["objects"]): boolean {
  return objects !== null && objects.healthy === objects.total && objects.drifted === 0;
}

/** Words that others wrote, without what changes how a terminal or a page shows the rest. */
export function shown(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, " ");
}

/** `2 h 5 min`, `40 s`. */
export function spanOf(seconds: number): string {
  const [minutes, hours, days] = [seconds / 60, seconds / 3600, seconds / 86_400].map(Math.floor) as [
    number,
    number,
    number,
  ];
  if (days > 1) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
}
