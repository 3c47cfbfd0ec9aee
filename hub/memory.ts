import { parseWireKey } from "../shared/node/frame.ts";
import type { PublicKey } from "../shared/node/ssh-key.ts";
import type { HeldRoot } from "../shared/verify/chain.ts";
import type { Snapshot } from "./api/snapshot.ts";
import { preparesOf } from "./assign/items.ts";
import type { Decision, Kept, Since } from "./decide.ts";
import type { Followed, HeldHead, HeldRecord } from "./follow/followed.ts";
import { type CommitStatus, wantedStatuses } from "./notify/status.ts";
import { Groups } from "./preview/groups.ts";
import { previewOf } from "./preview/rows.ts";
import type { Relayable } from "./publish/trust.ts";
import { newSite } from "./registry/fold.ts";
import type { FleetMember, Site } from "./registry/site.ts";
import type { Batch, HubState, Meta, SeenRollout, SiteAssignment } from "./registry/store.ts";
import type { Because } from "./rollout/because.ts";
import { inWordsPause } from "./rollout/because.ts";
import { offersOf, type WayBack, wayBackOf } from "./rollout/offer.ts";
import type { Run } from "./rollout/run.ts";
import { changesToStore, runOf, type StoredRun } from "./rollout/stored.ts";

/** What the store holds, at hand: it changes by `absorb`, after the same batch was committed, and in no other way. */
export class Memory {
  meta: Meta;
  roots: readonly HeldRoot[];
  /** Not stored: it is followed anew after each start. */
  head: HeldHead | null = null;
  /** Versions that runs may start for. Not stored either. */
  bundles: Followed["bundles"] = new Map();
  readonly runs = new Map<string, Run>();
  readonly assignments = new Map<string, SiteAssignment>();
  readonly rollouts = new Map<string, SeenRollout>();
  private readonly statuses = new Map<string, CommitStatus>();
  /** What sites say of the states that they prepare. */
  readonly groups = new Groups();
  /** Hashes of the diffs that are stored, by run. */
  readonly diffs = new Map<string, Set<string>>();
  /** Sites with a record, as the rollouts see them. */
  readonly members = new Map<string, FleetMember>();
  private readonly sites = new Map<string, Site>();
  private readonly records = new Map<string, HeldRecord>();
  private readonly keys = new Map<string, readonly PublicKey[]>();
  private kept: Kept | null = null;
  /** Members that are others than when this was last taken. */
  private changed = new Set<string>();

  constructor(state: HubState, roots: readonly HeldRoot[], records: ReadonlyMap<string, HeldRecord>) {
    this.meta = state.meta;
    this.roots = roots;
    const { diffs, ...rest } = state;
    this.absorb(rest);
    for (const { run, hash } of diffs) this.noteDiff(run, hash);
    this.setRuns(state.runs.map(runOf));
    this.setRecords(records);
  }

  /** Number of the newest root; 0 before the first. */
  get root(): number {
    return this.roots.at(-1)?.root.document.number ?? 0;
  }

  site(id: string): Site {
    return this.sites.get(id) ?? newSite(id);
  }

  record(id: string): HeldRecord | undefined {
    return this.records.get(id);
  }

  /** What a site that lacks it is brought. */
  relayable(id: string): Relayable {
    const held = this.records.get(id);
    const stands = held !== undefined && held.left === null;
    return {
      roots: this.roots.map(({ root, document }) => ({ number: root.document.number, document })),
      record: stands ? { number: held.record.number, document: held.document } : null,
      head: this.head === null ? null : { number: this.head.head.number, document: this.head.document },
    };
  }

  /** Statuses of commits that are not what was told last. */
  unsent(): CommitStatus[] {
    const wanted = wantedStatuses(this.rollouts.values(), this.runs.values(), inWordsPause);
    return wanted.filter((status) => {
      const told = this.statuses.get(status.rollout);
      return told?.commit !== status.commit || told.state !== status.state || told.words !== status.words;
    });
  }

  keysOf(id: string): readonly PublicKey[] | undefined {
    return this.keys.get(id);
  }

  /** Runs that were never looked at are left out: why they stand where they stand is not known yet. */
  snapshot(fleet: string, now: number, because: ReadonlyMap<string, Because>): Snapshot {
    const runs = [...this.runs.values()].flatMap((run) => {
      const why = because.get(run.id);
      if (why === undefined) return [];
      const preview = previewOf(this.groups.of(run.target), (site) => run.sites.has(site));
      return [{ run, because: why, ...offersOf(run), ...(preview && { preview }) }];
    });
    const [members, rollouts] = [[...this.members.values()], [...this.rollouts.values()]];
    const root = this.roots.at(-1)?.root.document ?? null;
    return { fleet, now, root, members, runs, rollouts, bundles: this.bundles };
  }

  /** Of a run that there is. */
  wayBack(id: string): WayBack | null {
    const run = this.runs.get(id);
    return run === undefined ? null : wayBackOf(run, this.members);
  }

  absorb(batch: Omit<Batch, "records" | "root" | "runs">): void {
    const { meta, sites = [], assignments = [], rollouts = [], statuses = [], diffs = [], undiffed = [] } = batch;
    if (meta !== undefined) this.meta = meta;
    for (const seen of rollouts) this.rollouts.set(seen.name, seen);
    for (const status of statuses) this.statuses.set(status.rollout, status);
    for (const site of sites) {
      this.sites.set(site.id, site);
      this.groups.take(site.id, site.report?.body.prepared ?? []);
    }
    for (const { run, hash } of diffs) this.noteDiff(run, hash);
    for (const run of undiffed) this.diffs.delete(run);
    for (const entry of assignments) this.assignments.set(entry.site, entry);
    for (const { id } of sites) this.refresh(id);
    for (const { site } of assignments) this.refresh(site);
  }

  /** What must be stored of these runs beside what is stored of them. */
  rowsOf(runs: readonly Run[]): StoredRun[] {
    return runs.map((run) => changesToStore(run, this.runs.get(run.id)));
  }

  private setRuns(runs: Iterable<Run>): void {
    for (const run of runs) this.runs.set(run.id, run);
  }

  private noteDiff(run: string, hash: string): void {
    this.diffs.set(run, (this.diffs.get(run) ?? new Set()).add(hash));
  }

  /** For one decision. Where that fails, or cannot be stored, nothing is left to build on, and the next one looks at everything. */
  takeSince(): Since | undefined {
    const { kept, changed } = this;
    this.kept = null;
    this.changed = new Set();
    return kept === null ? undefined : { kept, changed };
  }

  /** What a decision that was stored made of the runs, and leaves for the next one. */
  keep({ runs, kept }: Pick<Decision, "runs" | "kept">): void {
    this.setRuns(runs);
    this.kept = kept;
  }

  setRecords(records: Iterable<readonly [string, HeldRecord]>): void {
    for (const [id, held] of records) {
      this.records.set(id, held);
      this.keys.set(id, held.record.reportKeys.map(parseWireKey));
      this.refresh(id);
    }
  }

  /** A hint, and so not worth a commit: it is stored with what the site says next. */
  setPresence(site: Site): void {
    this.sites.set(site.id, site);
    this.refresh(site.id);
  }

  private refresh(id: string): void {
    this.changed.add(id);
    const held = this.records.get(id);
    if (held === undefined) return;
    const { labels, number, bundles, floors } = held.record;
    const assigned = this.assignments.get(id)?.assigned ?? {};
    const prepares = preparesOf(this.assignments.get(id)?.set.items ?? []);
    const barred = whyBarred(held);
    const sets = variablesOf(held.record.values);
    const member = {
      id,
      labels,
      record: number,
      bundles,
      floors,
      ...(sets && { sets }),
      site: this.site(id),
      assigned,
      ...(prepares && { prepares }),
    };
    const retired = held.record.retired === true ? { retired: true as const } : {};
    this.members.set(id, barred === null ? member : { ...member, barred, ...retired });
  }
}

/** Names alone, by bundle; undefined where there are none, as for most sites. */
function variablesOf(values: HeldRecord["record"]["values"]): FleetMember["sets"] | undefined {
  const set = Object.entries(values).map(([bundle, own]) => [bundle, Object.keys(own)] as const);
  return set.length === 0 ? undefined : Object.fromEntries(set);
}

function whyBarred({ record, left }: HeldRecord): string | null {
  if (record.retired === true) return "its site record says that it is retired";
  return left === null ? null : `its site record does not hold under root ${left.root}: ${left.error.message}`;
}
