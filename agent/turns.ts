import type { Clock } from "../shared/ports.ts";

/** At most so long does a turn wait for what the last one took, ms: a turn may have waited for the cluster most of its time. */
const REST_MS = 100;

/**
 * When a cycle runs: at once where one is wanted, one at a time, again where something happened meanwhile. A cycle looks at everything, so
 * while changes stream in (500 workloads that become ready) it is followed by a rest as long as itself: what came in it counts together,
 * and whatever else this process has to do gets its turn.
 */
export class Turns {
  private readonly clock: Clock;
  private readonly cycle: () => Promise<void>;
  private running: Promise<void> | null = null;
  private again = false;
  private stopped = false;
  /** Monotonic, ms. */
  private restUntil = Number.NEGATIVE_INFINITY;
  private endRest = () => {};
  private cancelTimer = () => {};

  constructor(clock: Clock, cycle: () => Promise<void>) {
    this.clock = clock;
    this.cycle = cycle;
  }

  /** Something happened: a cycle runs now, or again after the one that is running. */
  wake(): void {
    if (this.stopped) return;
    this.again = true;
    // A little later: what came in the same chunk counts as well.
    this.running ??= Promise.resolve().then(() => this.run());
  }

  /** Nothing will happen by itself before: in place of what was said earlier, until the next cycle begins. */
  wakeIn(ms: number): void {
    if (this.stopped) return;
    this.cancelTimer();
    this.cancelTimer = this.clock.after(ms, () => this.wake());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelTimer();
    this.endRest();
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.again) {
      await this.rest();
      if (this.stopped) break;
      this.again = false;
      this.cancelTimer();
      const from = this.clock.monotonic();
      await this.cycle();
      const end = this.clock.monotonic();
      this.restUntil = end + Math.min(end - from, REST_MS);
    }
    // In the same turn as the last look at `again`: a wake that comes next starts anew.
    this.running = null;
  }

  private async rest(): Promise<void> {
    const wait = this.restUntil - this.clock.monotonic();
    if (wait <= 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.clock.after(wait, resolve);
      this.endRest = () => {
        cancel();
        resolve();
      };
    });
  }
}
