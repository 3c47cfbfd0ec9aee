import { inWords } from "../../shared/errors.ts";
import type { Clock, Log } from "../../shared/ports.ts";
import type { Follower } from "./follow.ts";
import type { Followed } from "./followed.ts";

export interface WatchOptions {
  follower: Follower;
  /** Between the end of one look and the next. */
  everyMs: number;
  clock: Clock;
  log: Log;
  /** After each look: what is new, and words where the repository went away or came back. Must not reject. */
  onLook(followed: Followed | null, words: string | null): Promise<void>;
}

/** A push touches several branches, each with a webhook of its own. */
const SOON_MS = 1_000;

/** Looks at the fleet repository for ever, one look at a time. */
export class Watch {
  private readonly options: WatchOptions;
  private isFaulty = false;
  private isWoken = false;
  private looking = false;
  private stopped = false;
  private cancel = (): void => {};

  constructor(options: WatchOptions) {
    this.options = options;
  }

  start(): void {
    this.looking = true;
    this.isWoken = false;
    void this.look().then(() => {
      this.looking = false;
      if (this.stopped) return;
      const { clock, everyMs } = this.options;
      // What came during the look may have come too late for it.
      this.cancel = clock.after(this.isWoken ? Math.min(SOON_MS, everyMs) : everyMs, () => this.start());
    });
  }

  /** There may be news: looks soon, and never more often than that, whoever wakes it. */
  wake(): void {
    if (this.isWoken || this.stopped) return;
    this.isWoken = true;
    if (this.looking) return;
    this.cancel();
    this.cancel = this.options.clock.after(Math.min(SOON_MS, this.options.everyMs), () => this.start());
  }

  /** What a look that is under way will find is dropped. */
  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  private async look(): Promise<void> {
    const { follower, log, onLook } = this.options;
    let followed: Followed | null = null;
    let fault: string | null = null;
    try {
      followed = await follower.poll();
    } catch (error) {
      fault = inWords(error);
    }
    if (this.stopped) return;
    const isNews = (fault !== null) !== this.isFaulty;
    this.isFaulty = fault !== null;
    const words = fault === null ? "the fleet repository can be read again" : `the fleet repository: ${fault}`;
    if (isNews) log[this.isFaulty ? "warn" : "info"]({}, words);
    await onLook(followed, isNews ? words : null);
  }
}
