import type { Cache, Hold, State } from "../../agent/cache/cache.ts";
import type { Start } from "../../agent/target/may-start.ts";
import type { AssignmentSet } from "../../shared/assignment.ts";
import { sorted } from "../../shared/canonical.ts";
import type { SiteEvent } from "../../shared/event.ts";
import { comparePairs, type Pair } from "../../shared/names.ts";
import { valuesHash } from "../../shared/render/values.ts";
import type { Facts } from "./evidence.ts";

interface SiteTruth {
  lastTaken: readonly [number, number];
  /** Highest pair and floor that were committed, by bundle: they outlive the disk. */
  marks: Map<string, { pair: Pair; floor: Pair }>;
  /** Events by number, as this life of the disk numbered them; those that no ack confirmed. */
  events: Map<number, SiteEvent>;
  /** `run digest values record` of what was tried once more. */
  retried: Set<string>;
  /** `number` of every set that was stored for it, with what its items say may begin. */
  sets: Map<string, ReadonlySet<string>>;
}

/** What sites are told and do, and what must hold there. */
export class AtSites {
  private readonly fail: Facts["fail"];
  /** What the hub has of a site's events. */
  private readonly stored: (site: string, number: number) => SiteEvent | undefined;
  private readonly sites = new Map<string, SiteTruth>();

  constructor(fail: Facts["fail"], stored: AtSites["stored"]) {
    this.fail = fail;
    this.stored = stored;
  }

  /** A set was stored for it. */
  replaced(site: string, set: AssignmentSet): void {
    const { sets } = this.site(site);
    const begun = set.items.filter(({ ended }) => ended !== true);
    const items = begun.map((item) => itemKey({ ...item, values: valuesHash(item.values) }));
    // A hub that was restored may give a number anew before it finds out.
    sets.set(numberOf(set), new Set([...(sets.get(numberOf(set)) ?? []), ...items]));
  }

  told(site: string, set: AssignmentSet): void {
    if (!this.site(site).sets.has(numberOf(set)))
      this.fail("stored", `${site} is told set ${numberOf(set)}, which is not stored`, [site]);
  }

  took(site: string, set: AssignmentSet): void {
    const truth = this.site(site);
    const [term, number] = truth.lastTaken;
    if (set.term < term || (set.term === term && set.number <= number))
      this.fail("numbers", `${site} takes set ${numberOf(set)} after ${term}.${number}`, [site]);
    truth.lastTaken = [set.term, set.number];
  }

  begins(site: string, bundle: string, about: { decision: Start; hold: Hold | null; set: AssignmentSet | null }): void {
    const { decision, hold, set } = about;
    const { state, run, because } = decision;
    const truth = this.site(site);
    const items = set === null ? undefined : truth.sets.get(numberOf(set));
    if (items?.has(itemKey({ bundle, ...state })) !== true)
      this.fail("authorised", `${site} starts ${state.version}, which its stored set does not say`, [site, run]);
    this.checkFloor(site, bundle, state, hold);
    if (because !== "retry") return;
    const key = `${run} ${state.digest} ${state.values} ${state.record}`;
    if (truth.retried.has(key))
      this.fail("retryOnce", `${site} tries ${state.version} again for ${run}, as it did before`, [site, run]);
    truth.retried.add(key);
  }

  committedAt(site: string, bundle: string, { pair, floor }: State): void {
    const { marks } = this.site(site);
    const held = marks.get(bundle);
    marks.set(bundle, {
      pair: held !== undefined && comparePairs(held.pair, pair) > 0 ? held.pair : pair,
      floor: held !== undefined && comparePairs(held.floor, floor) > 0 ? held.floor : floor,
    });
  }

  lostDisk(site: string): void {
    const truth = this.site(site);
    truth.lastTaken = [0, 0];
    truth.events.clear();
    truth.retried.clear();
  }

  /** The site's outbox, under watch. */
  watchedCache(site: string, cache: Cache): Cache {
    return {
      ...cache,
      numberEvents: (max) => {
        const events = cache.numberEvents(max);
        for (const event of events) this.site(site).events.set(event.number, event);
        return events;
      },
      acknowledge: (confirmed, at) => {
        const renumbered = confirmed.event > cache.counters().event;
        cache.acknowledge(confirmed, at);
        this.confirmed(site, renumbered ? 0 : confirmed.event);
        if (renumbered) this.site(site).events.clear();
      },
    };
  }

  /** What the site dropped from its outbox lies at the hub, as it was said. */
  private confirmed(site: string, upTo: number): void {
    const { events } = this.site(site);
    for (const [number, event] of events) {
      if (number > upTo) continue;
      const stored = this.stored(site, number);
      if (stored === undefined || sorted(stored) !== sorted(event))
        this.fail(
          "events",
          `${site} drops event ${number} (${event.kind}), and the hub has ${stored?.kind ?? "none"}`,
          [site],
        );
      events.delete(number);
    }
  }

  private checkFloor(site: string, bundle: string, state: State, hold: Hold | null): void {
    const marks = this.site(site).marks.get(bundle);
    if (marks === undefined || comparePairs(state.pair, marks.floor) >= 0) return;
    if (hold?.committed?.digest === state.digest) return;
    const forbids = hold?.committed !== null && comparePairs(marks.floor, hold?.committed.pair ?? [0, 0]) === 0;
    if (hold?.previous?.digest === state.digest && !forbids) return;
    this.fail("floor", `${site} starts ${state.version}, and its floor is ${marks.floor.join(".")}`, [site]);
  }

  private site(id: string): SiteTruth {
    const known = this.sites.get(id);
    if (known !== undefined) return known;
    const fresh = { lastTaken: [0, 0] as const, marks: new Map(), events: new Map(), retried: new Set<string>() };
    const truth: SiteTruth = { ...fresh, sets: new Map() };
    this.sites.set(id, truth);
    return truth;
  }
}

function numberOf({ term, number }: AssignmentSet): string {
  return `${term}.${number}`;
}

function itemKey({
  bundle,
  digest,
  values,
  record,
}: {
  bundle: string;
  digest: string;
  values: string;
  record: number;
}) {
  return `${bundle} ${digest} ${values} ${record}`;
}
