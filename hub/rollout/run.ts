import type { Pair } from "../../shared/names.ts";
import type { Rollout } from "../../shared/rollout.ts";

/** One execution of a rollout. Plain data: it is stored whole and compared in golden files. Times are ms of the hub's clock. */
export interface Run {
  id: string;
  rollout: string;
  commit: string;
  /** The file as it was when the run was planned. */
  spec: Rollout;
  target: Target;
  plan: Plan;
  startedAt: number;
  phase: Phase;
  /** By site id; every site of the plan has one. */
  sites: Readonly<Record<string, SiteProgress>>;
  /** True where the target's pair is below what the file named before: a return. */
  back: boolean;
}

export interface Target {
  bundle: string;
  version: string;
  digest: string;
  pair: Pair;
  floor: Pair;
}

/** Frozen at the start. Each site is in exactly one wave, or named in `left` with why it is in none. */
export interface Plan {
  seed: string;
  waves: readonly { name: string; sites: readonly string[] }[];
  left: readonly { site: string; why: string }[];
}

export const OUTCOMES = [
  "pending",
  "preparing",
  "ready",
  "notified",
  "applying",
  "verifying",
  "succeeded",
  "failed",
  "reverted",
  "timedOut",
  "offline",
  "held",
  "deferred",
  "ahead",
  "skipped",
  "ineligible",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface SiteProgress {
  outcome: Outcome;
  /** When this outcome was entered. */
  since: number;
  /** When the site was first given the assignment; null before. */
  assignedAt: number | null;
  /** A closed code where there is one, for failures and ineligibility. */
  code: string | null;
}

export type Phase =
  | { kind: "planned" }
  | { kind: "rolling"; wave: number; step: "opening" | "soaking" | "gating"; since: number }
  | { kind: "paused"; because: PauseReason; resume: { wave: number }; since: number }
  | { kind: "completed"; at: number }
  | { kind: "aborted"; at: number }
  | { kind: "superseded"; by: string; at: number };

/** Why a run stands still until a person or a commit acts. Typed, because the UI shows it without parsing prose. */
export type PauseReason =
  | {
      kind: "gate";
      wave: string;
      failed: readonly { site: string; outcome: Outcome; code: string | null }[];
      counted: number;
      needed: number;
    }
  | { kind: "person"; who: string; reason: string }
  | { kind: "file"; words: string };
