import type { ItemFlag } from "../../shared/report.ts";
import type { Outcome } from "../../shared/rollout.ts";
import type { Verb } from "../../shared/verbs.ts";
import type { BundleState, BundleView, Condition, Connection, RunView, SiteView, WaveView } from "../api/contract.ts";
import type { Concern } from "./concerns.ts";

/** What a colour means. None stands alone: each comes with a mark and a word. */
export type Tone = "good" | "moving" | "bad" | "warn" | "away" | "unknown" | "none";

export type MarkName =
  | "check"
  | "arrow"
  | "bang"
  | "cross"
  | "away"
  | "question"
  | "ring"
  | "dot"
  | "clock"
  | "undo"
  | "ahead"
  | "dash"
  | "pause"
  | "eye";

export interface Sign {
  word: string;
  mark: MarkName;
  tone: Tone;
}

/** In the order in which they want attention. */
export const CONDITION = {
  failed: { word: "failed", mark: "cross", tone: "bad" },
  unhealthy: { word: "unhealthy", mark: "bang", tone: "warn" },
  unknown: { word: "unknown", mark: "question", tone: "unknown" },
  offline: { word: "offline", mark: "away", tone: "away" },
  moving: { word: "moving", mark: "arrow", tone: "moving" },
  healthy: { word: "healthy", mark: "check", tone: "good" },
  empty: { word: "empty", mark: "ring", tone: "none" },
  retired: { word: "retired", mark: "dash", tone: "none" },
} as const satisfies Record<Condition, Sign>;

export const CONCERN: Readonly<Record<Concern, Sign>> = {
  barred: { word: "barred", mark: "cross", tone: "bad" },
  withheld: { word: "withheld", mark: "clock", tone: "warn" },
  flagged: { word: "flagged", mark: "bang", tone: "warn" },
  ahead: { word: "ahead", mark: "ahead", tone: "away" },
};

export const CONNECTION: Readonly<Record<Connection, string>> = {
  online: "online",
  offline: "offline",
  unknown: "not known",
  never: "never heard",
};

export const OUTCOME: Readonly<Record<Outcome, Sign>> = {
  pending: { word: "pending", mark: "dot", tone: "none" },
  preparing: { word: "preparing", mark: "arrow", tone: "moving" },
  ready: { word: "ready", mark: "dot", tone: "good" },
  notified: { word: "notified", mark: "arrow", tone: "moving" },
  applying: { word: "applying", mark: "arrow", tone: "moving" },
  verifying: { word: "verifying", mark: "eye", tone: "moving" },
  succeeded: { word: "succeeded", mark: "check", tone: "good" },
  failed: { word: "failed", mark: "cross", tone: "bad" },
  reverted: { word: "reverted", mark: "undo", tone: "bad" },
  timedOut: { word: "timed out", mark: "clock", tone: "bad" },
  offline: { word: "offline", mark: "away", tone: "away" },
  held: { word: "held", mark: "pause", tone: "away" },
  deferred: { word: "deferred", mark: "clock", tone: "away" },
  ahead: { word: "ahead", mark: "ahead", tone: "away" },
  skipped: { word: "skipped", mark: "dash", tone: "away" },
  ineligible: { word: "ineligible", mark: "dash", tone: "away" },
};

/** The columns that a site moves through, left to right. */
export const STAGES: readonly { word: string; outcomes: readonly Outcome[] }[] = [
  { word: "Pending", outcomes: ["pending", "preparing", "ready"] },
  { word: "Notified", outcomes: ["notified"] },
  { word: "Applying", outcomes: ["applying"] },
  { word: "Verifying", outcomes: ["verifying"] },
  { word: "Succeeded", outcomes: ["succeeded"] },
  { word: "Failed", outcomes: ["failed", "reverted", "timedOut"] },
  { word: "Not counted", outcomes: ["offline", "held", "deferred", "ahead", "skipped", "ineligible"] },
];

export const PHASE: Readonly<Record<RunView["phase"], Sign>> = {
  planned: { word: "planned", mark: "ring", tone: "none" },
  preparing: { word: "preparing", mark: "eye", tone: "moving" },
  rolling: { word: "rolling", mark: "arrow", tone: "moving" },
  paused: { word: "paused", mark: "pause", tone: "bad" },
  completed: { word: "completed", mark: "check", tone: "good" },
  reverting: { word: "going back", mark: "undo", tone: "bad" },
  reverted: { word: "went back", mark: "undo", tone: "away" },
  aborted: { word: "aborted", mark: "cross", tone: "away" },
  superseded: { word: "superseded", mark: "ahead", tone: "away" },
};

export const WAVE: Readonly<Record<WaveView["state"], string>> = { waiting: "waits", open: "open", passed: "passed" };

export const VERB: Readonly<Record<Verb, { word: string; means: string }>> = {
  pause: { word: "Pause", means: "Nobody else is given this version until somebody resumes the run." },
  resume: { word: "Resume", means: "The gate is asked again: while the failures stand, the run pauses again at once." },
  approve: {
    word: "Approve",
    means: "As far as you are concerned, the next wave may open once the evidence is there.",
  },
  promote: { word: "Promote", means: "The next wave opens now, whatever the evidence of this one says." },
  skip: { word: "Skip a site", means: "This site is taken out of the run: it gets nothing and counts nowhere." },
  retry: {
    word: "Retry failed",
    means: "The sites that failed are given this version once more; those that were not ready are asked anew.",
  },
  revert: { word: "Revert", means: "Every site that took this version goes back to what it ran before." },
  start: { word: "Start again", means: "A new run moves the sites to this version, as their records are now." },
  abort: { word: "Abort", means: "The run ends here. What sites already took stays; a new commit takes it back." },
};

export const STATE: Readonly<Record<BundleState, string>> = {
  applying: "applying",
  verifying: "verifying",
  committed: "committed",
  reverting: "reverting",
  reverted: "reverted",
  failed: "failed",
  stuck: "stuck",
  none: "not here",
};

/** Why a bundle is not (or not any more) what it should be. */
export function troubleOf({ failed, refused, waitingOn }: BundleView): string[] {
  const named = (entry: { version: string | null; digest: string }) => entry.version ?? entry.digest.slice(0, 8);
  return [
    ...(waitingOn === null ? [] : [waitingOn]),
    ...(failed === null ? [] : [`gave up ${named(failed)}: ${failed.code}`]),
    ...refused.map(
      (entry) => `refuses ${named(entry)}: ${entry.code}${entry.words === null ? "" : `, ${entry.words}`}`,
    ),
  ];
}

export function flagWords(flag: ItemFlag, epoch: number | null): string {
  switch (flag) {
    case "key-left":
      return "signed by a key that left the root; runs on";
    case "epoch":
      return `below the delegation's epoch${epoch === null ? "" : ` ${epoch}`}; runs on`;
    case "no-return":
      return "a phase without return is through: it goes to nothing older by itself";
  }
}

/** Whether the site knows what is newest; null where nothing can be said. What an old report says of it proves nothing. */
export function newsWords({ head, withheld, synced, stale }: SiteView): string | null {
  if (withheld !== null) return `news possibly withheld since ${moment(withheld)}`;
  if (head === null || stale) return null;
  return synced ? `up to date (head ${head})` : `head ${head}; its clock is not sure`;
}

/** `2026-11-02 08:00 UTC`. */
function moment(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
}

export function ago(seconds: number): string {
  return seconds < 2 ? "now" : `${lasting(seconds)} ago`;
}

/** One unit, rounded down. */
export function lasting(seconds: number): string {
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** `1 site`, `3 sites`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
