import type { Batch, HubState, StoredEvent } from "../../hub/registry/store.ts";
import type { SiteProgress } from "../../hub/rollout/run.ts";
import type { AssignmentSet } from "../../shared/assignment.ts";
import { AppError } from "../../shared/errors.ts";

/**
 * What a hub stored, without the copies that `test/support/store.ts` makes: a batch is kept as it is, and copied when a new process
 * loads it.
 */
export class HubDisk {
  private state: HubState = {
    meta: { term: 1 },
    sites: [],
    runs: [],
    assignments: [],
    rollouts: [],
    statuses: [],
    roots: [],
    records: [],
    diffs: [],
  };
  private readonly tables = {
    sites: new Map<string, HubState["sites"][number]>(),
    runs: new Map<string, { run: HubState["runs"][number]["run"]; sites: Map<string, SiteProgress> }>(),
    assignments: new Map<string, HubState["assignments"][number]>(),
    rollouts: new Map<string, HubState["rollouts"][number]>(),
    roots: new Map<number, HubState["roots"][number]>(),
    records: new Map<string, HubState["records"][number]>(),
  };
  /** By site and number. */
  readonly events = new Map<string, StoredEvent>();
  private notices = 0;

  /** Epoch, holder and end of the lease. */
  private lease = { epoch: 0, holder: "", until: 0 };
  /** Processes that ended: the machine knows, and their leases are over. */
  private readonly gone = new Set<string>();

  get epoch(): number {
    return this.lease.epoch;
  }

  ended(holder: string): void {
    this.gone.add(holder);
  }

  /** The new epoch; null where another holds the lease. */
  take(holder: string, now: number, ms: number): number | null {
    const { lease } = this;
    if (lease.holder !== holder && !this.gone.has(lease.holder) && lease.until > now) return null;
    this.lease = { epoch: lease.epoch + 1, holder, until: now + ms };
    return this.lease.epoch;
  }

  renew(epoch: number, now: number, ms: number): void {
    this.refuseFenced(epoch);
    this.lease = { ...this.lease, until: now + ms };
  }

  release(epoch: number): void {
    if (this.lease.epoch === epoch) this.lease = { ...this.lease, until: 0 };
  }

  /** Throws `fenced` where another took a lease since. */
  refuseFenced(epoch: number): void {
    if (epoch !== this.lease.epoch) throw new AppError("fenced", `another hub took over: epoch ${this.lease.epoch}`);
  }

  write(batch: Batch): void {
    const { tables } = this;
    this.state.meta = batch.meta ?? this.state.meta;
    if (batch.root !== undefined) tables.roots.set(batch.root.number, batch.root.document);
    for (const each of batch.records ?? []) tables.records.set(each.site, each);
    for (const each of batch.sites ?? []) tables.sites.set(each.id, each);
    for (const { run, sites } of batch.runs ?? []) {
      const before = tables.runs.get(run.id);
      const rows = before?.sites ?? new Map<string, SiteProgress>();
      for (const [site, progress] of sites) rows.set(site, progress);
      // A plan is written once.
      tables.runs.set(run.id, { run: { ...run, plan: before?.run.plan ?? run.plan }, sites: rows });
    }
    for (const each of batch.assignments ?? []) tables.assignments.set(each.site, each);
    for (const each of batch.rollouts ?? []) tables.rollouts.set(each.name, each);
    for (const { site, at, event } of batch.events ?? []) this.add(site, at, event);
    for (const { at, event } of batch.notices ?? []) {
      this.notices += 1;
      this.add("", at, { ...event, number: this.notices });
    }
  }

  load(): HubState {
    const { meta } = this.state;
    const { sites, runs, assignments, rollouts, roots, records } = this.tables;
    return {
      ...structuredClone({
        meta,
        sites: byKey(sites),
        runs: [...runs.values()]
          .toSorted((a, b) => a.run.startedAt - b.run.startedAt)
          .map(({ run, sites: rows }) => ({ run, sites: [...rows] })),
        assignments: byKey(assignments),
        rollouts: byKey(rollouts),
        statuses: [],
      }),
      roots: byKey(roots),
      records: byKey(records),
      // Nothing is prepared in a simulated site.
      diffs: [],
    };
  }

  setOf(site: string): AssignmentSet | undefined {
    return this.tables.assignments.get(site)?.set;
  }

  private add(site: string, at: number, event: StoredEvent["event"]): void {
    const key = `${site} ${event.number}`;
    if (this.events.has(key)) return;
    this.events.set(key, { row: this.events.size + 1, site, at, event });
  }
}

function byKey<K extends string | number, T>(entries: ReadonlyMap<K, T>): T[] {
  return [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}
