import { holdAtMost } from "../shared/bundle.ts";
import type { EventKind } from "../shared/event.ts";
import { milliseconds, rfc3339 } from "../shared/names.ts";
import type { Clock, Journal, Log, Random } from "../shared/ports.ts";
import { isHealing } from "./apply/apply-object.ts";
import { execute, type Hands } from "./apply/execute.ts";
import type { Kube } from "./apply/kube.ts";
import { codeOf, type Failure, failureWords, isFinal } from "./apply/retry.ts";
import type { Cache, Hold } from "./cache/cache.ts";
import { Drifts } from "./drifts.ts";
import { type Evaluation, evaluate, isMoving } from "./evaluate.ts";
import type { Tally } from "./local/tally.ts";
import type { Fingerprinting } from "./observe/fingerprint.ts";
import type { Live } from "./observe/live.ts";
import type { ApplyPlan } from "./plan/plan.ts";
import type { Unseal } from "./pull/trust.ts";
import { noteRefusal } from "./refusal.ts";
import { type EventDraft, eventOf, eventsOf } from "./report/events.ts";
import { givenUp } from "./report/given-up.ts";
import type { BundleSituation } from "./report/report.ts";
import { waitingWords } from "./report/waiting.ts";
import { type Circumstances, Shelf } from "./shelf.ts";
import { begin, commit, giveUp, pass, verifying } from "./target/hold.ts";
import { withJobs } from "./target/jobs.ts";
import { type Attempt, type Decision, target } from "./target/target.ts";
import type { Wanted } from "./target/wanted.ts";
import { Tries } from "./tries.ts";

export interface World {
  /** Its name. */
  site: string;
  unseal: Unseal;
  fingerprint: Fingerprinting;
  cache: Cache;
  live: Live;
  kube: Kube;
  clock: Clock;
  random: Random;
  journal: Journal;
  log: Log;
  tally: Tally;
}

/** Failures of one pass that are logged one by one. */
const LOGGED_AT_MOST = 20;
/** ms after which a pass begins no further step. */
const PASS_MS = 15_000;
/** Decisions that one pass may carry out before the others get their turn. */
const ROUNDS = 8;

/** One bundle at the site: target, plan, apply and observe in turn, with the memory of this process that they need. */
export class BundleCycle {
  readonly bundle: string;
  private readonly world: World;
  readonly shelf: Shelf;
  /** What failed, and when it is tried again. */
  private readonly tries = new Tries();
  private readonly drifts = new Drifts();
  private refused: Failure | null = null;
  private startedAt: number;
  private healthySince: number | null = null;
  /** `createdAt` of what runs, once it was opened in this process: by then so much time had passed. */
  runsSince: string | null = null;
  /** How long a site may put off what comes after it, as far as what runs says: ms; null before it was opened. */
  holdAtMost: number | null = null;
  /** Why nothing starts, where nothing runs either. */
  stays: string | null = null;
  /** Wall clock, ms: what is wanted may start then. */
  private startsAt: number | null = null;
  /** What it takes though nobody assigns it; null: nothing. */
  takes: { version: string; digest: string } | null = null;
  /** The last pass ended before its plan did. */
  private isCut = false;

  constructor(bundle: string, world: World) {
    this.bundle = bundle;
    this.world = world;
    this.startedAt = world.clock.monotonic();
    this.shelf = new Shelf(bundle, world, (event) => this.tell(event));
  }

  /** Runs until there is nothing to do now. Null where nothing runs and nothing is to run. */
  async run(circumstances: Circumstances): Promise<BundleSituation | null> {
    for (let round = 0; round < ROUNDS; round += 1) {
      const hold = this.hold();
      const evaluation = hold === null ? null : this.evaluate(hold, circumstances);
      const wanted = this.shelf.wanted(circumstances);
      this.takes = wanted?.by === "adopted" ? wanted.onDisk : null;
      const decision = this.decide(hold, evaluation, wanted, circumstances);
      this.startsAt = decision.do === "stay" && circumstances.time.synced ? decision.until : null;
      noteRefusal(this.world.cache, this.bundle, { decision, wanted, ...circumstances }, (event) => this.tell(event));
      if (this.carryOut(hold, decision)) continue;
      this.stays = hold === null ? waitingWords(null, decision) : null;
      if (hold === null) return null;
      if (evaluation === null || evaluation.plan.steps.length === 0) return this.situation(hold, evaluation, decision);
      if (await this.perform(hold, evaluation.plan)) continue;
      return this.situation(hold, evaluation, decision);
    }
    const hold = this.hold();
    return hold === null ? null : this.situation(hold, this.evaluate(hold, circumstances), null);
  }

  /** Milliseconds after which this bundle must be looked at again by itself; null: only when something happens. */
  wakeIn(hold: Hold | undefined): number | null {
    const { clock } = this.world;
    const now = clock.monotonic();
    const untils = [...[...this.tries.waiting.values()].map(({ until }) => until), ...this.drifts.waits()];
    const waits = untils.map((until) => Math.max(10, until - now));
    if (hold !== undefined && isMoving(hold)) waits.push(200);
    if (this.isCut) waits.push(10);
    if (this.startsAt !== null) waits.push(Math.max(10, this.startsAt - clock.now()));
    return waits.length === 0 ? null : Math.min(...waits);
  }

  private hold(): Hold | null {
    return this.world.cache.holds().find((hold) => hold.bundle === this.bundle) ?? null;
  }

  private evaluate(hold: Hold, { trust, others }: Circumstances): Evaluation | null {
    const { cache, live, clock } = this.world;
    const content = this.shelf.content(hold.running, trust);
    if (content === null || "unfit" in content) return null;
    const { manifest, rendered } = content;
    this.runsSince = manifest.createdAt;
    this.holdAtMost = holdAtMost(manifest);
    const inventory = cache.inventory(this.bundle);
    live.judgeBy(this.bundle, rendered);
    live.follow([...rendered.objects.map(({ ref }) => ref), ...inventory.map((row) => row.object)]);
    const now = clock.monotonic();
    const known = { backoff: this.tries.waiting, left: this.drifts.left };
    const found = evaluate(hold, content, { live: live.view(), inventory, ...known, others, now });
    if (!found.applied || found.summary.verdict.health !== "healthy") this.healthySince = null;
    else this.healthySince ??= now;
    return found;
  }

  private decide(
    hold: Hold | null,
    evaluation: Evaluation | null,
    wanted: Wanted | null,
    { trust: { record }, ...rest }: Circumstances,
  ): Decision {
    const now = this.world.clock.monotonic();
    const health = evaluation?.manifest.health;
    const attempt: Attempt = {
      applied: evaluation?.applied ?? false,
      refused: this.refused === null ? null : { code: codeOf(this.refused), words: failureWords(this.refused) },
      broken: evaluation?.plan.failed ?? null,
      asks: asksOf(evaluation),
      passed: evaluation?.plan.passed ?? null,
      verdict: evaluation?.summary.verdict ?? { health: "progressing", because: "its content is not on disk" },
      healthyForMs: this.healthySince === null ? 0 : now - this.healthySince,
      elapsedMs: now - this.startedAt,
      holdForMs: health === undefined ? 0 : milliseconds(health.holdFor),
      deadlineMs: health === undefined ? Number.POSITIVE_INFINITY : milliseconds(health.deadline),
    };
    return target({
      wanted,
      hold,
      marks: this.world.cache.marks().get(this.bundle) ?? null,
      record: record === null ? null : { number: record.number, retired: record.retired === true },
      attempt,
      ...rest,
    });
  }

  /** True where the hold changed. Stored with its event, as one, before anything else happens. */
  private carryOut(hold: Hold | null, decision: Decision): boolean {
    const since = rfc3339(this.world.clock.now());
    switch (decision.do) {
      case "stay":
        return false;
      case "start":
        this.move(begin(hold, this.bundle, decision, since), "hold.begin", "applying", {
          words: decision.because,
        });
        this.restart();
        return true;
      case "verify":
        if (hold !== null)
          this.world.cache.transaction("hold.verify", () => this.world.cache.keepHold(verifying(hold, since)));
        return hold !== null;
      case "pass":
        if (hold !== null)
          this.world.cache.transaction("hold.pass", () => this.world.cache.keepHold(pass(hold, decision.phase)));
        return hold !== null;
      case "commit": {
        if (hold === null) return false;
        const next = commit(hold, since);
        this.move(next, "hold.commit", next.state === "reverted" ? "reverted" : "committed", {});
        this.shelf.retain(next);
        return true;
      }
      case "give-up": {
        if (hold === null) return false;
        const next = giveUp(hold, decision.code, since, decision.asks);
        const { code } = decision;
        const words = givenUp(decision.words, hold);
        this.move(next, "hold.give-up", next.state === "reverting" ? "reverting" : "failed", {
          digest: hold.running.digest,
          code,
          words,
        });
        this.restart();
        return true;
      }
    }
  }

  private move(next: Hold, effect: string, kind: EventKind, details: Omit<EventDraft, "kind">): void {
    this.world.log.info({ bundle: this.bundle, version: next.running.version, state: next.state, ...details }, kind);
    const { cache } = this.world;
    cache.transaction(effect, () => {
      cache.keepHold(next);
      // Here the site's marks rise, and nowhere else.
      if (kind === "committed") cache.raiseMarks(this.bundle, next.running);
      this.tell({ kind, digest: next.running.digest, ...details });
    });
  }

  private restart(): void {
    this.startedAt = this.world.clock.monotonic();
    this.healthySince = null;
    this.refused = null;
    this.tries.clear();
    this.drifts.restart();
  }

  /** False where it took so long that the others have their turn first. */
  private async perform(hold: Hold, applyPlan: ApplyPlan): Promise<boolean> {
    const { clock, random, log, cache, tally } = this.world;
    const tell: Hands["tell"] = (done) => {
      const events = eventsOf(hold, done).map((event) => eventOf(this.bundle, event, clock.now()));
      if (events.length > 0) cache.addEvents(events);
      if (events.some(({ kind }) => kind === "drift"))
        tally.driftHealed += done.filter(({ step, did }) => isHealing(step) && did === "applied").length;
    };
    const note: Hands["note"] = (jobs) => {
      const now = this.hold();
      if (now !== null) cache.keepHold(withJobs(now, jobs));
    };
    const end = clock.monotonic() + PASS_MS;
    const enough = () => clock.monotonic() >= end;
    const hands = { ...this.world, ...this.drifts.hands(() => clock.monotonic()), tell, note };
    const failures = await execute(applyPlan, hands, enough);
    const failed = this.tries.learn(applyPlan.steps, failures, clock.monotonic(), random());
    for (const { name, words, attempts } of failed.slice(0, LOGGED_AT_MOST))
      log.warn({ bundle: this.bundle, object: name, words, attempts }, "apply failed");
    if (failed.length > LOGGED_AT_MOST)
      log.warn({ bundle: this.bundle, more: failed.length - LOGGED_AT_MOST }, "apply failed");
    for (const { step, name, failure, words, isNew } of failed) {
      if (isNew && isHealing(step) && !isMoving(hold))
        this.tell({ kind: "drift", object: name, code: codeOf(failure), words: `cannot be put back: ${words}` });
    }
    this.refused ??= failures.find(isFinal) ?? null;
    this.isCut = enough();
    return !this.isCut;
  }

  private tell(event: EventDraft): void {
    this.world.cache.addEvents([eventOf(this.bundle, event, this.world.clock.now())]);
  }

  private situation(hold: Hold, evaluation: Evaluation | null, decision: Decision | null): BundleSituation {
    const now = this.world.clock.monotonic();
    return {
      hold,
      marks: this.world.cache.marks().get(this.bundle) ?? null,
      flags: evaluation?.flags ?? [],
      summary: evaluation?.summary ?? {
        total: 0,
        healthy: 0,
        verdict: { health: "progressing", because: "its content is not on disk" },
      },
      drifted: evaluation?.plan.drifted.length ?? 0,
      healthyForMs: this.healthySince === null ? 0 : now - this.healthySince,
      waitingOn: waitingWords(evaluation, decision),
    };
  }
}

/** A Job of which nobody can tell whether it did its work. */
function asksOf(evaluation: Evaluation | null): string | null {
  const found = evaluation?.plan.waitingOn.find(({ on }) => on === "job");
  return found === undefined ? null : `${found.object} ${found.words}`;
}
