import type { Cache, Hold, Marks } from "../../agent/cache/cache.ts";
import { type EventDraft, eventOf } from "../../agent/report/events.ts";
import type { BundleSituation } from "../../agent/report/report.ts";
import type { Time } from "../../agent/target/clock.ts";
import type { Held } from "../../agent/target/held.ts";
import { begin, commit, giveUp, verifying } from "../../agent/target/hold.ts";
import { type Decision, target } from "../../agent/target/target.ts";
import { assigned, type OnDisk, type Wanted } from "../../agent/target/wanted.ts";
import type { AssignmentSet } from "../../shared/assignment.ts";
import { rfc3339 } from "../../shared/names.ts";
import { valuesHash } from "../../shared/render/values.ts";
import type { VerifiedRecord } from "../../shared/verify/record.ts";
import type { Cluster } from "./cluster.ts";
import type { HoldAtSite } from "./hold-at-site.ts";
import { natureOf, type Version } from "./versions.ts";
import type { World } from "./world.ts";

const ROUNDS = 8;

interface Circumstances {
  time: Time;
  marksKnown: boolean;
  held: Held | "unknown" | null;
}

interface Around {
  world: World;
  site: string;
  cache: Cache;
  vault: Map<string, Marks>;
  cluster: Cluster;
  versions: ReadonlyMap<string, Version>;
  boot: string;
  hold: HoldAtSite;
  record(): VerifiedRecord;
  /** From the disk. */
  stored(digest: string): Version | null;
  fetch(version: Version): void;
}

/** One bundle at a site: what `agent/bundle-cycle.ts` does, with the agent's own decisions over a simulated cluster. */
export class BundleAtSite {
  private readonly bundle: string;
  private readonly around: Around;
  private hold: Hold | null;
  private startedAt: number;
  private healthySince: number | null = null;
  private startsAt: number | null = null;

  constructor(bundle: string, around: Around) {
    this.bundle = bundle;
    this.around = around;
    this.hold = around.cache.holds().find((hold) => hold.bundle === bundle) ?? null;
    this.startedAt = around.world.queue.now;
  }

  isMoving(): boolean {
    return this.hold !== null && ["applying", "verifying", "reverting", "stuck"].includes(this.hold.state);
  }

  /** Runs until there is nothing to do now. Null where nothing runs and nothing is to run. */
  run(set: AssignmentSet | null, circumstances: Circumstances): BundleSituation | null {
    for (let round = 0; round < ROUNDS; round += 1) {
      this.observe();
      const wanted = set === null ? null : this.wanted(set, "run");
      const decision = this.decide(wanted, circumstances);
      this.checkHold(decision, wanted);
      if (decision.do === "start") this.checkTime(set, circumstances.time);
      this.startsAt = decision.do === "stay" && circumstances.time.synced ? decision.until : null;
      if (!this.carryOut(decision, set)) return this.hold === null ? null : this.situation(decision);
    }
    return this.hold === null ? null : this.situation(null);
  }

  wakeIn(now: number): number | null {
    const waits: number[] = [];
    // The agent looks five times a second, and the simulation less often: nothing is decided in between.
    const { world } = this.around;
    if (this.isMoving()) waits.push(1_000 * (this.hold?.state === "stuck" ? world.stretch : 1));
    const changes = this.around.cluster.changesAt(now);
    if (changes !== null) waits.push(changes - now);
    if (this.startsAt !== null) waits.push(Math.max(10, this.startsAt - now));
    return waits.length === 0 ? null : Math.min(...waits);
  }

  private observe(): void {
    const { hold } = this;
    const { world, cluster, site } = this.around;
    if (hold === null) return;
    const { now } = world.queue;
    const version = this.around.versions.get(hold.running.digest);
    if (version !== undefined) cluster.apply(hold.running, natureOf(version, site, hold.running.values), now);
    if (!cluster.isApplied(now) || cluster.verdict(now).health !== "healthy") this.healthySince = null;
    else this.healthySince ??= now;
  }

  wanted(set: AssignmentSet, mode: "run" | "prepare"): Wanted | null {
    const item = set.items.find((each) => each.bundle === this.bundle && each.mode === mode);
    if (item === undefined) return null;
    const { record, fetch, versions } = this.around;
    const onDisk = this.onDisk(item.digest);
    const version = versions.get(item.digest);
    if (onDisk === null && version !== undefined) fetch(version);
    const recordHere = item.record <= record().number;
    return assigned(item, set, { values: valuesHash(item.values), recordHere, onDisk });
  }

  private onDisk(digest: string): OnDisk | null {
    const found = this.around.stored(digest);
    if (found === null) return null;
    const { version, pair, floor, holdAtMostMs: holdAtMost } = found;
    const fits = {
      from: null,
      inScope: true,
      rushedUntil: null,
      lacks: null,
      unfit: null,
      claimed: null,
    };
    return { digest, version, pair, floor, holdAtMost, ...fits };
  }

  private decide(wanted: Wanted | null, circumstances: Circumstances): Decision {
    const { cache, cluster, world, versions, boot } = this.around;
    const { hold } = this;
    const { now } = world.queue;
    const version = hold === null ? undefined : versions.get(hold.running.digest);
    const record = this.around.record();
    const refused = hold !== null && cluster.isRefused(now);
    return target({
      wanted,
      hold,
      marks: cache.marks().get(this.bundle) ?? null,
      ...circumstances,
      record: { number: record.number, retired: record.retired === true },
      boot,
      attempt: {
        applied: hold !== null && cluster.isApplied(now),
        refused: refused ? { code: "kube", words: "an object was refused" } : null,
        broken: null,
        asks: null,
        passed: null,
        verdict: hold === null ? { health: "progressing", because: "nothing runs" } : cluster.verdict(now),
        healthyForMs: this.healthySince === null ? 0 : now - this.healthySince,
        elapsedMs: now - this.startedAt,
        holdForMs: version?.holdForMs ?? 0,
        deadlineMs: version?.deadlineMs ?? Number.POSITIVE_INFINITY,
      },
    });
  }

  /** People there put off what is new: it is, and for no longer than it may be. */
  private checkHold(decision: Decision, wanted: Wanted | null): void {
    const { site, hold: asked, world } = this.around;
    const atMost = wanted?.onDisk?.holdAtMost;
    if (atMost === undefined) return;
    const isNew = decision.do === "start" && this.hold?.committed?.digest !== decision.state.digest;
    if (isNew && asked.certainly(atMost))
      world.witness.fail("held", `${site} starts ${wanted?.onDisk?.version}, and is held`, [site]);
    if (decision.do === "stay" && decision.because === "held" && asked.isOver(atMost))
      world.witness.fail("held", `${site} is held still, for longer than ${wanted?.onDisk?.version} allows`, [site]);
  }

  /** Of a clock that is wrong, nothing can be said. */
  private checkTime(set: AssignmentSet | null, { now }: Time): void {
    const { site, world } = this.around;
    if (set !== null && now === world.queue.now && Date.parse(set.expires) <= now)
      world.witness.fail("lapsed", `${site} starts what set ${set.term}.${set.number} allowed until ${set.expires}`, [
        site,
      ]);
  }

  /** True where the hold changed. */
  private carryOut(decision: Decision, set: AssignmentSet | null): boolean {
    const { hold } = this;
    const { world, site } = this.around;
    if (decision.do === "stay") return false;
    const since = rfc3339(world.queue.now);
    switch (decision.do) {
      case "start":
        world.witness.atSites.begins(site, this.bundle, { decision, hold, set });
        this.move(begin(hold, this.bundle, decision, since), { kind: "applying", words: decision.because });
        this.restart();
        return true;
      case "verify":
        if (hold === null) return false;
        this.keep(verifying(hold, since));
        return true;
      // No bundle here has phases.
      case "pass":
        return false;
      case "commit": {
        if (hold === null) return false;
        const next = commit(hold, since);
        this.move(next, { kind: next.state === "reverted" ? "reverted" : "committed" });
        return true;
      }
      case "give-up": {
        if (hold === null) return false;
        const next = giveUp(hold, decision.code, since, decision.asks);
        const kind = next.state === "reverting" ? "reverting" : "failed";
        this.move(next, { kind, digest: hold.running.digest, code: decision.code, words: decision.words });
        this.restart();
        return true;
      }
    }
  }

  private move(next: Hold, event: EventDraft): void {
    const { cache, vault, world, site } = this.around;
    const { bundle } = this;
    world.trace.note(`${site} ${event.kind}`, () => `${bundle} ${next.running.version} ${event.words ?? ""}`);
    cache.transaction("hold.move", () => {
      this.keep(next);
      if (event.kind === "committed") {
        cache.raiseMarks(bundle, next.running);
        vault.set(bundle, cache.marks().get(bundle) ?? next.running);
        world.witness.atSites.committedAt(site, bundle, next.running);
      }
      cache.addEvents([eventOf(bundle, { digest: next.running.digest, ...event }, world.queue.now)]);
    });
  }

  private keep(next: Hold): void {
    this.hold = next;
    this.around.cache.keepHold(next);
  }

  private restart(): void {
    this.startedAt = this.around.world.queue.now;
    this.healthySince = null;
  }

  private situation(decision: Decision | null): BundleSituation | null {
    const { hold, around } = this;
    if (hold === null) return null;
    const { now } = around.world.queue;
    const verdict = around.cluster.verdict(now);
    const healthy = around.cluster.isApplied(now) && verdict.health === "healthy" ? 1 : 0;
    return {
      hold,
      marks: around.cache.marks().get(this.bundle) ?? null,
      flags: [],
      summary: { total: 1, healthy, verdict },
      drifted: 0,
      healthyForMs: this.healthySince === null ? 0 : now - this.healthySince,
      waitingOn: decision?.do === "stay" && decision.code !== null ? decision.because : null,
    };
  }
}
