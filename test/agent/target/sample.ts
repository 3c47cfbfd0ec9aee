import type { Hold, State } from "../../../agent/cache/cache.ts";
import type { Attempt, TargetInput } from "../../../agent/target/target.ts";
import type { Assignment } from "../../../shared/assignment.ts";
import { milliseconds } from "../../../shared/names.ts";
import { ITEM_STATES } from "../../../shared/report.ts";

/** The world of the table: versions by name, in words that a person wrote. */

export const BOOT = "0".repeat(16);
export const NOW = Date.parse("2026-11-02T08:00:00Z");
export const SINCE = "2026-11-02T08:00:00Z";

/** `v3` has pair 1.3 and floor 1.2; `v5!` forbids going back: its floor is its own pair. */
export function version(name: string, record = 1): State {
  const seq = Number(/^v(\d+)!?$/.exec(name)?.[1]);
  if (!Number.isInteger(seq)) throw new Error(`no version ${name}`);
  const floor = name.endsWith("!") ? seq : Math.max(1, seq - 1);
  return { digest: name.padEnd(64, "0"), version: name, pair: [1, seq], floor: [1, floor], values: "", record };
}

export function assignmentOf(words: string): TargetInput["assignment"] {
  const [name = "", ...rest] = words.split(" ");
  const said = new Set(rest);
  const { digest, pair } = version(name);
  const item: Assignment = {
    bundle: "pos",
    version: name,
    digest,
    pair,
    record: said.has("record") ? 2 : 1,
    mode: "run",
    run: "pos-1",
    wave: "all",
    values: {},
    ...(said.has("back") ? { back: true } : {}),
    ...(said.has("retry") ? { retry: true } : {}),
  };
  const boot = said.has("this") ? BOOT : said.has("other") ? "f".repeat(16) : undefined;
  return { item, values: "", expires: said.has("expired") ? SINCE : "2026-11-30T00:00:00Z", boot };
}

export interface SiteWords {
  runs: string;
  committed?: string | undefined;
  previous?: string | undefined;
  highest?: string | undefined;
  failed?: string[] | undefined;
}

export function holdOf({ runs, committed, previous, highest, failed = [] }: SiteWords): Hold {
  const [word = "", name = ""] = runs.split(" ");
  const state = ITEM_STATES.find((known) => known === word);
  if (state === undefined) throw new Error(`no state ${word}`);
  const last = committed === "none" ? null : version(committed ?? name);
  const top = highest === undefined ? last : version(highest);
  return {
    bundle: "pos",
    running: version(name),
    state,
    since: SINCE,
    committed: last,
    previous: previous === undefined ? null : version(previous),
    marks: top === null ? null : { pair: top.pair, floor: top.floor },
    failed: failed.map((each) => ({ digest: version(each).digest, values: "", record: 1, code: "unhealthy" })),
  };
}

export interface MoveWords {
  applied?: boolean | undefined;
  refused?: boolean | undefined;
  health?: "healthy" | "progressing" | "failed" | undefined;
  healthyFor?: string | undefined;
  lasts?: string | undefined;
  hold?: string | undefined;
}

export function attemptOf({ applied, refused, health, healthyFor, lasts, hold }: MoveWords): Attempt {
  return {
    applied: applied ?? false,
    refused: refused === true ? { code: "kube", words: "the API refused an object" } : null,
    verdict: health === "healthy" ? { health } : { health: health ?? "progressing", because: "a pod is not ready" },
    healthyForMs: milliseconds(healthyFor ?? "0"),
    elapsedMs: milliseconds(lasts ?? "0"),
    holdForMs: milliseconds(hold ?? "60s"),
    deadlineMs: 600_000,
  };
}
