import { AppError, type ErrorCode, isRefusal } from "../../shared/errors.ts";
import { type Pair, rfc3339, short } from "../../shared/names.ts";
import type { Cache, Refusal } from "../cache/cache.ts";
import type { Trust } from "./trust.ts";

/**
 * So many refusals are kept of one source. One that invents more gets room for another where the oldest is past its hour: neither the
 * disk nor the outbox grows with what strangers make up.
 */
const KEPT_OF_A_SOURCE = 256;
/** So many at one look, and a source is no honest one. */
const AT_ONE_LOOK = 64;
/** A refusal stands for so long where the signatures were to blame: they lie beside what was signed, and may have been put right. */
const STANDS_MS = 3_600_000;
const OF_SIGNATURES: ReadonlySet<ErrorCode> = new Set(["signature", "threshold", "key", "malformed", "too-large"]);

/** Where refusals are kept and told. */
export interface Refusing {
  cache: Cache;
  /** Address of the source: another one may have better of the same name. */
  source: string;
  /** Wall clock, ms. */
  now: number;
  /** How much was refused so far. */
  refused: number;
}

/** What was refused, and under what. `bundle` is empty for a root, a record or a head. */
export interface Refused {
  bundle: string;
  /** Of the version at its source, or what stands in for it. */
  id: string;
  digest: string | null;
  /** Where the manifest was well signed. */
  pair?: Pair | null;
  trust: Trust;
}

/** Keeps a refusal, so that it is not fetched again with every poll, and tells it once. Throws `too-large` at one too many. */
export function refuse(to: Refusing, what: Refused, error: AppError): void {
  const { cache, source, now } = to;
  to.refused += 1;
  if (to.refused > AT_ONE_LOOK) {
    throw new AppError("too-large", `more than ${AT_ONE_LOOK} things that it has were refused`, { where: source });
  }
  const id = `${source} ${what.id}`;
  const root = what.trust.root?.document.number ?? 0;
  const record = what.trust.record?.number ?? 0;
  const { bundle, digest, pair = null } = what;
  const words = error.where === undefined ? error.message : `${error.message} (${error.where})`;
  const others = cache.refusals().filter((entry) => entry.id.startsWith(`${source} `));
  const before = others.find((entry) => entry.bundle === bundle && entry.id === id);
  const same = before?.code === error.code && before.root === root && before.record === record;
  if (same && isRecent(before, now)) return;
  const oldest = others.length < KEPT_OF_A_SOURCE ? undefined : others.toSorted((a, b) => a.at - b.at)[0];
  if (before === undefined && oldest !== undefined && isRecent(oldest, now)) return;
  cache.transaction("cache.refuse", () => {
    if (before === undefined && oldest !== undefined) cache.dropRefusal(oldest.bundle, oldest.id);
    cache.keepRefusal({ bundle, id, digest, pair, code: error.code, words, root, record, at: now });
    if (same) return;
    cache.addEvents([
      {
        at: rfc3339(now),
        kind: "refused",
        code: error.code,
        words: words.slice(0, 300),
        ...(bundle === "" ? {} : { bundle }),
        ...(digest === null ? {} : { digest: short(digest) }),
      },
    ]);
  });
}

/** Runs a check; a refusal is kept and told, and gives null. */
export function refusing<T>(to: Refusing, what: Refused, check: () => T): T | null {
  try {
    return check();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    refuse(to, what, error);
    return null;
  }
}

/**
 * True where this id was refused under the same root and record: nothing can have changed about it, but that a source which lacked
 * something, or had other bytes than were signed, may have been put right.
 */
export function wasRefused(to: Refusing, { bundle, id, trust }: Omit<Refused, "digest">): boolean {
  const before = to.cache.refusals().find((entry) => entry.bundle === bundle && entry.id === `${to.source} ${id}`);
  if (before === undefined || !cameWhole(before)) return false;
  if (OF_SIGNATURES.has(before.code) && !isRecent(before, to.now)) return false;
  return before.root === trust.root?.document.number && before.record === trust.record?.number;
}

/** Whether the source had the bytes that were signed, all of them, so that they themselves were refused. */
export function cameWhole({ code }: Pick<Refusal, "code">): boolean {
  return code !== "digest" && code !== "not-found";
}

/** A clock that jumped, either way, keeps nothing refused. */
function isRecent({ at }: Refusal, now: number): boolean {
  return Math.abs(now - at) < STANDS_MS;
}
