import type { Assigned } from "../../hub/registry/site.ts";
import type { Batch, HubState, SiteAssignment } from "../../hub/registry/store.ts";
import type { Phase, SiteProgress } from "../../hub/rollout/run.ts";
import { notBegun } from "../../hub/rollout/start.ts";
import type { StoredRun } from "../../hub/rollout/stored.ts";
import type { AssignmentSet } from "../../shared/assignment.ts";
import type { SiteEvent } from "../../shared/event.ts";
import type { TopicKind } from "../../shared/protocol.ts";
import type { Report } from "../../shared/report.ts";
import { VERBS } from "../../shared/verbs.ts";
import { Asks } from "./asked.ts";
import { AtSites } from "./at-sites.ts";
import { checkBegin, hasBegun } from "./check-begin.ts";
import { checkEvidence } from "./check-evidence.ts";
import { checkGate } from "./check-gate.ts";
import { checkGiven, checkWithdrawn, isIdle } from "./check-given.ts";
import { checkPlan } from "./check-plan.ts";
import { checkReadyGate } from "./check-ready.ts";
import { type Facts, type Given, type Heard, judge, type TrueRun } from "./evidence.ts";
import { bodyOf } from "./mint.ts";
import { type Invariant, Violation } from "./violation.ts";

/** Sees all, tells nobody, and checks after each event what must always hold: by itself, from what was said, stored and done. */
export class Witness implements Facts {
  /** The first thing that did not hold. */
  violation: Violation | null = null;
  readonly heard = new Map<string, Heard>();
  readonly runs = new Map<string, TrueRun & { sites: Map<string, SiteProgress> }>();
  readonly assignments = new Map<string, SiteAssignment>();
  /** By run: the newest of each site. */
  readonly given = new Map<string, Map<string, Given>>();
  /** By run: when it began something at a site. */
  readonly starts = new Map<string, number[]>();
  /** Sites that are signed off. */
  /** By run: when it began, as the hub stored it. */
  readonly begun = new Map<string, number>();
  readonly barred = new Set<string>();
  readonly asks = new Asks(this);
  readonly commits = new Set<string>();
  readonly completions: { rollout: string; digest: string; at: number }[] = [];
  readonly zones = new Map<string, string>();
  /** Sites whose record is stored: what others say is refused, and so not heard. */
  private readonly recorded = new Map<string, true>();
  /** Reached the hub, and were not confirmed: by site. */
  private readonly pending = new Map<string, { arrivedAt: number; kind: TopicKind; body: unknown }[]>();
  private readonly now: () => number;
  readonly atSites: AtSites;

  constructor(now: () => number, stored: (site: string, number: number) => SiteEvent | undefined) {
    this.now = now;
    this.atSites = new AtSites((...what) => this.fail(...what), stored);
  }

  /** What is known of the hub now; what this returns makes it all that is known, as whoever loses the rest has it. */
  remember(): () => void {
    const { heard, runs, assignments, given, starts, completions, recorded, pending, begun } = this;
    const { skipped } = this.asks;
    const all = [heard, runs, assignments, given, starts, recorded, pending, begun] as Map<string, unknown>[];
    const kept = structuredClone({ all, skipped });
    const completed = completions.length;
    return () => {
      const again = structuredClone(kept);
      for (const [index, map] of all.entries()) replaceAll(map, again.all[index] ?? new Map());
      completions.length = completed;
      skipped.clear();
      for (const each of again.skipped) skipped.add(each);
    };
  }

  /** What it stored and could not confirm any more, it knows. */
  hubStarted(state: HubState): void {
    for (const { id, report, heardAt } of state.sites) {
      const known = this.heard.get(id);
      const stored = (this.pending.get(id) ?? []).filter(
        ({ kind, body }) => kind === "up/report" && (body as Report).number === report?.body.number,
      );
      for (const message of stored) this.hear(id, message);
      if (known !== undefined) this.heard.set(id, { ...known, ...this.heard.get(id), confirmedAt: heardAt });
    }
    this.pending.clear();
    this.asks.hubStarted();
  }

  /** A message reaches the hub. Returns what to call when the hub confirms it. */
  arrives(site: string, kind: TopicKind, frame: Uint8Array): () => void {
    if (kind === "presence") return () => {};
    const message = { arrivedAt: this.now(), kind, body: bodyOf(frame) };
    const waiting = this.pending.get(site) ?? [];
    this.pending.set(site, [...waiting, message]);
    return () => {
      this.pending.set(site, this.pending.get(site)?.filter((other) => other !== message) ?? []);
      if (this.recorded.has(site)) this.hear(site, message);
    };
  }

  private hear(site: string, { arrivedAt, kind, body }: { arrivedAt: number; kind: TopicKind; body: unknown }): void {
    const before = this.heard.get(site);
    const confirmedAt = this.now();
    let report = before?.report ?? null;
    if (kind === "up/report" && (body as Report).number > (report?.body.number ?? 0)) {
      report = { body: body as Report, confirmedAt };
      for (const sites of this.given.values()) {
        const given = sites.get(site);
        if (given !== undefined) judge(given, report.body, { arrivedAt, confirmedAt });
      }
    }
    this.heard.set(site, { arrivedAt: Math.max(before?.arrivedAt ?? 0, arrivedAt), confirmedAt, report });
  }

  committed(_effect: string, batch: Batch): void {
    for (const { site } of batch.records ?? []) this.recorded.set(site, true);
    const before = new Map<string, Phase | undefined>();
    for (const { run, sites } of batch.runs ?? []) {
      const known = this.runs.get(run.id);
      before.set(run.id, known?.phase);
      if (run.phase.kind === "completed" && known?.phase.kind !== "completed")
        this.completions.push({ rollout: run.rollout, digest: run.target.digest, at: run.phase.at });
      this.merge(run, sites);
    }
    if (batch.meta !== undefined) this.checkPaused();
    // Gates were judged by what was given before; what follows from them comes after.
    for (const { run } of batch.runs ?? []) this.stepped(before.get(run.id), this.run(run.id));
    // All of one commit are in force at once: one site makes room for another.
    const replaced = (batch.assignments ?? []).map((entry) => ({ entry, before: this.assignments.get(entry.site) }));
    for (const { entry } of replaced) this.assignments.set(entry.site, entry);
    for (const { entry, before } of replaced) this.replaced(entry, before);
    if ((batch.runs ?? []).some(({ run: { id, phase } }) => before.get(id)?.kind !== phase.kind)) checkWithdrawn(this);
  }

  /** In one commit with the term by which a restored hub fences the one before it. One that goes back goes on: nobody stays on what failed. */
  private checkPaused(): void {
    for (const { id, phase } of this.runs.values()) {
      if ((VERBS.pause as readonly string[]).includes(phase.kind))
        this.fail("restored", `${id} is ${phase.kind} where the hub found that it was restored`, [id]);
    }
  }

  private merge(run: StoredRun["run"], rows: StoredRun["sites"]): void {
    const known = this.runs.get(run.id);
    const sites = known?.sites ?? planned(run);
    checkEvidence(this, { ...run, sites, joined: NOBODY }, rows);
    const joined = new Set<string>();
    for (const [site, progress] of rows) {
      const was = sites.get(site);
      if (was === undefined) joined.add(site);
      else if (was.wave !== progress.wave) this.fail("oneWave", `${site} leaves its wave in ${run.id}`, [site, run.id]);
      sites.set(site, progress);
    }
    this.runs.set(run.id, { ...run, sites, joined });
  }

  private run(id: string): TrueRun {
    const found = this.runs.get(id);
    if (found === undefined) throw new Error(`no run ${id}`);
    return found;
  }

  published(site: string, frame: Uint8Array): void {
    this.atSites.told(site, bodyOf(frame) as AssignmentSet);
  }

  private replaced({ site, set, assigned }: SiteAssignment, before: SiteAssignment | undefined): void {
    if (before?.set === set) return;
    this.atSites.replaced(site, set);
    for (const [bundle, each] of Object.entries(assigned)) {
      const was = before?.assigned[bundle] ?? null;
      if (was !== null && sameIntroduction(was, each)) continue;
      this.keepGiven(site, bundle, each);
      checkGiven(this, { site, bundle, was }, each);
    }
  }

  private keepGiven(site: string, bundle: string, assigned: Assigned): void {
    const { run, digest, values, record, introduced, at } = assigned;
    const idle = isIdle(this, site, bundle, assigned);
    const sites = this.given.get(run) ?? new Map<string, Given>();
    const heard = { ackedAt: null, healthy: false, ended: false, unwellSince: null };
    sites.set(site, { run, site, bundle, digest, values, record, introduced, at, idle, ...heard });
    this.given.set(run, sites);
    if (!idle) this.starts.set(run, [...(this.starts.get(run) ?? []), at]);
  }

  private stepped(before: Phase | undefined, run: TrueRun): void {
    const { phase } = run;
    if (hasBegun(phase) && !this.begun.has(run.id)) this.begun.set(run.id, this.now());
    checkBegin(this, before, run, "since" in phase ? phase.since : this.now());
    checkReadyGate(this, before, run);
    if (before === undefined) checkPlan(this, run);
    else checkGate(this, before, run);
  }

  /** Noted and not thrown: whoever is being watched would catch it. */
  fail(invariant: Invariant, words: string, about: readonly string[]): void {
    this.violation ??= new Violation(invariant, words, about);
  }
}

const NOBODY: ReadonlySet<string> = new Set();

function planned({ plan, startedAt }: StoredRun["run"]): Map<string, SiteProgress> {
  return new Map(
    plan.waves.flatMap(({ sites }, wave) => sites.map((site) => [site, notBegun(wave, startedAt)] as const)),
  );
}

function sameIntroduction(a: Assigned, b: Assigned): boolean {
  return a.run === b.run && a.introduced[0] === b.introduced[0] && a.introduced[1] === b.introduced[1];
}

function replaceAll<K, V>(map: Map<K, V>, by: ReadonlyMap<K, V>): void {
  map.clear();
  for (const [key, value] of by) map.set(key, value);
}
