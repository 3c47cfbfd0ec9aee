import { AppError, inWords } from "../shared/errors.ts";
import type { Clock, Log } from "../shared/ports.ts";
import type { Bus } from "./broker/bus.ts";
import type { Store, Writer } from "./registry/store.ts";

export interface LeadOptions {
  store: Store;
  /** Names this process, as the store's machine knows it. */
  holder: string;
  /** How long the lease is good for without a renewal. */
  ms: number;
  clock: Clock;
  log: Log;
}

/** Between two looks at a lease that another holds. */
const STAND_BY_MS = 1_000;

/** Waits for the store's lease, however long another holds it; null where `signal` came first. */
export async function standBy(options: LeadOptions, signal: AbortSignal): Promise<Lead | null> {
  const { store, holder, ms, clock, log } = options;
  for (let told = false; !signal.aborted; told = true) {
    const asked = clock.monotonic();
    // Stopped in the middle of a write, the other holds the file as well, until it goes on or is killed.
    const writer = await store.take(holder, ms).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.code !== "storage" || !told) throw error;
      log.warn({}, `the lease cannot be asked for: ${inWords(error)}`);
      return null;
    });
    if (writer !== null) return new Lead(options, writer, asked + ms);
    if (!told) log.info({}, "another hub holds the lease of this store: standing by");
    await new Promise<void>((resolve) => {
      const over = () => {
        cancel();
        signal.removeEventListener("abort", over);
        resolve();
      };
      const cancel = clock.after(STAND_BY_MS, over);
      signal.addEventListener("abort", over);
    });
  }
  return null;
}

/**
 * The lease while it is held: renewed after a third of its time, and lost for good where another took it. One that could not be
 * renewed in time may still be its own; until that is known, nothing is published.
 */
export class Lead {
  /** Resolves when another has taken it. */
  readonly lost: Promise<void>;
  readonly #options: LeadOptions;
  readonly #writer: Writer;
  #lose: () => void = () => {};
  #isLost = false;
  /** By the monotonic clock, from before the store was asked: never later than what the store says. */
  #until: number;
  #cancel = (): void => {};

  constructor(options: LeadOptions, writer: Writer, until: number) {
    this.#options = options;
    this.#writer = writer;
    this.#until = until;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.lost = promise;
    this.#lose = resolve;
    this.#renewLater();
  }

  get epoch(): number {
    return this.#writer.epoch;
  }

  holds(): boolean {
    return !this.#isLost && this.#options.clock.monotonic() < this.#until;
  }

  async commit(...asked: Parameters<Writer["commit"]>): Promise<void> {
    await this.#watched(this.#writer.commit(...asked));
  }

  /** Nothing is published by who may not be the one that decides. */
  guard(bus: Bus): Bus {
    return {
      ...bus,
      publish: async (...asked) => {
        if (!this.holds()) throw new AppError("fenced", "the lease has run out: nothing is published without one");
        await bus.publish(...asked);
      },
    };
  }

  /** Another may lead at once. */
  async stop(): Promise<void> {
    this.#cancel();
    if (!this.#isLost) await this.#writer.release();
    this.#isLost = true;
  }

  #renewLater(): void {
    const { clock, log, ms } = this.#options;
    this.#cancel = clock.after(ms / 3, () => {
      const asked = clock.monotonic();
      this.#watched(this.#writer.renew(ms))
        .then(
          () => (this.#until = asked + ms),
          (error: unknown) => log.warn({}, `the lease could not be renewed: ${inWords(error)}`),
        )
        .finally(() => {
          if (!this.#isLost) this.#renewLater();
        });
    });
  }

  async #watched(done: Promise<void>): Promise<void> {
    try {
      await done;
    } catch (error) {
      if (error instanceof AppError && error.code === "fenced" && !this.#isLost) {
        this.#isLost = true;
        this.#cancel();
        this.#lose();
      }
      throw error;
    }
  }
}
