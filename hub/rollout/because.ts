import { assertNever } from "../../shared/errors.ts";
import type { Ahead } from "./queue.ts";
import type { Failure, PauseReason, RanJob } from "./run.ts";

/** So many sites, and the first few of them by the order of the plan. The run itself names them all. */
export interface Some {
  count: number;
  first: readonly Failure[];
}

/** Who is not there yet. */
export interface Waiting extends Away {
  wave: string;
  healthy: number;
  /** Counted sites of the wave. */
  of: number;
  waitingFor: Some;
}

/** Not counted now. */
export interface Away {
  offline: Some;
  held: Some;
  deferred: Some;
}

/** What the run stands at, and what it waits for. The UI shows these values; it never parses the words. */
export type Because =
  /** Before the first wave: fewer than `needed` sites are ready. */
  | ({ kind: "preparing"; ready: number; of: number; needed: number; waitingFor: Some; notReady: Some } & Away)
  /** Fewer than `needed` sites are healthy. */
  | ({ kind: "moving"; needed: number } & Waiting)
  /** Enough are healthy; the `needed` best have been so for `shortestSeconds` of `soakSeconds`. */
  | ({ kind: "soaking"; needed: number; shortestSeconds: number; soakSeconds: number } & Waiting)
  /** Too few sites of the wave (null: of the rollout, before the first wave) are there to be judged. */
  | ({ kind: "quorum"; wave: string | null; counted: number; of: number; needed: number } & Away)
  /** The evidence is there; `given` approved, and `needed` people have to. Nobody counts who started the run. */
  | { kind: "approval"; wave: string | null; given: readonly string[]; needed: number; notBy: string | null }
  /** It comes after another rollout, which completed `forSeconds` ago with this very target; null: it has not. */
  | { kind: "after"; rollout: string; forSeconds: number | null; soakSeconds: number }
  /** Another rollout moves sites of this one for the same bundle, and goes first. */
  | ({ kind: "queued" } & Ahead)
  | { kind: "paused"; why: PauseReason }
  /** Sites that are behind still get the target when they return. */
  | { kind: "completed"; healthy: number; of: number; behind: Some }
  /** `back` of the `of` sites that took the version run again what they ran before. `left` may not return; what `jobs` did stays done. */
  | {
      kind: "reverting" | "reverted";
      why: PauseReason;
      back: number;
      of: number;
      behind: Some;
      left: readonly string[];
      jobs: readonly RanJob[];
    }
  | { kind: "aborted"; who: string; reason: string }
  | { kind: "superseded"; by: string };

/** One line for a person: `canary: 3 of 4 healthy for 6 of 10 s; waiting for s-2 (applying)`. */
export function inWordsBecause(because: Because): string {
  switch (because.kind) {
    case "preparing": {
      const { ready, of, waitingFor, notReady } = because;
      const not = listed("not ready", reasons(notReady.first), notReady.count);
      return `${ready} of ${of} ready${least(because)}${some("waiting for", waitingFor)}${not}${away(because)}`;
    }
    case "moving":
      return `${because.wave}: ${because.healthy} of ${because.of} healthy${least(because)}${others(because)}`;
    case "soaking": {
      const held = inUnit(because.shortestSeconds, because.soakSeconds);
      return `${because.wave}: ${because.healthy} of ${because.of} healthy for ${held}${others(because)}`;
    }
    case "quorum": {
      const { wave, counted, of, needed } = because;
      return `${before(wave)}: ${counted} of ${of} sites can be judged, ${needed} needed${away(because)}`;
    }
    case "approval": {
      const { wave, given, needed, notBy } = because;
      const but = notBy === null ? "" : `, not ${notBy}`;
      const so = `${given.length} of ${needed} people approved${but}${listed("approved by", given)}`;
      return `${before(wave)}: ${so}`;
    }
    case "after": {
      const { rollout, forSeconds, soakSeconds } = because;
      if (forSeconds === null) return `waits until ${rollout} has completed with this version`;
      return `${rollout} has completed for ${inUnit(forSeconds, soakSeconds)}`;
    }
    case "queued": {
      const { run, rollout, site, sites } = because;
      const who = sites === 1 ? site : `${site} and ${sites - 1} more`;
      return `waits for ${run} of the rollout ${rollout}, which moves ${who}, too`;
    }
    case "reverting":
    case "reverted": {
      const { kind, why, back, of, behind, left, jobs } = because;
      const who = some("not yet", behind) + listed("may not return:", left) + inWordsJobs(jobs);
      return `${kind}: ${back} of ${of} back on what they ran before${who}; ${inWordsPause(why)}`;
    }
    case "paused":
      return `paused: ${inWordsPause(because.why)}`;
    case "completed": {
      const { healthy, of, behind } = because;
      return `completed: ${healthy} of ${of} healthy${some("not there yet", behind)}`;
    }
    case "aborted":
      return `aborted by ${because.who}: ${because.reason}`;
    case "superseded":
      return `superseded by ${because.by}`;
    default:
      return assertNever(because);
  }
}

/** Empty where none ran. */
export function inWordsJobs(jobs: readonly RanJob[]): string {
  return listed(
    "not undone:",
    jobs.map(({ job, sites }) => `Job ${job}${sites === 1 ? "" : ` (${sites} sites)`}`),
  );
}

export function inWordsPause(why: PauseReason): string {
  switch (why.kind) {
    case "failures":
      return `${why.wave}: ${why.failed.length} of ${why.ended} failed, over ${why.over}${listed("", names(why.failed))}`;
    case "cannotPass": {
      const hope = why.counted - why.failed.length;
      const numbers = `at most ${hope} of ${why.counted} can become healthy, ${why.needed} needed`;
      return `${why.wave}: ${numbers}${listed("failed", names(why.failed))}`;
    }
    case "notReady": {
      const hope = why.counted - why.failed.length;
      return `at most ${hope} of ${why.counted} can be ready, ${why.needed} needed${listed("not ready", reasons(why.failed))}`;
    }
    case "nobody":
      return `${before(why.wave)}: none of its ${why.sites} sites can be judged, all are ahead, skipped or ineligible`;
    case "silent":
      return `${why.sites.length} of ${why.of} sites are silent, over ${why.atMost}${listed("", why.sites)}`;
    case "person":
      return `by ${why.who}: ${why.reason}`;
    case "file":
      return why.words;
    default:
      return assertNever(why);
  }
}

function before(wave: string | null): string {
  return wave ?? "before the start";
}

function least({ needed, of }: { needed: number; of: number }): string {
  return needed === of ? "" : `, ${needed} needed`;
}

function others(waiting: Waiting): string {
  return some("waiting for", waiting.waitingFor) + away(waiting);
}

function away({ offline, held, deferred }: Away): string {
  return bare("offline", offline) + bare("held", held) + bare("deferred", deferred);
}

function some(what: string, { count, first }: Some): string {
  return listed(
    what,
    first.map(({ site, outcome }) => `${site} (${outcome})`),
    count,
  );
}

function bare(what: string, { count, first }: Some): string {
  return listed(
    what,
    first.map(({ site }) => site),
    count,
  );
}

function reasons(notReady: readonly Failure[]): string[] {
  return notReady.map(({ site, code }) => `${site} (${code})`);
}

function names(failed: readonly Failure[]): string[] {
  return failed.map(({ site, outcome, code }) => `${site} (${code === null ? outcome : `${outcome}, ${code}`})`);
}

const SHOWN = 3;

function listed(what: string, items: readonly string[], count: number = items.length): string {
  if (count === 0) return "";
  const more = count > SHOWN ? ` and ${count - SHOWN} more` : "";
  return `; ${what}${what === "" ? "" : " "}${items.slice(0, SHOWN).join(", ")}${more}`;
}

/** Both in the unit that suits the longer one, rounded down: soaking is over when it is over. */
function inUnit(seconds: number, of: number): string {
  const [unit, size] = of < 120 ? ["s", 1] : of < 7200 ? ["min", 60] : ["h", 3600];
  return `${Math.floor(seconds / size)} of ${Math.floor((of / size) * 10) / 10} ${unit}`;
}
