import { type AppError } from "../../shared/errors.ts";
import { matchesPattern } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { recordBranch, type Source } from "../../shared/source/source.ts";
import type { Cache } from "../cache/cache.ts";
import { pullVersions } from "./pull-bundle.ts";
import { pullDelta } from "./pull-delta.ts";
import { pullRecord, pullRoots } from "./pull-trust.ts";
import type { Refusing } from "./refuse.ts";
import type { Identity, Trust } from "./trust.ts";

export interface PullInput {
  source: Source;
  cache: Cache;
  identity: Identity;
  trust: Trust;
  /** Digests that are assigned or run, by bundle: these are looked for among older versions, too. */
  wanted: ReadonlyMap<string, readonly string[]>;
  clock: { now: number; synced: boolean };
}

export interface Pulled {
  trust: Trust;
  /** Something that this source has was refused: another one may have better. */
  refused: boolean;
  /** What shows that the source has other bytes than were signed; null where nothing does. */
  lie: AppError | null;
}

/** Stands among the heads that were seen, for the root and record under which they were. */
const UNDER = "@under";

/**
 * Fetches what is new at one source and keeps what holds: roots one by one, this site's record, and every new version of the
 * bundles that the record names, files included, assigned or not. A refusal is kept and told, and the rest goes on; a fault of the
 * network is thrown, and what was done until then stays done.
 */
export async function pull(input: PullInput): Promise<Pulled> {
  const { source, cache, identity, clock } = input;
  const to: Refusing = { cache, source: source.address, now: clock.now, refused: false };
  const before = cache.seen(source.address);
  const own = recordBranch(sha256Hex(Buffer.from(identity.site)));
  const heads = await source.heads(["trust", own, "bundles/", "deltas/"]);
  const seen = new Map([...before].filter(([ref]) => heads.has(ref) || ref === UNDER));
  const changed = (ref: string) => heads.get(ref) !== undefined && heads.get(ref) !== seen.get(ref);
  const done = (ref: string) => {
    const head = heads.get(ref);
    if (head !== undefined) seen.set(ref, head);
  };
  try {
    let { trust } = input;
    const trustHead = heads.get("trust");
    if (trustHead !== undefined && (trust.root === null || changed("trust"))) {
      trust = await pullRoots(to, source, identity, trust, trustHead);
      done("trust");
    }
    const ownHead = heads.get(own);
    // A record that needs a newer root is refused until that root is here.
    const newRoot = trust.root !== input.trust.root;
    if (ownHead !== undefined && (trust.record === null || newRoot || changed(own))) {
      trust = await pullRecord(to, source, identity, trust, ownHead);
      done(own);
    }
    const { record, root } = trust;
    if (record === null || root === null || record.retired === true) return { trust, refused: to.refused, lie: null };
    const under = `${root.document.number}.${record.number}`;
    const renewed = seen.get(UNDER) !== under;
    const by = { cache, root, record, clock };
    let lie: AppError | null = null;
    for (const [ref, head] of heads) {
      const bundle = ref.startsWith("bundles/") ? ref.slice("bundles/".length) : null;
      if (bundle === null || !record.bundles.some((pattern) => matchesPattern(pattern, bundle))) continue;
      const deltas = `deltas/${bundle}`;
      const news = changed(ref);
      const byDelta = news && changed(deltas) && (await pullDelta(by, source, bundle, heads.get(deltas) ?? ""));
      done(deltas);
      const missing = missingDigests(input, bundle);
      if (missing.size > 0 || renewed || (news && !byDelta)) {
        lie = (await pullVersions({ to, by, source, trust, bundle }, head, missing)) ?? lie;
      }
      done(ref);
    }
    seen.set(UNDER, under);
    return { trust, refused: to.refused, lie };
  } finally {
    if (!isSame(seen, before)) cache.keepSeen(source.address, seen);
  }
}

/** Wanted versions that do not lie complete on disk. */
function missingDigests({ cache, wanted }: PullInput, name: string): Set<string> {
  const complete = new Set(cache.versions().flatMap((version) => (version.complete ? [version.digest] : [])));
  return new Set((wanted.get(name) ?? []).filter((digest) => !complete.has(digest)));
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([ref, head]) => b.get(ref) === head);
}
