import { alike } from "../../shared/canonical.ts";
import { inWords } from "../../shared/errors.ts";
import type { Journal, Log } from "../../shared/ports.ts";
import { topicOf } from "../../shared/protocol.ts";
import type { Bus } from "../broker/bus.ts";
import { type Holds, type Relayable, trustFrame } from "./trust.ts";

export interface RelayOptions {
  fleet: string;
  bus: Bus;
  journal: Journal;
  log: Log;
  /** What the hub holds for a site now. */
  relayable(site: string): Relayable;
}

/**
 * Brings roots, records and heads to sites that say they hold older ones, one site after the other. Nothing of it is stored or retained:
 * a site says what it holds whenever it connects, which it also does after the hub, or the broker, was restarted. The same is said again
 * only after a hello, so that a site which refuses it is not told with every report.
 */
export class Relay {
  private readonly options: RelayOptions;
  private readonly sites = new Map<string, { holds: Holds; told: string }>();
  private readonly waiting = new Set<string>();
  private running: Promise<void> | null = null;
  private stopped = false;

  constructor(options: RelayOptions) {
    this.options = options;
  }

  /** `anew`: it has just connected, and what was on its way to it may be lost. */
  heard(site: string, holds: Holds, anew: boolean): void {
    const known = anew ? undefined : this.sites.get(site);
    // Most reports say what the one before said, and what came of that is told.
    if (known !== undefined && known.told !== "" && alike(known.holds, holds)) return;
    this.sites.set(site, { holds, told: known?.told ?? "" });
    this.offer([site]);
  }

  /** The hub holds something newer. */
  changed(): void {
    this.offer(this.sites.keys());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private offer(sites: Iterable<string>): void {
    for (const site of sites) this.waiting.add(site);
    if (this.running !== null || this.stopped || this.waiting.size === 0) return;
    this.running = this.drain().finally(() => {
      this.running = null;
      this.offer([]);
    });
  }

  private async drain(): Promise<void> {
    for (const site of this.waiting) {
      if (this.stopped) return;
      this.waiting.delete(site);
      await this.tell(site);
    }
  }

  private async tell(site: string): Promise<void> {
    const { fleet, bus, journal, log, relayable } = this.options;
    const known = this.sites.get(site);
    if (known === undefined) return;
    const { holds } = known;
    const held = relayable(site);
    const { roots, record, head } = held;
    const what = [holds.root, holds.record, holds.head, roots.at(-1)?.number, record?.number, head?.number].join();
    if (what === known.told) return;
    const frame = trustFrame(holds, held);
    known.told = what;
    if (frame === null) return;
    try {
      journal("bus.trust", "before");
      await bus.publish(topicOf(fleet, site, "down/trust"), frame, { retain: false });
      journal("bus.trust", "after");
    } catch (error) {
      const now = this.sites.get(site);
      if (now !== undefined) now.told = "";
      log.debug({ site }, `roots and records were not relayed: ${inWords(error)}`);
    }
  }
}
