import type { Cache, Refusal } from "./cache/cache.ts";
import type { Trust } from "./pull/trust.ts";
import type { EventDraft } from "./report/events.ts";
import type { Time } from "./target/clock.ts";
import type { Decision } from "./target/target.ts";
import type { Wanted } from "./target/wanted.ts";

/** Stands where a refusal of content has its id at the source. With blanks, which no id of a version has. */
export const OF_TARGET = "what is wanted here";

/**
 * Keeps that a target is refused, and tells it once: again only where another target or another reason comes, over restarts too.
 * While a move is under way nothing is known of what comes after it, so that what was told stays told.
 */
export function noteRefusal(
  cache: Cache,
  bundle: string,
  { decision, wanted, trust, time }: { decision: Decision; wanted: Wanted | null; trust: Trust; time: Time },
  tell: (event: EventDraft) => void,
): void {
  if (decision.do !== "stay" || decision.because === "moving") return;
  const before = cache.refusals().find((entry) => entry.bundle === bundle && entry.id === OF_TARGET);
  if (decision.code === null || wanted === null) {
    if (before !== undefined) cache.dropRefusal(bundle, OF_TARGET);
    return;
  }
  const { digest } = wanted;
  const words = `${decision.because}: ${decision.words}`;
  if (before?.digest === digest && before.code === decision.code && reasonOf(before) === decision.because) return;
  const root = trust.root?.document.number ?? 0;
  const record = trust.record?.number ?? 0;
  const { code } = decision;
  cache.transaction("hold.refuse", () => {
    cache.keepRefusal({ bundle, id: OF_TARGET, digest, pair: null, code, words, root, record, at: time.now });
    tell({ kind: "refused", digest, code, words });
  });
}

/** Targets that no waiting heals: what the hub must know of a bundle that runs nothing here, and so has no place in its report. */
export function isLasting({ code }: Refusal): boolean {
  return code === "rollback" || code === "floor" || code === "scope" || code === "claimed";
}

function reasonOf({ words }: Refusal): string {
  return words.slice(0, words.indexOf(":"));
}
