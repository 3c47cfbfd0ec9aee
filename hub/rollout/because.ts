import { assertNever } from "../../shared/errors.ts";
import type { Outcome } from "../../shared/rollout.ts";
import type { Failure, PauseReason } from "./run.ts";

/** Who is not there yet. Lists are whole; who shows them shortens them. */
export interface Waiting {
  wave: string;
  healthy: number;
  /** Counted sites of the wave. */
  of: number;
  waitingFor: readonly { site: string; outcome: Outcome }[];
  offline: readonly string[];
}

/** What the run stands at, and what it waits for. The UI shows these values; it never parses the words. */
export type Because =
  /** Fewer than `needed` sites are healthy. */
  | ({ kind: "moving"; needed: number } & Waiting)
  /** Enough are healthy; the `needed` best have been so for `shortestSeconds` of `soakSeconds`. */
  | ({ kind: "soaking"; needed: number; shortestSeconds: number; soakSeconds: number } & Waiting)
  /** Too few sites of the wave are there to be judged. */
  | { kind: "quorum"; wave: string; counted: number; of: number; needed: number; offline: readonly string[] }
  | { kind: "paused"; why: PauseReason }
  /** Sites that are behind still get the target when they return. */
  | { kind: "completed"; healthy: number; of: number; behind: readonly { site: string; outcome: Outcome }[] }
  | { kind: "aborted"; who: string; reason: string }
  | { kind: "superseded"; by: string };

/** One line for a person: `canary: 3 of 4 healthy for 6 of 10 s; waiting for s-2 (applying)`. */
export function inWordsBecause(because: Because): string {
  switch (because.kind) {
    case "moving":
      return `${because.wave}: ${because.healthy} of ${because.of} healthy${least(because)}${others(because)}`;
    case "soaking": {
      const held = inUnit(because.shortestSeconds, because.soakSeconds);
      return `${because.wave}: ${because.healthy} of ${because.of} healthy for ${held}${others(because)}`;
    }
    case "quorum": {
      const { wave, counted, of, needed, offline } = because;
      return `${wave}: ${counted} of ${of} sites can be judged, ${needed} needed${listed("offline", offline)}`;
    }
    case "paused":
      return `paused: ${inWordsPause(because.why)}`;
    case "completed": {
      const behind = listed("not there yet", because.behind.map(withOutcome));
      return `completed: ${because.healthy} of ${because.of} healthy${behind}`;
    }
    case "aborted":
      return `aborted by ${because.who}: ${because.reason}`;
    case "superseded":
      return `superseded by ${because.by}`;
    default:
      return assertNever(because);
  }
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
    case "nobody":
      return `${why.wave}: none of its ${why.sites} sites can be judged, all are ahead or ineligible`;
    case "person":
      return `by ${why.who}: ${why.reason}`;
    case "file":
      return why.words;
    default:
      return assertNever(why);
  }
}

function least({ needed, of }: { needed: number; of: number }): string {
  return needed === of ? "" : `, ${needed} needed`;
}

function others({ waitingFor, offline }: Waiting): string {
  return listed("waiting for", waitingFor.map(withOutcome)) + listed("offline", offline);
}

function names(failed: readonly Failure[]): string[] {
  return failed.map(({ site, outcome, code }) => `${site} (${code === null ? outcome : `${outcome}, ${code}`})`);
}

function withOutcome({ site, outcome }: { site: string; outcome: Outcome }): string {
  return `${site} (${outcome})`;
}

const SHOWN = 3;

function listed(what: string, items: readonly string[]): string {
  if (items.length === 0) return "";
  const more = items.length > SHOWN ? ` and ${items.length - SHOWN} more` : "";
  return `; ${what}${what === "" ? "" : " "}${items.slice(0, SHOWN).join(", ")}${more}`;
}

/** Both in the unit that suits the longer one, rounded down: soaking is over when it is over. */
function inUnit(seconds: number, of: number): string {
  const [unit, size] = of < 120 ? ["s", 1] : of < 7200 ? ["min", 60] : ["h", 3600];
  return `${Math.floor(seconds / size)} of ${Math.floor((of / size) * 10) / 10} ${unit}`;
}
