import type { AssignmentSet } from "../../shared/assignment.ts";
import type { Batch, HubState, StoredEvent } from "../../hub/registry/store.ts";

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
    roots: [],
    records: [],
  };
  private readonly tables = {
    sites: new Map<string, HubState["sites"][number]>(),
    runs: new Map<string, HubState["runs"][number]>(),
    assignments: new Map<string, HubState["assignments"][number]>(),
    rollouts: new Map<string, HubState["rollouts"][number]>(),
    roots: new Map<number, HubState["roots"][number]>(),
    records: new Map<string, HubState["records"][number]>(),
  };
  /** By site and number. */
  readonly events = new Map<string, StoredEvent>();
  private notices = 0;

  write(batch: Batch): void {
    const { tables } = this;
    this.state.meta = batch.meta ?? this.state.meta;
    if (batch.root !== undefined) tables.roots.set(batch.root.number, batch.root.document);
    for (const each of batch.records ?? []) tables.records.set(each.site, each);
    for (const each of batch.sites ?? []) tables.sites.set(each.id, each);
    for (const each of batch.runs ?? []) tables.runs.set(each.id, each);
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
        runs: [...runs.values()].toSorted((a, b) => a.startedAt - b.startedAt),
        assignments: byKey(assignments),
        rollouts: byKey(rollouts),
      }),
      roots: byKey(roots),
      records: byKey(records),
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
