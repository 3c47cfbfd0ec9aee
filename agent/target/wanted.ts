import type { Assignment } from "../../shared/assignment.ts";
import type { RefusalCode } from "../../shared/errors.ts";
import type { Pair, Values } from "../../shared/names.ts";

/** A version that lies complete on disk. */
export interface OnDisk {
  digest: string;
  version: string;
  pair: Pair;
  floor: Pair;
  /** The oldest pair that a site may come from; null: any. */
  from: Pair | null;
  /** Whether it is meant for this site, as the record of now says. */
  inScope: boolean;
  /** Signed pace: until when this site has to wait, ms; null where it may go now. */
  rushedUntil: number | null;
  /** Which bundle it lacks, or which committed one its coming would break, in words; null where all fits. */
  lacks: string | null;
  /** How long a site may put it off, ms. */
  holdAtMost: number;
  /** Which of its objects another bundle of this site has, in words; `passes`: not for long. null where all are free. */
  claimed: { words: string; passes: boolean } | null;
  /** Why it cannot be rendered for what is wanted; null where it can. */
  unfit: { code: RefusalCode; words: string } | null;
}

/** What a bundle should be at this site: all three of (digest, values, record) come together. */
export interface Wanted {
  digest: string;
  /** As whoever wants it says: what is on disk says it again, signed. */
  pair: Pair;
  values: string;
  given: Values;
  record: number;
  /** Whether that record lies on disk. */
  recordHere: boolean;
  run: string;
  by: "assigned" | "adopted";
  /** Going below the highest committed pair is meant. */
  back: boolean;
  retry: boolean;
  /** Its run was stopped: what is under way goes on, and nothing of it begins. */
  ended: boolean;
  onDisk: OnDisk | null;
  /** When this may start something. null: whenever, since nobody far away decided it. */
  within: { expires: string; boot: string | undefined; notBefore: string | undefined } | null;
}

/** From an item of an assignment set, and what the disk has of it. `values` is the hash of the item's. */
export function assigned(
  item: Assignment,
  set: { expires: string; boot?: string | undefined },
  disk: { values: string; recordHere: boolean; onDisk: OnDisk | null },
): Wanted {
  return {
    digest: item.digest,
    pair: item.pair,
    given: item.values,
    record: item.record,
    ...disk,
    run: item.run,
    by: "assigned",
    back: item.back === true,
    retry: item.retry === true,
    ended: item.ended === true,
    within: { expires: set.expires, boot: set.boot, notBefore: item.notBefore },
  };
}

/**
 * What a site takes for itself, with the record it holds, and nobody far away has a say in: the newest version on its disk where its
 * configuration names no hub, or what somebody had it adopt. `act` names that; each may try once more what failed before.
 */
export function adopted(
  onDisk: OnDisk,
  as: { record: number; values: string; given: Values; act: string | null },
): Wanted {
  const { record, values, given, act } = as;
  return {
    digest: onDisk.digest,
    pair: onDisk.pair,
    values,
    given,
    record,
    recordHere: true,
    run: act === null ? "adopted" : `adopted-${act}`,
    by: "adopted",
    back: false,
    retry: act !== null,
    ended: false,
    onDisk,
    within: null,
  };
}
