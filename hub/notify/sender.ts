import { inWords } from "../../shared/errors.ts";
import type { Clock, Journal, Log, Random } from "../../shared/ports.ts";
import type { CommitStatus } from "./status.ts";

export interface SenderOptions {
  /** What is to be told now and was not yet. */
  unsent(): readonly CommitStatus[];
  send(status: CommitStatus): Promise<void>;
  /** Keeps that it was told. */
  onSent(status: CommitStatus): Promise<void>;
  clock: Clock;
  random: Random;
  journal: Journal;
  log: Log;
}

/** What changes within this is told once. */
const SOON_MS = 1_000;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;

/**
 * Tells the Git server what became of commits, apart from every decision: what fails is tried again for ever with backoff, as it is to be told
 * by then, and one that fails keeps no other back. Told and not kept, it is told once more: that changes nothing there.
 */
export class StatusSender {
  readonly #options: SenderOptions;
  #failures = 0;
  #running: Promise<void> | null = null;
  #cancel: (() => void) | null = null;
  #stopped = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Something changed that may have to be told. */
  changed(): void {
    if (this.#running === null && this.#cancel === null) this.#later(SOON_MS);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#running;
  }

  #later(ms: number): void {
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.after(ms, () => {
      this.#cancel = null;
      this.#running = this.#round().then((failed) => {
        this.#running = null;
        const { random, unsent } = this.#options;
        const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
        this.#failures = failed ? this.#failures + 1 : 0;
        if (failed) this.#later(pause / 2 + (random() * pause) / 2);
        else if (unsent().length > 0) this.#later(SOON_MS);
      });
    });
  }

  async #round(): Promise<boolean> {
    const { unsent, send, onSent, journal, log } = this.#options;
    let failed = false;
    for (const status of unsent()) {
      if (this.#stopped) break;
      try {
        journal("status.send", "before");
        await send(status);
        journal("status.send", "after");
        await onSent(status);
      } catch (error) {
        failed = true;
        const { rollout, commit } = status;
        log.warn({ rollout, commit }, `the commit's status was not taken: ${inWords(error)}`);
      }
    }
    return failed;
  }
}
