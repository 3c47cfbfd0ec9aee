import { inWords } from "../../shared/errors.ts";
import type { Clock, Log } from "../../shared/ports.ts";
import type { FleetView } from "./contract.ts";

/** At most 5 views a second reach a page, however fast sites report; and none is built inside the hub's own turn. */
const GAP_MS = 200;
/** Shows a page that the line is alive; what only time changes (a site falls silent) is noticed here too. */
const BEAT_MS = 10_000;

export interface FeedOptions {
  view(): FleetView;
  subscribe(onChange: () => void): () => void;
  after: Clock["after"];
  log: Log;
}

/**
 * The fleet as a stream of server-sent events (WHATWG HTML 9.2): `fleet` with the whole view whenever it changed, built once
 * for all listeners, and `beat` with the hub's time in between. Ids rise by one; a listener that returns gets the view as it
 * is, so nothing is kept to resume from.
 */
export class Feed {
  readonly #options: FeedOptions;
  readonly #mailboxes = new Set<Mailbox>();
  readonly #unsubscribe: () => void;
  #id = 0;
  /** What the listeners were sent last, without what the clock alone changes. */
  #sent = "";
  #cancelPublish: (() => void) | null = null;
  #cancelBeat: () => void = () => {};

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#unsubscribe = options.subscribe(() => {
      this.#cancelPublish ??= options.after(GAP_MS, () => {
        this.#cancelPublish = null;
        this.#toAll(true);
      });
    });
    this.#beatLater();
  }

  get listeners(): number {
    return this.#mailboxes.size;
  }

  /** The first event is the view as it is now. */
  listen(): Mailbox {
    const view = this.#options.view();
    const mailbox = new Mailbox(() => this.#mailboxes.delete(mailbox));
    this.#mailboxes.add(mailbox);
    if (this.#mailboxes.size === 1) this.#sent = withoutClock(view);
    mailbox.put(`retry: 1000\n${this.#frame("fleet", view)}`);
    return mailbox;
  }

  /** Ends all listening. */
  stop(): void {
    this.#unsubscribe();
    this.#cancelPublish?.();
    this.#cancelBeat();
    for (const mailbox of this.#mailboxes) mailbox.close();
  }

  #beatLater(): void {
    this.#cancelBeat = this.#options.after(BEAT_MS, () => {
      this.#toAll(false);
      this.#beatLater();
    });
  }

  /** The view where it changed; else, between changes, the beat. A view that cannot be made must not stop the hub. */
  #toAll(changed: boolean): void {
    if (this.#mailboxes.size === 0) return;
    try {
      const view = this.#options.view();
      const seen = withoutClock(view);
      if (seen === this.#sent && changed) return;
      if (seen !== this.#sent) this.#id += 1;
      const text = seen === this.#sent ? this.#frame("beat", { now: view.now }) : this.#frame("fleet", view);
      this.#sent = seen;
      for (const mailbox of this.#mailboxes) mailbox.put(text);
    } catch (error) {
      this.#options.log.error({ error: error instanceof Error ? error.stack : undefined }, inWords(error));
    }
  }

  #frame(event: "fleet" | "beat", data: object): string {
    return `id: ${this.#id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  }
}

/** Holds the newest event for a listener that is slower than the fleet: the ones before it are worth nothing any more. */
export class Mailbox {
  readonly #onClose: () => void;
  #text: string | null = null;
  #wake: (() => void) | null = null;
  #closed = false;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  put(text: string): void {
    this.#text = text;
    this.#wake?.();
  }

  /** Resolves with the newest event not yet taken; null once closed. One caller at a time. */
  async next(): Promise<string | null> {
    if (this.#text === null && !this.#closed) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = null;
    if (this.#closed) return null;
    const text = this.#text;
    this.#text = null;
    return text;
  }

  close(): void {
    this.#closed = true;
    this.#onClose();
    this.#wake?.();
  }
}

const BY_THE_CLOCK = new Set(["now", "reportAgeSeconds"]);

function withoutClock(view: FleetView): string {
  return JSON.stringify(view, (key, value: unknown) => (BY_THE_CLOCK.has(key) ? undefined : value));
}
