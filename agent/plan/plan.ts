import type { Bundle } from "../../shared/bundle.ts";
import type { Verdict } from "../../shared/health.ts";
import {
  type Fingerprint,
  type KubeObject,
  type LiveView,
  nameOf,
  type ObjectRef,
  unseenBecause,
} from "../../shared/live.ts";
import type { Overlooked } from "../../shared/render/overlook.ts";
import type { RenderedBundle } from "../../shared/render/render.ts";
import type { Opened } from "../../shared/render/sealed.ts";
import type { InventoryRow, JobRecord } from "../cache/cache.ts";
import { applyStep, driftedOf } from "./apply-step.ts";
import { type Beside, besides } from "./beside.ts";
import type { Others } from "./claims.ts";
import { hasPlace, jobStep } from "./jobs.ts";
import { needsOf } from "./needs.ts";
import { isFoundation, isJob } from "./order.ts";
import { type Found, type Phase, phasesOf, wordsOf } from "./phases.ts";
import { prune } from "./prune.ts";

/** What shall be done to a cluster, in order, as data: the executor has no choices left. */
export interface ApplyPlan {
  readonly bundle: string;
  readonly digest: string;
  /** Stage by stage; within one in any order. */
  readonly steps: readonly Step[];
  /** What is not done now, and why. Done steps and waiting ones together are the whole way to the desired state. */
  readonly waitingOn: readonly Waiting[];
  /** The last phase without return that is through. */
  readonly passed: string | null;
  /** What is wrong for good with something that a later phase waits for. */
  readonly failed: string | null;
  /** Objects that are not as they were applied: put right by these steps, later, or left so, with the words why. */
  readonly drifted: readonly { readonly object: string; readonly words: string }[];
}

export type Step =
  | {
      readonly do: "apply";
      readonly stage: number;
      readonly ref: ObjectRef;
      readonly object: KubeObject;
      /** To apply in place of `object`. */
      readonly opened?: Opened;
      readonly hash: string;
      readonly because: "absent" | "changed" | "drift" | "unsettled";
      /** It is there, and what others have of it decides what is sent: it is read first. */
      readonly look?: true;
      /** May be deleted and made anew where a field of it cannot change. */
      readonly recreate?: true;
      /** Parts whose change is no drift. */
      readonly overlooked?: Overlooked;
    }
  /** It is not as it was applied, and stays so: what differs is read and told. */
  | {
      readonly do: "look";
      readonly stage: number;
      readonly ref: ObjectRef;
      readonly object: KubeObject;
      readonly opened?: Opened;
      readonly hash: string;
      readonly overlooked?: Overlooked;
    }
  /** A Job, which is on record as begun before it is sent. */
  | {
      readonly do: "start";
      readonly stage: number;
      readonly ref: ObjectRef;
      readonly object: KubeObject;
      readonly hash: string;
    }
  /** How a Job ended goes on record. */
  | { readonly do: "finish"; readonly stage: number; readonly ref: ObjectRef; readonly result: "complete" | "failed" }
  | {
      readonly do: "delete";
      readonly stage: number;
      readonly ref: ObjectRef;
      readonly uid: string;
      /** It left the bundle; a Job whose end is on record; one of an older version, in the place of the one to start. */
      readonly because: "pruned" | "finished" | "predecessor";
    }
  /** Only the inventory has to learn it. `gone`: what was applied is there no more, as after a kill before the answer was stored. */
  | { readonly do: "forget"; readonly stage: number; readonly ref: ObjectRef; readonly gone: boolean };

export interface Waiting {
  readonly on:
    | "watch"
    | "backoff"
    | "deletion"
    | "apply"
    | "breaker"
    | "protected" // stays on purpose, for good or until somebody says so
    | "handover" // stays, for another bundle is about to take it
    | "taken" // another bundle has it
    | "order" // what it needs, or what goes before it, is not there yet
    | "phase" // a phase before its own is not through
    | "job"; // only a person can tell what became of it
  readonly object: string;
  readonly words: string;
}

/** Waiting for these, all is applied that should be. */
export const AT_REST: ReadonlySet<Waiting["on"]> = new Set(["protected", "handover"]);

export interface PlanInput {
  desired: RenderedBundle;
  live: LiveView;
  inventory: readonly InventoryRow[];
  /** Of every desired object, in their order, with its name. */
  health: readonly (readonly [string, Verdict])[];
  /** A move is under way. At rest, what cannot be seen is taken to be as it was, and keeps nobody. */
  moves: boolean;
  /** In order. None where nothing moves: drift is put right whatever is not healthy. */
  phases: readonly Phase[];
  /** Whether the move runs Jobs, and those that it or an earlier one ran. */
  jobs: { run: boolean; records: readonly JobRecord[] };
  /** The other bundles of the site. */
  others: Others;
  /** Objects whose last try failed, by name: not before this monotonic time (ms), with the words why. */
  backoff: ReadonlyMap<string, { until: number; words: string }>;
  /** Objects that are left as others made them, by name. */
  left: ReadonlyMap<string, Left>;
  /** Share of the inventory (0 to 1) that one plan may delete. 1 where the site returns to what it had. */
  pruneShare: number;
  /** Namespaces, claims, volumes and definitions that may be deleted. */
  allow: NonNullable<Bundle["prune"]["allow"]>;
  /** The version takes its bundle away: only then may all of it be deleted because nothing is desired. */
  removes: boolean;
  /** Monotonic, ms. */
  now: number;
}

/** How an object is left that others changed, until it is another or this monotonic time (ms) comes. */
export interface Left extends Fingerprint {
  until: number;
  words: string;
}

export function plan(input: PlanInput): ApplyPlan {
  const { bundle, digest } = input.desired;
  const rows = new Map(input.inventory.map((row) => [nameOf(row.object), row]));
  const all = besides(input, rows);
  const found: Found = all.map((beside) =>
    isJob(beside.wanted.ref) ? jobStep(beside, input) : applyStep(beside, input),
  );
  const phases = phasesOf(input, all, found);
  const early = tooEarly(input, all, found);
  const steps: Step[] = [];
  const waitingOn: Waiting[] = [];
  for (const [index, own] of found.entries()) {
    if (own === null) continue;
    const isGated = "do" in own && own.do !== "finish";
    const waits = isGated ? (early(index) ?? waitingFor("phase", own.ref, phases.waits(index))) : null;
    if (waits !== null) waitingOn.push(waits);
    else if ("do" in own) steps.push(own);
    else waitingOn.push(own);
  }
  for (const { wanted, name } of all) if (!isJob(wanted.ref) || hasPlace(wanted, input)) rows.delete(name);
  const leaving = prune(input, rows);
  if (steps.length === 0 && waitingOn.length === 0) {
    steps.push(...leaving.steps);
    waitingOn.push(...leaving.waitingOn);
  } else {
    // What a version given up has begun must not go on beside what comes back.
    const jobs = leaving.steps.filter(({ ref }) => isJob(ref));
    steps.push(...jobs);
    const later = leaving.steps.length - jobs.length;
    if (later > 0)
      waitingOn.push({ on: "apply", object: "", words: `${later} objects leave once the others are applied` });
  }
  const ordered = steps.toSorted((a, b) => a.stage - b.stage);
  const drifted = all.flatMap((beside) => driftedOf(beside, input) ?? []);
  return { bundle, digest, steps: ordered, waitingOn, passed: phases.passed, failed: phases.failed, drifted };
}

function waitingFor(on: Waiting["on"], ref: ObjectRef, words: string | null): Waiting | null {
  return words === null ? null : { on, object: nameOf(ref), words };
}

/** By the order that holds in any case: namespaces and definitions that are on their way come before all, whatever needs one waits for that. */
function tooEarly(input: PlanInput, all: readonly Beside[], found: Found): (index: number) => Waiting | null {
  const needs = needsOf(input.desired);
  const isThrough = (index: number) => {
    const { wanted, verdict } = all[index] as Beside;
    const isTaken = !input.moves && unseenBecause(input.live, wanted.ref) !== undefined;
    return found[index] === null && (isTaken || verdict.health === "healthy");
  };
  // One that cannot come now keeps only those who need it.
  const coming = all.findIndex(({ wanted, verdict }, index) => {
    const own = found[index];
    if (!isFoundation(wanted.ref) || isThrough(index)) return false;
    return own === null ? verdict.health === "progressing" : own !== undefined && "do" in own;
  });
  return (index) => {
    const { wanted } = all[index] as Beside;
    if (isFoundation(wanted.ref)) return null;
    const lacks = needs(wanted).find((need) => need !== index && !isThrough(need));
    const before = lacks ?? (coming === -1 ? undefined : coming);
    return before === undefined ? null : waitingFor("order", wanted.ref, `comes after ${wordsOf(before, all, found)}`);
  };
}
