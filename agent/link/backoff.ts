/** Waits of the link before its attempts, all in milliseconds. */
export interface Backoff {
  /** The hub's published reconnect window: a whole fleet that lost its hub comes back spread over it. */
  firstSpreadMs: number;
  /** The longest wait before the second attempt; it doubles from there. */
  baseMs: number;
  /** No wait is longer. 15 min in production. */
  maxMs: number;
}

/**
 * The wait before attempt `attempt` (0 is the first) in milliseconds: the first anywhere in the spread, the others with
 * full jitter, anywhere between nothing and an exponentially growing ceiling. `chance` is uniform in [0, 1).
 */
export function nextDelay(attempt: number, chance: number, { firstSpreadMs, baseMs, maxMs }: Backoff): number {
  const ceiling = attempt === 0 ? firstSpreadMs : Math.min(maxMs, baseMs * 2 ** (attempt - 1));
  return Math.floor(chance * ceiling);
}
