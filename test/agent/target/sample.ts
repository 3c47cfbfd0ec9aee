import type { Hold, Marks, State } from "../../../agent/cache/cache.ts";
import type { Held } from "../../../agent/target/held.ts";
import type { Attempt, TargetInput } from "../../../agent/target/target.ts";
import { adopted, assigned, type OnDisk } from "../../../agent/target/wanted.ts";
import type { Assignment } from "../../../shared/assignment.ts";
import { milliseconds } from "../../../shared/names.ts";
import { ITEM_STATES } from "../../../shared/report.ts";

/** The world of the table: versions by name, in words that a person wrote. */

export const BOOT = "0".repeat(16);
export const NOW = Date.parse("2026-11-02T08:00:00Z");
export const SINCE = "2026-11-02T08:00:00Z";
const TOMORROW = "2026-11-03T08:00:00Z";

/** `v3` has pair 1.3 and floor 1.2; `v5!` forbids going back: its floor is its own pair. */
export function version(name: string, record = 1): State {
  const seq = Number(/^v(\d+)!?$/.exec(name)?.[1]);
  if (!Number.isInteger(seq)) throw new Error(`no version ${name}`);
  const floor = name.endsWith("!") ? seq : Math.max(1, seq - 1);
  const state = { digest: name.padEnd(64, "0"), version: name, values: "", given: {}, record };
  return { ...state, pair: [1, seq], floor: [1, floor] };
}

export const DISKS = ["ready", "missing", "refused", "paced", "elsewhere", "unfit"] as const;

/** How a version lies on the disk. `from`: the oldest that it may come from. */
export function onDisk(
  name: string,
  disk: (typeof DISKS)[number] = "ready",
  more: {
    from?: string | undefined;
    lacks?: string | undefined;
    holdAtMost?: string | undefined;
    claimed?: "firm" | "passing" | undefined;
  } = {},
): OnDisk | null {
  if (disk === "missing" || disk === "refused") return null;
  const { digest, pair, floor } = version(name);
  return {
    digest,
    version: name,
    pair,
    floor,
    from: more.from === undefined ? null : version(more.from).pair,
    inScope: disk !== "elsewhere",
    rushedUntil: disk === "paced" ? NOW + 1 : null,
    lacks: more.lacks ?? null,
    holdAtMost: milliseconds(more.holdAtMost ?? "24h"),
    claimed:
      more.claimed === undefined ? null : { words: "base has an object of it", passes: more.claimed === "passing" },
    unfit: disk === "unfit" ? { code: "variable", words: "a value that its declaration does not allow" } : null,
  };
}

export function assignmentOf(words: string, disk = onDisk(words.split(" ")[0] ?? ""), recordHere = true) {
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
    ...(said.has("ended") ? { ended: true } : {}),
    ...(said.has("tomorrow") ? { notBefore: TOMORROW } : {}),
  };
  const boot = said.has("this") ? BOOT : said.has("other") ? "f".repeat(16) : undefined;
  const expires = said.has("expired") ? SINCE : "2026-11-30T00:00:00Z";
  return assigned(item, { expires, boot }, { values: "", recordHere, onDisk: disk });
}

export function adoptionOf(disk: OnDisk | null) {
  return disk === null ? null : adopted(disk, { record: 1, values: "", given: {}, act: null });
}

export interface SiteWords {
  runs: string;
  committed?: string | undefined;
  previous?: string | undefined;
  highest?: string | undefined;
  failed?: string[] | undefined;
  passed?: string | undefined;
}

export function holdOf({ runs, committed, previous, failed = [], passed }: SiteWords): Hold {
  const [word = "", name = ""] = runs.split(" ");
  const state = ITEM_STATES.find((known) => known === word);
  if (state === undefined) throw new Error(`no state ${word}`);
  return {
    bundle: "pos",
    running: version(name),
    state,
    since: SINCE,
    committed: committed === "none" ? null : version(committed ?? name),
    previous: previous === undefined ? null : version(previous),
    up: true,
    ...(passed !== undefined && { passed: { version: passed, pair: version(passed).pair, phase: "migrate" } }),
    failed: failed.map((each) => ({ digest: version(each).digest, values: "", record: 1, code: "unhealthy" })),
  };
}

/** The marks of a site that has committed this much; null before the first commit. */
export function marksOf({ runs, committed, highest }: SiteWords): Marks | null {
  const top = highest ?? committed ?? runs.split(" ")[1];
  if (top === undefined || top === "none") return null;
  const { pair, floor } = version(top);
  return { pair, floor };
}

/** Held for so long, by somebody who does not say until when. */
export function heldFor(time: string): Held {
  const spentMs = milliseconds(time);
  const ask = { by: "command", id: "0", reason: "sale", forMs: null, spentMs } as const;
  return { spentMs, asks: [ask], told: true };
}

/** What a site is where nothing else is said. */
export function siteAt(now = NOW): Omit<TargetInput, "wanted" | "hold" | "marks" | "attempt"> {
  return {
    marksKnown: true,
    held: null,
    record: { number: 1, retired: false },
    time: { now, synced: true },
    boot: BOOT,
  };
}

export interface MoveWords {
  broken?: boolean | undefined;
  asks?: boolean | undefined;
  passed?: boolean | undefined;
  applied?: boolean | undefined;
  refused?: boolean | undefined;
  health?: "healthy" | "progressing" | "failed" | undefined;
  healthyFor?: string | undefined;
  lasts?: string | undefined;
  hold?: string | undefined;
}

export function attemptOf(words: MoveWords): Attempt {
  const { applied, refused, health, healthyFor, lasts, hold, broken, asks, passed } = words;
  return {
    applied: applied ?? false,
    refused: refused === true ? { code: "kube", words: "the API refused an object" } : null,
    broken: broken === true ? "phase migrate: a Job has failed" : null,
    asks: asks === true ? "a Job was begun and is gone" : null,
    passed: passed === true ? "migrate" : null,
    verdict: health === "healthy" ? { health } : { health: health ?? "progressing", because: "a pod is not ready" },
    healthyForMs: milliseconds(healthyFor ?? "0"),
    elapsedMs: milliseconds(lasts ?? "0"),
    holdForMs: milliseconds(hold ?? "60s"),
    deadlineMs: 600_000,
  };
}
