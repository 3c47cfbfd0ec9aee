/** Lets the first of its kind through, and the next one `everyMs` later: a sender that is refused must not fill the disk. */
export class OncePer {
  private readonly everyMs: number;
  private readonly last = new Map<string, number>();

  constructor(everyMs: number) {
    this.everyMs = everyMs;
  }

  /** `now` in milliseconds of a clock that never runs backwards. */
  allows(kind: string, now: number): boolean {
    const before = this.last.get(kind);
    if (before !== undefined && now - before < this.everyMs) return false;
    if (this.last.size >= MOST) this.forget(now);
    this.last.set(kind, now);
    return true;
  }

  private forget(now: number): void {
    for (const [kind, at] of this.last) if (now - at >= this.everyMs) this.last.delete(kind);
    // All of them are recent: who floods with new names gets the oldest forgotten.
    const [oldest] = this.last.keys();
    if (this.last.size >= MOST && oldest !== undefined) this.last.delete(oldest);
  }
}

/** Names are the sender's choice; this many are remembered. */
const MOST = 10_000;
