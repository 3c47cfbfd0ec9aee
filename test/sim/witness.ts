import type { Cache, Hold, State } from "../../agent/cache/cache.ts";
import type { Start } from "../../agent/target/may-start.ts";
import type { Assigned } from "../../hub/registry/site.ts";
import type { Batch, HubState, SiteAssignment } from "../../hub/registry/store.ts";
import type { Phase, SiteProgress } from "../../hub/rollout/run.ts";
import { notBegun } from "../../hub/rollout/start.ts";
import type { StoredRun } from "../../hub/rollout/stored.ts";
import type { AssignmentSet } from "../../shared/assignment.ts";
import { sorted } from "../../shared/canonical.ts";
import type { SiteEvent } from "../../shared/event.ts";
import { comparePairs, type Pair, short } from "../../shared/names.ts";
import type { TopicKind } from "../../shared/protocol.ts";
import type { Report } from "../../shared/report.ts";
import { checkGate } from "./check-gate.ts";
import { checkPace } from "./check-pace.ts";
import { type Facts, type Given, type Heard, hasTaken, judge, type TrueRun } from "./evidence.ts";
import { bodyOf } from "./mint.ts";
import { type Invariant, Violation } from "./violation.ts";

interface SiteTruth {
  lastTaken: readonly [number, number];
  /** Highest pair and floor that were committed, by bundle: they outlive the disk. */
  marks: Map<string, { pair: Pair; floor: Pair }>;
  /** Events by number, as this life of the disk numbered them; those that no ack confirmed. */
  events: Map<number, SiteEvent>;
  /** `run digest values record` of what was tried once more. */
  retried: Set<string>;
  /** `number` of every set that was stored for it, with what its items say. */
  sets: Map<string, ReadonlySet<string>>;
}

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
  readonly barred = new Set<string>();
  /** `run site` of the sites that people took out. */
  readonly skipped = new Set<string>();
  /** Runs of which somebody asks at this moment that the next wave opens. */
  readonly promoting = new Set<string>();
  /** Reached the hub, and were not confirmed: by site. */
  private readonly pending = new Map<string, { arrivedAt: number; kind: TopicKind; body: unknown }[]>();
  private readonly sites = new Map<string, SiteTruth>();
  private readonly now: () => number;
  private readonly stored: (site: string, number: number) => SiteEvent | undefined;

  constructor(now: () => number, stored: (site: string, number: number) => SiteEvent | undefined) {
    this.now = now;
    this.stored = stored;
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
  }

  /** A message reaches the hub. Returns what to call when the hub confirms it. */
  arrives(site: string, kind: TopicKind, frame: Uint8Array): () => void {
    if (kind === "presence") return () => {};
    const message = { arrivedAt: this.now(), kind, body: bodyOf(frame) };
    const waiting = this.pending.get(site) ?? [];
    this.pending.set(site, [...waiting, message]);
    return () => {
      this.pending.set(site, this.pending.get(site)?.filter((other) => other !== message) ?? []);
      this.hear(site, message);
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
    const before = new Map<string, Phase | undefined>();
    for (const { run, sites } of batch.runs ?? []) {
      before.set(run.id, this.runs.get(run.id)?.phase);
      this.merge(run, sites);
    }
    for (const each of batch.assignments ?? []) this.replaced(each);
    for (const { run } of batch.runs ?? []) this.stepped(before.get(run.id), this.run(run.id));
    if ((batch.runs ?? []).some(({ run: { id, phase } }) => before.get(id)?.kind !== phase.kind)) this.checkWithdrawn();
  }

  private merge(run: StoredRun["run"], rows: StoredRun["sites"]): void {
    const known = this.runs.get(run.id);
    const sites = known?.sites ?? planned(run);
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
    const set = bodyOf(frame) as AssignmentSet;
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

  private replaced(entry: SiteAssignment): void {
    const { site, set, assigned } = entry;
    const before = this.assignments.get(site);
    this.assignments.set(site, entry);
    if (before?.set === set) return;
    this.site(site).sets.set(
      numberOf(set),
      new Set(set.items.map((item) => itemKey({ ...item, values: hashOf(item) }))),
    );
    for (const [bundle, each] of Object.entries(assigned)) {
      if (before?.assigned[bundle] !== undefined && sameIntroduction(before.assigned[bundle], each)) continue;
      this.introduced(site, bundle, each, set);
    }
  }

  private introduced(site: string, bundle: string, { run: id, digest, introduced, at }: Assigned, set: AssignmentSet) {
    const item = set.items.find((each) => each.bundle === bundle);
    const run = this.runs.get(id);
    if (run === undefined)
      return this.fail("authorised", `${site} is given ${bundle} by ${id}, which is no run`, [site]);
    // Given what it committed: that starts nothing, and is how a site gets back what a run that stopped had given.
    const runs = this.heard.get(site)?.report?.body.items.find((each) => each.bundle === bundle);
    const isIdle = runs?.state === "committed" && runs.digest === short(digest);
    if (!isIdle && !MOVES.has(run.phase.kind))
      this.fail("stopped", `${site} is given ${item?.version} by ${id}, which is ${run.phase.kind}`, [site, id]);
    this.keepGiven({ run: id, site, bundle, digest, introduced, at }, isIdle);
    if (isIdle) return;
    const known = [run.target, ...(run.known ?? [])].some((target) => target.digest === digest);
    const isBack = run.phase.kind === "reverting" || run.phase.kind === "reverted";
    if (!known || (digest !== run.target.digest && !isBack))
      this.fail("authorised", `${site} is given ${item?.version} by ${id}, whose version is ${run.target.version}`, [
        site,
        id,
      ]);
    checkPace(this, run, site, at);
  }

  private keepGiven(
    given: Pick<Given, "run" | "site" | "bundle" | "digest" | "introduced" | "at">,
    idle: boolean,
  ): void {
    const { run, site, at } = given;
    const sites = this.given.get(run) ?? new Map<string, Given>();
    sites.set(site, { ...given, idle, ackedAt: null, healthy: false, ended: false, unwellSince: null });
    this.given.set(run, sites);
    if (!idle) this.starts.set(run, [...(this.starts.get(run) ?? []), at]);
  }

  private stepped(before: Phase | undefined, run: TrueRun): void {
    if (before === undefined) this.checkPlan(run);
    else checkGate(this, before, run);
  }

  private checkPlan({ id, plan, sites }: TrueRun): void {
    const seen = new Set<string>();
    for (const [index, wave] of plan.waves.entries()) {
      for (const site of wave.sites) {
        if (seen.has(site) || sites.get(site)?.wave !== index)
          this.fail("oneWave", `${site} is in two waves of ${id}`, [site, id]);
        seen.add(site);
      }
    }
    for (const { site } of plan.left)
      if (seen.has(site)) this.fail("oneWave", `${site} is in a wave of ${id}, and left out`, [site, id]);
  }

  /** Of a run that stands still, no site holds what it neither took nor runs. */
  private checkWithdrawn(): void {
    for (const { site, set, assigned } of this.assignments.values()) {
      if (this.barred.has(site)) continue;
      for (const [bundle, { run: id, digest, introduced }] of Object.entries(assigned)) {
        const run = this.runs.get(id);
        if (run === undefined || MOVES.has(run.phase.kind)) continue;
        const report = this.heard.get(site)?.report?.body;
        const item = report?.items.find((each) => each.bundle === bundle);
        // One that took it, and lost its disk since, has taken it.
        const wasTaken = this.given.get(id)?.get(site)?.ackedAt ?? null;
        if (hasTaken(report, introduced) || wasTaken !== null || item?.digest === short(digest)) continue;
        this.fail(
          "withdrawn",
          `${site} did not take set ${introduced.join(".")} of ${id}, which is ${run.phase.kind}, and still has it in set ${numberOf(set)}`,
          [site, id],
        );
      }
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

  /** Noted and not thrown: whoever is being watched would catch it. */
  fail(invariant: Invariant, words: string, about: readonly string[]): void {
    this.violation ??= new Violation(invariant, words, about);
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

function planned({ plan, startedAt }: StoredRun["run"]): Map<string, SiteProgress> {
  return new Map(
    plan.waves.flatMap(({ sites }, wave) => sites.map((site) => [site, notBegun(wave, startedAt)] as const)),
  );
}

/** Phases in which a run gives out assignments. */
const MOVES: ReadonlySet<string> = new Set(["rolling", "completed", "reverting", "reverted"]);

function sameIntroduction(a: Assigned, b: Assigned): boolean {
  return a.run === b.run && a.introduced[0] === b.introduced[0] && a.introduced[1] === b.introduced[1];
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

/** No version of a simulation takes values yet. */
function hashOf(_item: AssignmentSet["items"][number]): string {
  return "";
}
