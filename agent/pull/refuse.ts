import { type AppError, isRefusal } from "../../shared/errors.ts";
import { type Pair, rfc3339, short } from "../../shared/names.ts";
import type { Cache } from "../cache/cache.ts";
import type { Trust } from "./trust.ts";

/** Where refusals are kept and told. */
export interface Refusing {
  cache: Cache;
  /** Address of the source: another one may have better of the same name. */
  source: string;
  /** Wall clock, ms. */
  now: number;
  /** Whether anything was refused so far. */
  refused: boolean;
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

/** Keeps a refusal, so that it is not fetched again with every poll, and tells it once. */
export function refuse(to: Refusing, what: Refused, error: AppError): void {
  const { cache, source, now } = to;
  to.refused = true;
  const id = `${source} ${what.id}`;
  const root = what.trust.root?.document.number ?? 0;
  const record = what.trust.record?.number ?? 0;
  const { bundle, digest, pair = null } = what;
  const words = error.where === undefined ? error.message : `${error.message} (${error.where})`;
  const before = cache.refusals().find((entry) => entry.bundle === bundle && entry.id === id);
  if (before !== undefined && before.code === error.code && before.root === root && before.record === record) return;
  cache.transaction("cache.refuse", () => {
    cache.keepRefusal({ bundle, id, digest, pair, code: error.code, words, root, record });
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
  if (before === undefined || before.code === "digest" || before.code === "not-found") return false;
  return before.root === trust.root?.document.number && before.record === trust.record?.number;
}
