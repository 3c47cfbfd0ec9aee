/**
 * The site's own "not now". It is counted in time that the agent runs, by the monotonic clock: a wall clock that stands still makes no hold
 * last for ever, and one that leaps ends none. While the agent does not run nothing can start, so that time is not counted.
 */

export const ASKED_BY = ["file", "command", "page", "lease"] as const;

/** Somebody at the site asks for a hold, and goes on asking until it is taken back. */
export interface Ask {
  by: (typeof ASKED_BY)[number];
  /** Another id is another ask. */
  id: string;
  reason: string;
  /** Ends by itself after so long; null: only when it is taken back, or by the cap. */
  forMs: number | null;
}

/** Asks, and how long each has been in force. */
export interface Held {
  /** How long the site has been held without a break, whoever asked. */
  spentMs: number;
  asks: readonly (Ask & { spentMs: number })[];
  /** Whether it was told that the site is held. */
  told: boolean;
}

/** `passedMs` later than `before`, with what is asked for now. null: nobody asks. */
export function heldBy(before: Held | null, asks: readonly Ask[], passedMs: number): Held | null {
  if (asks.length === 0) return null;
  const known = asks.map((ask) => {
    const same = before?.asks.find((entry) => entry.by === ask.by && entry.id === ask.id);
    return { ...ask, spentMs: same === undefined ? 0 : same.spentMs + passedMs };
  });
  const next = { spentMs: (before?.spentMs ?? 0) + passedMs, asks: known, told: before?.told ?? false };
  const unbroken = before !== null && leftOf(before, Number.POSITIVE_INFINITY) > 0;
  return unbroken ? next : { ...next, spentMs: 0 };
}

/** Milliseconds for which it still puts off what may be put off for so long; 0: it does not, or not any more. */
export function leftOf(held: Held | null, atMostMs: number): number {
  if (held === null) return 0;
  const asked = held.asks.map(({ forMs, spentMs }) => (forMs === null ? Number.POSITIVE_INFINITY : forMs - spentMs));
  return Math.max(0, Math.min(atMostMs - held.spentMs, Math.max(...asked)));
}

/**
 * As it is stored: charged with time that is still to pass. A kill can then cost the site up to `chargeMs` of its hold, and an agent that is
 * killed over and over is not held for ever.
 */
export function charged({ spentMs, asks, ...rest }: Held, chargeMs: number): Held {
  return {
    ...rest,
    spentMs: spentMs + chargeMs,
    asks: asks.map((ask) => ({ ...ask, spentMs: ask.spentMs + chargeMs })),
  };
}

/** What a report has room for. */
const WORDS_MAX = 200;

/** For a person: why, and who said so. */
export function heldWords({ asks }: Held): string {
  const said = asks.filter(({ forMs, spentMs }) => forMs === null || spentMs < forMs);
  const words = said.map(({ by, reason }) => `${reason === "" ? "no reason given" : reason} (${by})`).join("; ");
  return words.slice(0, WORDS_MAX).toWellFormed();
}
