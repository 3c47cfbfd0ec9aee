import type { Cache } from "../../agent/cache/cache.ts";
import { Holding } from "../../agent/holding.ts";
import type { Ask } from "../../agent/target/held.ts";
import type { Version } from "./versions.ts";
import { quiet, type World } from "./world.ts";

/** The agent looks each second, and the simulation less often, and only while somebody asks. */
const LOOK_MS = 10_000;
/** What a kill may cost of a hold, and so what may be missing of it after each. */
const CHARGE_MS = 60_000;
/** So long after a start, what the cluster asks may not be known. */
const START_MS = 30_000;

/** Where nothing runs. */
const AT_MOST_MS = 60_000;

/** The longest that what runs there may be put off, ms. */
export function holdAtMost(cache: Cache, versions: ReadonlyMap<string, Version>): number {
  return Math.max(AT_MOST_MS, ...cache.holds().map(({ running }) => versions.get(running.digest)?.holdAtMostMs ?? 0));
}

/** Who at a site asks it to start nothing new: files on its disk, and a Lease in its cluster. Both outlive the agent. */
export class HoldAtSite {
  private readonly world: World;
  private asks: (Ask & { since: number })[] = [];
  private asked = 0;
  /** Without a break, by the queue's clock, at the longest; and how often the agent was killed meanwhile. */
  private sinceFirst = 0;
  private kills = 0;
  /** At the shortest; of that time, when the agent ran. */
  private since = 0;
  private ranMs = 0;
  private startedAt: number | null = null;
  private leaseSeen = false;
  private look = (): void => {};

  constructor(world: World) {
    this.world = world;
  }

  ask(by: Ask["by"], forMs: number | null): void {
    const { now } = this.world.queue;
    this.takeBack(by);
    // An agent may have counted one that ends by itself as over, and then a new one begins anew. One that is down sees no break.
    const { startedAt } = this;
    if (startedAt !== null) {
      if (this.asks.every((ask) => ask.forMs !== null)) this.shortestAnew();
      if (this.asks.every((ask) => this.isSurelyOver(ask, startedAt))) this.longestAnew();
    }
    this.asked += 1;
    this.asks.push({ by, id: by === "file" ? "file" : String(this.asked), reason: "busy", forMs, since: now });
    this.look();
  }

  takeBack(by: Ask["by"] | null): void {
    const before = this.asks.length;
    this.asks = this.asks.filter((ask) => by !== null && ask.by !== by);
    if (this.asks.length === before) return;
    if (this.startedAt !== null && this.asks.length === 0) this.anew();
    this.look();
  }

  /** For one process of the agent. */
  started(cache: Cache, options: { atMostMs(): number; onChange(): void }): Holding {
    const { world } = this;
    this.startedAt = world.queue.now;
    this.leaseSeen = false;
    let next: (() => void) | null = null;
    let over = false;
    const clock = {
      now: () => world.queue.now,
      monotonic: () => world.queue.now,
      after: (_: number, run: () => void) => {
        next = run;
        if (this.asks.length > 0 || cache.held() !== null)
          world.queue.after(LOOK_MS, () => {
            if (!over && next === run) run();
          });
        return () => {
          over = true;
        };
      },
    };
    world.queue.after(world.chance.delay(1_000), () => {
      if (over) return;
      this.leaseSeen = true;
      this.look();
    });
    const lease = () => (this.leaseSeen ? (this.asks.find(({ by }) => by === "lease") ?? null) : ("unseen" as const));
    const holding = new Holding({
      ...options,
      cache,
      clock,
      log: quiet,
      files: () => this.asks.filter(({ by }) => by !== "lease"),
      lease,
    });
    this.look = () => {
      if (!over) next?.();
    };
    return holding;
  }

  killed(): void {
    this.ranMs = this.asks.length === 0 ? 0 : this.ran();
    this.startedAt = null;
    this.kills += 1;
    this.look = () => {};
  }

  lostDisk(): void {
    this.asks = this.asks.filter(({ by }) => by === "lease");
    this.anew();
  }

  /** Somebody asks, the agent knows it, and the time that it may take is surely not over. */
  certainly(atMostMs: number): boolean {
    const { now } = this.world.queue;
    const lost = this.kills * CHARGE_MS;
    const isIn = ({ by, forMs, since }: Ask & { since: number }) =>
      (by !== "lease" || this.leaseSeen) && (forMs === null || now - since + lost < forMs);
    return this.asks.some(isIn) && now - this.sinceFirst + lost < atMostMs;
  }

  /** One that ends by itself, and whose agent has seen that it did. */
  private isSurelyOver({ forMs, since }: Ask & { since: number }, startedAt: number): boolean {
    return forMs !== null && startedAt <= since && this.world.queue.now - since >= forMs + 2 * LOOK_MS;
  }

  /** It has been held for longer than it may, while the agent ran. */
  isOver(atMostMs: number): boolean {
    const { now } = this.world.queue;
    const isNew = this.startedAt === null || now - this.startedAt < START_MS;
    return !isNew && (this.asks.length === 0 || this.ran() > atMostMs + 2 * LOOK_MS);
  }

  private ran(): number {
    const { startedAt, since } = this;
    const now = this.world.queue.now;
    return this.ranMs + (startedAt === null ? 0 : now - Math.max(startedAt, since));
  }

  private anew(): void {
    this.longestAnew();
    this.shortestAnew();
  }

  private longestAnew(): void {
    this.sinceFirst = this.world.queue.now;
    this.kills = 0;
  }

  private shortestAnew(): void {
    this.since = this.world.queue.now;
    this.ranMs = 0;
  }
}
