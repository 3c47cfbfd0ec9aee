import { inWords } from "../shared/errors.ts";
import { rfc3339 } from "../shared/names.ts";
import type { Clock, Log, Random } from "../shared/ports.ts";
import type { Kube } from "./apply/kube.ts";
import type { Cache } from "./cache/cache.ts";
import { type AskFiles, readAsks } from "./hold/ask-file.ts";
import { HOLD_LEASE, LeaseAsk, leaseSays } from "./hold/lease.ts";
import type { HeldStatus } from "./local/status.ts";
import { Live } from "./observe/live.ts";
import { type Ask, charged, type Held, heldBy, heldWords, leftOf } from "./target/held.ts";

/** A file that appears or goes is seen within this. By looking, for not every file system tells. */
const LOOK_MS = 1_000;
const AFTER_FAULT_MS = 5_000;
/** What is stored is charged ahead with this: no more than one write a minute, and no more than a minute lost by a kill. */
const CHARGE_MS = 60_000;
/** So long an agent that just started waits for what the cluster says, and starts nothing new. */
const PATIENCE_MS = 5_000;

interface Surroundings {
  cache: Cache;
  clock: Clock;
  log: Log;
  /** Longest time that what runs here may be put off, ms: for that long the site says that it is held. */
  atMostMs(): number;
  onChange(): void;
}

export interface HoldingWorld extends Surroundings {
  /** What the files of this site ask. */
  files(): readonly Ask[];
  lease(): Ask | null | "unseen";
}

/** Whether the site is held: looks at who asks, counts the time, keeps and tells it. */
export class Holding {
  private readonly world: HoldingWorld;
  private readonly startedAt: number;
  private lookedAt: number;
  private current: Held | null;
  /** As it lies on disk. */
  private stored: Held | null;
  private wasKnown = false;
  private cancel = () => {};

  constructor(world: HoldingWorld) {
    this.world = world;
    this.stored = world.cache.held();
    this.current = this.stored;
    this.startedAt = world.clock.monotonic();
    this.lookedAt = this.startedAt;
    this.schedule(LOOK_MS);
  }

  /** As of now; `unknown` where nobody is known to ask, and the cluster has not said yet. Throws `storage`. */
  look(): Held | "unknown" | null {
    const { clock, lease, files } = this.world;
    const now = clock.monotonic();
    const passedMs = now - this.lookedAt;
    this.lookedAt = now;
    const found = lease();
    const before = this.current;
    // What the cluster cannot say now, it said before.
    const leased = found === "unseen" ? before?.asks.find(({ by }) => by === "lease") : found;
    const asks = [...files(), ...(leased === null || leased === undefined ? [] : [leased])];
    this.current = heldBy(before, asks, passedMs);
    this.keep();
    this.wasKnown ||= found !== "unseen" || now - this.startedAt >= PATIENCE_MS;
    return this.current ?? (this.wasKnown ? null : "unknown");
  }

  /** What the report says. */
  words(): string | null {
    return this.status()?.words ?? null;
  }

  /** For whoever asks how the site is; null where it is not held, or has been for as long as it may. */
  status(): HeldStatus | null {
    return heldStatusOf(this.current, this.world.atMostMs());
  }

  stop(): void {
    this.cancel();
  }

  private isHeld(held: Held | null): boolean {
    return leftOf(held, this.world.atMostMs()) > 0;
  }

  private keep(): void {
    const { cache, clock, log } = this.world;
    const { current, stored } = this;
    const isHeld = this.isHeld(current);
    const wasTold = stored?.told ?? false;
    const runs = leftOf(current, Number.POSITIVE_INFINITY) > 0;
    const isPaid = !runs || (current?.spentMs ?? 0) <= (stored?.spentMs ?? 0);
    if (wasTold === isHeld && sameAsks(stored, current) && isPaid) return;
    const words = isHeld && current !== null ? heldWords(current) : endOf(current);
    const next = current === null ? null : charged({ ...current, told: isHeld }, chargeOf(current));
    cache.transaction("held.keep", () => {
      cache.keepHeld(next);
      if (wasTold !== isHeld)
        cache.addEvents([{ at: rfc3339(clock.now()), kind: isHeld ? "held" : "released", words }]);
    });
    this.stored = next;
    if (wasTold !== isHeld) log.info({ words }, isHeld ? "held: nothing new starts" : "held no more");
  }

  private schedule(inMs: number): void {
    this.cancel = this.world.clock.after(inMs, () => {
      const { stored, wasKnown } = this;
      try {
        this.look();
        this.schedule(LOOK_MS);
      } catch (error) {
        this.world.log.error({ words: inWords(error) }, "whether this site is held could not be kept");
        this.schedule(AFTER_FAULT_MS);
      }
      // Also with each minute that is charged: a version may have been put off for as long as it allows.
      if (stored !== this.stored || wasKnown !== this.wasKnown) this.world.onChange();
    });
  }
}

export function heldStatusOf(held: Held | null, atMostMs: number): HeldStatus | null {
  const leftMs = leftOf(held, atMostMs);
  if (held === null || leftMs === 0) return null;
  const seconds = (ms: number) => Math.round(ms / 1000);
  return { words: heldWords(held), heldForSeconds: seconds(held.spentMs), leftSeconds: seconds(leftMs) };
}

/** A hold that somebody forgot must not write to the disk every minute for years. */
function chargeOf({ spentMs }: Held): number {
  return spentMs < 48 * 3_600_000 ? CHARGE_MS : 60 * CHARGE_MS;
}

function sameAsks(a: Held | null, b: Held | null): boolean {
  const ids = (held: Held | null) => (held?.asks ?? []).map(({ by, id, reason }) => `${by} ${id} ${reason}`).join("\n");
  return (a === null) === (b === null) && ids(a) === ids(b);
}

function endOf(held: Held | null): string {
  if (held === null) return "taken back";
  return leftOf(held, Number.POSITIVE_INFINITY) > 0 ? "held for as long as what runs here allows" : "its time is over";
}

/** With a watch of its own on the one Lease. */
export function holdingOf(world: Surroundings & { kube: Kube; random: Random; askFiles: AskFiles }): {
  holding: Holding;
  stop(): void;
} {
  const { askFiles, ...rest } = world;
  const live = new Live({ ...rest, fingerprint: leaseSays, selection: HOLD_LEASE });
  const lease = new LeaseAsk(live, world.clock);
  const holding = new Holding({ ...rest, files: () => readAsks(askFiles), lease: () => lease.ask() });
  return {
    holding,
    stop: () => {
      holding.stop();
      live.close();
    },
  };
}
