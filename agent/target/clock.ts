/** What a site may believe of the time. The wall clock is never stored: a wrong answer that passes leaves nothing behind. */

export interface Time {
  /** Where the clock is known to be right, its time; else the latest moment that has passed for certain. Milliseconds since 1970. */
  now: number;
  synced: boolean;
}

/** `host`: the host's clock, and whether the host calls it synced. A clock before `floorTime` is wrong whatever the host says. */
export function timeOf(host: { now: number; synced: boolean }, floorTime: number): Time {
  const synced = host.synced && host.now >= floorTime;
  return { now: synced ? host.now : floorTime, synced };
}

/**
 * The floor after documents that were verified: it rises to their `createdAt` (RFC 3339), but only under a synced clock and to what is
 * not ahead of it. So neither a lying clock nor a builder whose clock is ahead can push it past the present.
 */
export function floorTimeAfter(floorTime: number, createdAt: readonly string[], time: Time): number {
  if (!time.synced) return floorTime;
  const passed = createdAt.map((text) => Date.parse(text)).filter((at) => at <= time.now);
  return Math.max(floorTime, ...passed);
}
