import type { Clock } from "../shared/ports.ts";

/** Whoever sets it to what is overdue, again and again, is not rung all the time. */
const AT_LEAST_MS = 50;

/** Rings once, at the earliest of the times that it was set to; then it is set anew. */
export class Alarm {
  private readonly clock: Pick<Clock, "monotonic" | "after">;
  private readonly ring: () => void;
  private at = Number.POSITIVE_INFINITY;
  private stopped = false;
  private cancel = (): void => {};

  constructor(clock: Pick<Clock, "monotonic" | "after">, ring: () => void) {
    this.clock = clock;
    this.ring = ring;
  }

  /** In `ms`, if it is not set to an earlier time; never at once, whatever is overdue. */
  within(ms: number): void {
    const wait = Math.max(AT_LEAST_MS, ms);
    const at = this.clock.monotonic() + wait;
    if (at >= this.at || this.stopped) return;
    this.cancel();
    this.at = at;
    this.cancel = this.clock.after(wait, () => {
      this.at = Number.POSITIVE_INFINITY;
      this.ring();
    });
  }

  /** For good. */
  stop(): void {
    this.stopped = true;
    this.cancel();
  }
}
