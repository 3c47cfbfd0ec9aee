import { inWords } from "../../shared/errors.ts";
import type { Clock, Journal, Log, Random } from "../../shared/ports.ts";
import { topicOf } from "../../shared/protocol.ts";
import type { Bus } from "../broker/bus.ts";
import type { SiteAssignment } from "../registry/store.ts";

export interface OutboxOptions {
  fleet: string;
  bus: Bus;
  clock: Clock;
  random: Random;
  journal: Journal;
  log: Log;
  /** These sets are on the bus now. */
  onPublished(sets: readonly SiteAssignment[]): void;
}

const AT_ONCE = 16;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Brings stored assignment sets to the bus, the newest of each site, and tries again for ever: exponential backoff with full
 * jitter. What is stopped half-way is published once more after the next start.
 */
export class Outbox {
  private readonly options: OutboxOptions;
  private readonly waiting = new Map<string, SiteAssignment>();
  private failures = 0;
  private running: Promise<void> | null = null;
  private cancel: (() => void) | null = null;
  private stopped = false;

  constructor(options: OutboxOptions) {
    this.options = options;
  }

  offer(sets: Iterable<SiteAssignment>): void {
    for (const entry of sets) this.waiting.set(entry.site, entry);
    if (this.cancel === null) this.start();
  }

  /** Resolves when nothing is on its way any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel?.();
    await this.running;
  }

  private start(): void {
    if (this.running !== null || this.stopped || this.waiting.size === 0) return;
    this.running = this.drain().finally(() => {
      this.running = null;
      if (this.cancel === null) this.start();
    });
  }

  private async drain(): Promise<void> {
    const { clock, random, log } = this.options;
    const batch = [...this.waiting.values()].slice(0, AT_ONCE);
    const results = await Promise.allSettled(batch.map((entry) => this.publish(entry)));
    const done = batch.filter((_, index) => results[index]?.status === "fulfilled");
    for (const entry of done) if (this.waiting.get(entry.site) === entry) this.waiting.delete(entry.site);
    if (done.length > 0) this.options.onPublished(done);
    const failed = results.find((result) => result.status === "rejected");
    if (failed === undefined) {
      this.failures = 0;
      return;
    }
    const pause = random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures);
    this.failures += 1;
    log.warn({ waiting: this.waiting.size }, `assignments wait for the bus: ${inWords(failed.reason)}`);
    if (this.stopped) return;
    this.cancel = clock.after(pause, () => {
      this.cancel = null;
      this.start();
    });
  }

  private async publish({ site, frame }: SiteAssignment): Promise<void> {
    const { bus, fleet, journal } = this.options;
    journal("bus.publish", "before");
    await bus.publish(topicOf(fleet, site, "down/assign"), frame, { retain: true });
    journal("bus.publish", "after");
  }
}
