import type { Incoming } from "./open.ts";

interface Waiting {
  message: Incoming;
  resolve(): void;
  reject(error: unknown): void;
}

/** Messages that are settled together. */
export interface Batch {
  messages: readonly Incoming[];
  accept(): void;
  reject(error: unknown): void;
}

/** Gathers what comes in while the commit before is under way, so that one commit serves all of it. */
export class Inbox {
  private waiting: Waiting[] = [];
  private readonly onWaiting: () => void;
  private readonly atMost: number;

  /** `onWaiting` is called when there is a batch to take; more than `atMost` are left for the next one. */
  constructor(atMost: number, onWaiting: () => void) {
    this.atMost = atMost;
    this.onWaiting = onWaiting;
  }

  /** Settles as its batch does. */
  push(message: Incoming): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.waiting.push({ message, resolve, reject });
    if (this.waiting.length === 1) this.onWaiting();
    return promise;
  }

  take(): Batch {
    const batch = this.waiting.splice(0, this.atMost);
    if (this.waiting.length > 0) this.onWaiting();
    return {
      messages: batch.map(({ message }) => message),
      accept: () => {
        for (const { resolve } of batch) resolve();
      },
      reject: (error) => {
        for (const { reject } of batch) reject(error);
      },
    };
  }
}
