import { AppError } from "../../shared/errors.ts";
import { matchesAny } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { recordBranch, type Source } from "../../shared/source/source.ts";
import type { Cache } from "../cache/cache.ts";
import { pullVersions } from "./pull-bundle.ts";
import { pullDelta } from "./pull-delta.ts";
import { pullRecord, pullRoots } from "./pull-trust.ts";
import type { Refusing } from "./refuse.ts";
import { isLie } from "./standing.ts";
import { lacking } from "./take.ts";
import type { Identity, Trust } from "./trust.ts";

export interface PullInput {
  source: Source;
  cache: Cache;
  identity: Identity;
  trust: Trust;
  /** Digests that are assigned or run, by bundle: these are looked for among older versions, too. */
  wanted: ReadonlyMap<string, readonly string[]>;
  clock: { now: number; synced: boolean };
  /** Also where the rest was cut: what was taken in is not looked at again before it changes. */
  onTrust(trust: Trust): void;
}

export interface Pulled {
  trust: Trust;
  /** Something that this source has was refused: another one may have better. */
  refused: boolean;
  /** What shows that the source has other bytes than were signed; null where nothing does. */
  lie: AppError | null;
}

/** Stand among the heads that were seen: the root and record, and the root, under which they were, and since when. */
const UNDER = "@under";
const ROOT = "@root";
const SINCE = "@since";
/** What was seen counts for so long: a line that lied for a while has then hidden nothing for good. */
const SEEN_FOR_MS = 24 * 3_600_000;
/** Whoever holds a source can name as many bundles as he likes: of those that the site follows, so many are looked at. */
const MAX_BUNDLES = 256;

/**
 * Fetches what is new at one source and keeps what holds: roots one by one, this site's record, and every new version of the
 * bundles that the record names, files included, assigned or not. A refusal is kept and told, and the rest goes on; a fault of the
 * network is thrown, and what was done until then stays done.
 */
export async function pull(input: PullInput): Promise<Pulled> {
  const { source, cache, identity, clock } = input;
  const to: Refusing = { cache, source: source.address, now: clock.now, refused: 0 };
  const before = cache.seen(source.address);
  const own = recordBranch(sha256Hex(identity.site));
  const heads = await source.heads(["trust", own, "bundles/", "deltas/"]);
  const isOld = !(Math.abs(clock.now - Number(before.get(SINCE))) < SEEN_FOR_MS);
  const seen = new Map(isOld ? [] : [...before].filter(([ref]) => heads.has(ref) || ref.startsWith("@")));
  if (isOld) seen.set(SINCE, String(clock.now));
  const changed = (ref: string) => heads.get(ref) !== undefined && heads.get(ref) !== seen.get(ref);
  const done = (ref: string) => {
    const head = heads.get(ref);
    if (head !== undefined) seen.set(ref, head);
  };
  let { trust } = input;
  let told = trust;
  const tellTrust = () => {
    if (trust !== told) input.onTrust(trust);
    told = trust;
  };
  // What was refused under one root may hold under the next, whoever brought that.
  const sameRoot = () => trust.root !== null && seen.get(ROOT) === String(trust.root.document.number);
  try {
    const trustHead = heads.get("trust");
    if (trustHead !== undefined && (!sameRoot() || changed("trust"))) {
      trust = await pullRoots(to, source, identity, trust, trustHead);
      done("trust");
    }
    const ownHead = heads.get(own);
    if (ownHead !== undefined && (trust.record === null || !sameRoot() || changed(own))) {
      trust = await pullRecord(to, source, identity, trust, ownHead);
      done(own);
    }
    // Together: a new root that came before its record would look like one that drops it.
    tellTrust();
    const { record, root } = trust;
    if (root !== null) seen.set(ROOT, String(root.document.number));
    if (record === null || root === null || record.retired === true)
      return { trust, refused: to.refused > 0, lie: null };
    const under = `${root.document.number}.${record.number}`;
    const renewed = seen.get(UNDER) !== under;
    const by = { cache, root, record, clock, unseal: identity.unseal };
    const { followed, lie: tooMany } = followedBundles(heads, record.bundles, new Set(input.wanted.keys()));
    let lie = tooMany;
    for (const bundle of followed) {
      const [ref, deltas] = [`bundles/${bundle}`, `deltas/${bundle}`];
      const head = heads.get(ref) ?? "";
      try {
        const news = changed(ref);
        const byDelta = news && changed(deltas) && (await pullDelta(by, source, bundle, heads.get(deltas) ?? ""));
        done(deltas);
        const missing = missingDigests(input, bundle);
        if (missing.size > 0 || renewed || (news && !byDelta)) {
          lie = (await pullVersions({ to, by, source, trust, bundle }, head, missing)) ?? lie;
        }
        done(ref);
      } catch (error) {
        // One branch that is no good, whoever may push to it, keeps nothing of the others.
        if (!(error instanceof AppError) || !isLie(error.code)) throw error;
        lie = error;
      }
    }
    seen.set(UNDER, under);
    return { trust, refused: to.refused > 0, lie };
  } finally {
    tellTrust();
    if (!isSame(seen, before)) cache.keepSeen(source.address, seen);
  }
}

/** Those that the record names, what is wanted here first. */
function followedBundles(
  heads: ReadonlyMap<string, string>,
  patterns: readonly string[],
  wanted: ReadonlySet<string>,
): { followed: string[]; lie: AppError | null } {
  const named = [...heads.keys()]
    .flatMap((ref) => (ref.startsWith("bundles/") ? [ref.slice("bundles/".length)] : []))
    .filter((bundle) => matchesAny(patterns, bundle));
  if (named.length <= MAX_BUNDLES) return { followed: named, lie: null };
  const followed = named.toSorted((a, b) => Number(wanted.has(b)) - Number(wanted.has(a))).slice(0, MAX_BUNDLES);
  const what = `${named.length} bundles for this site, at most ${MAX_BUNDLES} are looked at`;
  return { followed, lie: new AppError("too-large", what) };
}

/** Wanted versions that do not lie complete on disk. */
function missingDigests({ cache, wanted }: PullInput, name: string): Set<string> {
  const digests = wanted.get(name) ?? [];
  return new Set(digests.length === 0 ? [] : lacking(cache.versions(), digests));
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([ref, head]) => b.get(ref) === head);
}
