import type { ErrorCode } from "../../shared/errors.ts";
import type { Pair, Values } from "../../shared/names.ts";
import type { Outcome, Rollout } from "../../shared/rollout.ts";
import type { RunVerb } from "../../shared/verbs.ts";
import type { Ahead } from "./queue.ts";
import type { Sites } from "./sites.ts";

/** One execution of a rollout. Plain data, but for the sites: what it is without them is stored whole. Times are ms of the hub's clock. */
export interface Run {
  /** A DNS label, as assignments carry it. */
  id: string;
  rollout: string;
  commit: string;
  /** The file as it was when the run was planned. */
  spec: Rollout;
  target: Target;
  plan: Plan;
  startedAt: number;
  /** When it had waited for whatever it waits for, and asked sites to get ready or opened its first wave; left out before. */
  begunAt?: number;
  phase: Phase;
  /** Every site of the plan, and those that joined since. */
  sites: Sites;
  /** True where the target's pair is below what the file named before: a return. */
  back: boolean;
  /** Whose order it is; left out where that is not known. */
  startedBy?: string;
  /** Why, where a person started it and no commit. */
  reason?: string;
  /** What people said to let waves open. */
  approvals?: readonly Approval[];
  /** Of a return: what sites ran that does not go back. Left out where that is nothing. */
  ran?: readonly RanJob[];
  /** Targets of other runs of the bundle, as known at the start: what sites may be sent back to. */
  known?: readonly Target[];
  /** When assignments were given in the last minute; kept where the pace is limited by the minute. */
  given?: readonly number[];
  /** Where it stands in line among rollouts that meet: a moment; left out: its start. */
  place?: number;
  /** Whom it has to let go first, before it begins; left out or null: nobody. */
  behind?: Ahead | null;
  /** By rollout that this one comes after: when it completed with this very target. */
  promoted?: Readonly<Record<string, number>>;
}

export interface Approval {
  /** Index of the wave that it lets open; one past the last lets the run complete. */
  opens: number;
  who: string;
  reason: string;
  at: number;
}

/** A version with the values that the hub sets for it: what a run moves sites to, or back to. */
export interface Target {
  bundle: string;
  version: string;
  digest: string;
  pair: Pair;
  floor: Pair;
  /** As the file gives them. */
  given: Values;
  /** Their hash. */
  values: string;
}

/** Frozen at the start. Each selected site is in exactly one wave, or named in `left` with why it is in none. */
export interface Plan {
  seed: string;
  waves: readonly PlannedWave[];
  left: readonly Left[];
  /** Sites that the labels of more than one wave match: the first of these waves has it. */
  doubly: readonly { site: string; waves: readonly string[] }[];
  /** Sites where the values of their own record count, by variable; left out where there are none. */
  own?: readonly { site: string; names: readonly string[] }[];
}

/** With what its gate asks, so that the implicit last wave is one like the others. */
export interface PlannedWave {
  name: string;
  /** In the order of the seed. */
  sites: readonly string[];
  soakSeconds: number;
  /** A percentage, as in the file. */
  success: string;
}

/** A site that was selected and may not have the target. */
export interface Left {
  site: string;
  /**
   * `record`: its signed record does not list the bundle. `floor`: it may not go so far back. `not-found`: what it ran before is
   * not known here.
   */
  code: "record" | "floor" | "not-found";
  /** For a person. */
  why: string;
}

export interface SiteProgress {
  /** Index into the plan's waves. */
  wave: number;
  outcome: Outcome;
  /** When this outcome was entered. */
  since: number;
  /** When this run gave it the assignment; null before, and again once it was withdrawn. */
  assignedAt: number | null;
  /** When it counts as timed out, while it is on its way. */
  dueAt: number | null;
  /** For failures and ineligibility. */
  code: ErrorCode | null;
  /** When a person had it tried once more. */
  retriedAt?: number;
  /** When a person had it asked once more whether it can run the version, which it had said it cannot. */
  askedAgain?: number;
  /** It said, or did not say in time, that it cannot run the version: why it is ineligible. */
  notReady?: true;
  /** Where the run that goes back sends it: an index into `known`; null where it may not return. */
  returnTo?: number | null;
}

export type Phase =
  | { kind: "planned" }
  | { kind: "preparing"; since: number }
  | { kind: "rolling"; wave: number; step: "opening" | "soaking" | "gating"; since: number }
  | { kind: "paused"; because: PauseReason; resume: Resume; since: number }
  | ({ kind: "reverting"; since: number } & Return)
  | ({ kind: "reverted"; at: number } & Return)
  | { kind: "completed"; at: number }
  | { kind: "aborted"; who: string; reason: string; at: number }
  | { kind: "superseded"; by: string; at: number };

/** Where a resume goes on: `before` says that no wave had opened yet. */
export interface Resume {
  wave: number;
  before?: "planned" | "preparing";
}

/** `wave` is the wave whose sites go back; null: all of them. */
export interface Return {
  wave: number | null;
  because: PauseReason;
  /** Who took the version and may not go back to what it ran before. */
  left: readonly Left[];
  /** What they ran that does not go back with it. */
  jobs: readonly RanJob[];
}

/** As sites name it, with its version and how it ended; and at how many of them. */
export interface RanJob {
  job: string;
  sites: number;
}

export interface Failure {
  site: string;
  outcome: Outcome;
  code: ErrorCode | null;
}

/** Why a run stands still until a person or a commit acts. Typed, because the UI shows it without parsing prose. */
export type PauseReason =
  /** More than `over` of the `ended` sites of the wave failed; the wave may be an earlier one. */
  | { kind: "failures"; wave: string; failed: readonly Failure[]; ended: number; over: string }
  /** Even if all others succeed, fewer than `needed` of the `counted` sites will be healthy. */
  | { kind: "cannotPass"; wave: string; failed: readonly Failure[]; counted: number; needed: number }
  /** Before the first wave: even if all others are, fewer than `needed` of the `counted` sites will be ready. */
  | { kind: "notReady"; failed: readonly Failure[]; counted: number; needed: number }
  /** No site of the wave (null: of the rollout) can ever count: all are ahead, skipped or ineligible. There is nothing to judge by. */
  | { kind: "nobody"; wave: string | null; sites: number }
  | { kind: "silent"; sites: readonly string[]; of: number; atMost: string }
  | { kind: "person"; who: string; reason: string }
  /** The rollout's file is broken or gone. */
  | { kind: "file"; words: string };

/** What happened to the run since the last step. One that its phase does not allow changes nothing. */
export type Input =
  | Act
  | { kind: "file"; words: string }
  | { kind: "superseded"; by: string }
  /** Who is before it in line changed. */
  | { kind: "queue"; behind: Ahead | null }
  /** A rollout that this one comes after has completed with this very target. */
  | { kind: "promoted"; rollout: string; at: number };

/** What a person asks of a run. `wave` is the wave that the person saw open: one that moved on meanwhile is refused. */
export type Act = { who: string; reason: string; wave?: string } & (
  | { kind: Exclude<RunVerb, "skip"> }
  | { kind: "skip"; site: string }
);

/**
 * What shall be done, after the run was stored and before anything is published. Assignments and withdrawals are
 * level-triggered: they are repeated until the fleet shows them. Notices come once.
 */
export type Effect =
  /** Give the site this target. `retry`: once more, though it was given and failed. */
  | { kind: "assign"; run: string; site: string; bundle: string; target: Target; back: boolean; retry?: true }
  /** The site did not take this run's assignment, and shall not any more. */
  | { kind: "withdraw"; run: string; site: string; bundle: string }
  /** The site took it, and is not known to have settled on it: what is under way goes on, and nothing of it begins any more. */
  | { kind: "end"; run: string; site: string; bundle: string }
  /** The site shall get ready for the target, or need not any more. */
  | { kind: "prepare"; run: string; site: string; bundle: string; target: Target; retry?: true }
  | { kind: "unprepare"; run: string; site: string; bundle: string }
  | { kind: "notice"; words: string; site: string | null; code: ErrorCode | null };
