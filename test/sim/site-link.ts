import { nextDelay } from "../../agent/link/backoff.ts";
import type { Link } from "../../agent/link/link.ts";
import { AppError } from "../../shared/errors.ts";
import type { TopicKind } from "../../shared/protocol.ts";
import type { Broker, Session } from "./broker.ts";
import type { World } from "./world.ts";

const BACKOFF = { firstSpreadMs: 5_000, baseMs: 1_000, maxMs: 60_000 };

interface Ends {
  site: string;
  /** The broker that answers now; null where none does, or nothing of this site gets through. */
  reach(): Broker | null;
  will(): Uint8Array;
  onUp(): void;
  onMessage(kind: TopicKind, frame: Uint8Array): void;
}

/** Port `link` over the simulated network, in place of `agent/link/redial.ts`: it connects for ever. */
export class SiteLink implements Link {
  readonly bytes = { up: 0, down: 0 };
  private readonly world: World;
  private readonly ends: Ends;
  private session: (Session & { broker: Broker; pending: Set<(error: AppError) => void> }) | null = null;
  private attempts = 0;
  private closed = false;

  constructor(world: World, ends: Ends) {
    this.world = world;
    this.ends = ends;
    this.redial();
  }

  get connected(): boolean {
    return this.session !== null;
  }

  publish(kind: TopicKind, frame: Uint8Array): Promise<void> {
    const { session } = this;
    const { queue, chance, weather } = this.world;
    if (session === null) return Promise.reject(new AppError("unreachable", "no connection"));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    session.pending.add(reject);
    const done = () => {
      session.pending.delete(reject);
      resolve();
    };
    const arrive = () => {
      session.broker.up(this.ends.site, kind, frame).then(
        () => queue.after(weather.latency, done),
        () => this.end(session),
      );
    };
    if (chance.of(weather.cut)) queue.after(weather.latency, () => this.end(session));
    // The broker's acknowledgement proves little: what it took may still be lost.
    else if (chance.of(weather.loss)) queue.after(2 * weather.latency, done);
    else queue.after(chance.delay(weather.latency), arrive);
    if (chance.of(weather.twice)) queue.after(chance.delay(20 * weather.latency), arrive);
    return promise;
  }

  /** The line is cut: both ends see it. */
  cut(): void {
    if (this.session !== null) this.end(this.session);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.cut();
  }

  private redial(): void {
    const { queue, chance, weather } = this.world;
    const wait = nextDelay(this.attempts, chance.between(0, 1), BACKOFF);
    this.attempts += 1;
    queue.after(wait + 2 * weather.latency, () => {
      if (this.closed || this.session !== null) return;
      const broker = this.ends.reach();
      if (broker === null) this.redial();
      else this.up(broker);
    });
  }

  private up(broker: Broker): void {
    const session = {
      site: this.ends.site,
      will: this.ends.will(),
      broker,
      pending: new Set<(error: AppError) => void>(),
      hear: (kind: TopicKind, frame: Uint8Array) => {
        if (this.session === session) this.ends.onMessage(kind, frame);
      },
      ended: () => this.end(session),
    };
    this.session = session;
    this.attempts = 1;
    broker.accept(session);
    // The broker may have cut it with its first message.
    if (this.connected) this.ends.onUp();
  }

  private end(session: NonNullable<SiteLink["session"]>): void {
    if (this.session !== session) return;
    this.session = null;
    session.broker.lost(session);
    for (const reject of session.pending) reject(new AppError("unreachable", "the connection ended"));
    if (!this.closed) this.redial();
  }
}
