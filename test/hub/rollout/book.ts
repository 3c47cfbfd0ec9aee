import type { FleetMember } from "../../../hub/registry/site.ts";
import type { Input, Run } from "../../../hub/rollout/run.ts";
import type { Outcome } from "../../../shared/rollout.ts";

/**
 * The rules of outcomes and gates once more, as docs/rollout.md says them, for runs without prepare, pace or windows that pause on
 * failure: everything is counted anew from what sites reported, and nothing is shared with the engine but types.
 */
export class Book {
  /** Index of the wave that is open; one past the last: completed. */
  wave = -1;
  paused = false;
  readonly outcomes = new Map<string, Outcome>();
  readonly #run: Run;
  readonly #pages = new Map<string, Page>();
  #fleet: ReadonlyMap<string, FleetMember> = new Map();
  #now = 0;

  constructor(run: Run) {
    this.#run = run;
    for (const [wave, { sites }] of run.plan.waves.entries()) {
      for (const site of sites) this.#pages.set(site, { wave, skipped: false, givenAt: null, dueAt: null, leg: null });
    }
  }

  turn(fleet: ReadonlyMap<string, FleetMember>, inputs: readonly Input[], now: number): void {
    this.#fleet = fleet;
    this.#now = now;
    this.#judgeAll();
    for (const input of inputs) {
      this.#take(input);
      this.#judgeAll();
    }
    if (this.wave < 0) this.#open(0);
    while (!this.paused && !this.#isCompleted()) {
      const verdict = this.#gate();
      if (verdict === "wait") return;
      if (verdict === "pass") this.#open(this.wave + 1);
      else this.paused = true;
      this.#judgeAll();
    }
  }

  #isCompleted(): boolean {
    return this.wave >= this.#run.plan.waves.length;
  }

  #open(wave: number): void {
    this.wave = wave;
    this.paused = false;
    this.#judgeAll();
  }

  #take(input: Input): void {
    const canAct = !this.#isCompleted() && this.wave >= 0;
    if (input.kind === "pause" && canAct) this.paused = true;
    if (input.kind === "resume") this.paused = false;
    if (input.kind === "promote" && canAct && input.wave === this.#run.plan.waves[this.wave]?.name) {
      this.#open(this.wave + 1);
    }
    const page = input.kind === "skip" && !this.#isCompleted() ? this.#pages.get(input.site) : undefined;
    if (page !== undefined) page.skipped = true;
  }

  #judgeAll(): void {
    for (const [site, page] of this.#pages) this.outcomes.set(site, this.#judge(page, this.#fleet.get(site)));
  }

  #judge(page: Page, member: FleetMember | undefined): Outcome {
    const outcome = this.#outcome(page, member);
    if (LEFT_ALONE.has(outcome)) page.givenAt = null;
    if (!ON_ITS_WAY.has(outcome) && outcome !== "timedOut") page.leg = null;
    return outcome;
  }

  #outcome(page: Page, member: FleetMember | undefined): Outcome {
    const { id, target } = this.#run;
    if (page.skipped) return "skipped";
    if (member === undefined || !member.bundles.includes(target.bundle)) return "ineligible";
    if (page.wave > this.wave) return "pending";
    const body = member.site.report?.body;
    const item = body?.items.find(({ bundle }) => bundle === target.bundle);
    const runsIt = item?.digest === target.digest.slice(0, 32);
    if (item?.marks !== undefined && isAbove(item.marks[0], target.pair) && !runsIt) return "ahead";
    const given = member.assigned[target.bundle];
    const isGiven = given?.run === id && given.digest === target.digest;
    const [term, number] = body?.assignment ?? [0, 0];
    const [sinceTerm, sinceNumber] = given?.introduced ?? [0, 0];
    if (isGiven && (term > sinceTerm || (term === sinceTerm && number >= sinceNumber))) {
      page.givenAt ??= this.#now;
      if (item?.failed?.digest === target.digest.slice(0, 32) && !runsIt) {
        return item.state === "committed" || item.state === "reverted" ? "reverted" : "failed";
      }
      if (!runsIt) return body?.held === undefined ? this.#underWay(page, member, "applying") : "held";
      if (item.state === "failed" || item.state === "stuck") return "failed";
      if (item.state === "applying") return this.#underWay(page, member, "applying");
      if (item.state === "verifying" || item.state === "reverting") return this.#underWay(page, member, "verifying");
      const isWell = item.objects === undefined ? item.healthyFor > 0 : item.objects.healthy === item.objects.total;
      return isWell && this.#holds(page, member) ? "succeeded" : this.#underWay(page, member, "verifying");
    }
    // Not taken. What stands still gives nothing; what timed out meanwhile did so.
    // It is taken off it, so that a resume gives it anew, with a deadline of its own.
    if (this.paused) page.leg = null;
    if (this.paused) return this.outcomes.get(member.id) === "timedOut" ? "timedOut" : "pending";
    if (body?.held !== undefined) return "held";
    page.givenAt ??= this.#now;
    if (this.#now - Math.max(member.site.heardAt, page.givenAt) >= OFFLINE_AFTER) return "offline";
    return this.#underWay(page, member, "notified");
  }

  /** Until its deadline, which runs from the assignment or the return, and anew from the report that says more. */
  #underWay(page: Page, member: FleetMember, outcome: Outcome): Outcome {
    const leg = outcome === "notified" ? "take" : "settle";
    const isOver = this.outcomes.get(member.id) === "timedOut";
    if (page.leg === null || (page.leg !== leg && !isOver)) {
      page.dueAt = DEADLINE + (leg === "take" ? this.#now : (member.site.report?.at ?? this.#now));
    }
    page.leg = leg;
    return this.#now >= (page.dueAt ?? 0) ? "timedOut" : outcome;
  }

  /** At a gate only what is fresh counts; a site of a wave that passed reports on change alone. */
  #holds({ wave }: Page, { site }: FleetMember): boolean {
    return wave < this.wave || this.#now <= (site.report?.at ?? 0) + 3 * REPORT_EVERY;
  }

  #gate(): "pass" | "pause" | "wait" {
    const { plan, spec } = this.#run;
    for (let wave = 0; wave <= this.wave; wave += 1) {
      const [failed, well, waiting] = [FAILED, WELL, MAY_YET].map((some) => this.#of(wave, some).length);
      const ended = (failed ?? 0) + (well ?? 0);
      const isSample = ended >= Math.min(spec.failure.minSample, ended + (waiting ?? 0));
      if (isSample && 100 * (failed ?? 0) > percent(spec.failure.over) * ended) return "pause";
    }
    const well = this.#of(this.wave, WELL);
    const failed = this.#of(this.wave, FAILED).length;
    const counted = well.length + failed + this.#of(this.wave, MAY_YET).length;
    const reachable = counted + this.#of(this.wave, ASIDE).length;
    const needed = Math.max(1, share(plan.waves[this.wave]?.success ?? "", counted));
    if (reachable === 0 || (counted > 0 && counted - failed < needed)) return "pause";
    const soaked = well.filter((site) => this.#healthyFor(site) >= (plan.waves[this.wave]?.soakSeconds ?? 0));
    const isQuorum = counted >= Math.max(1, share(spec.quorum, reachable));
    return soaked.length >= needed && isQuorum ? "pass" : "wait";
  }

  #of(wave: number, outcomes: ReadonlySet<Outcome>): string[] {
    return [...this.#pages]
      .filter(([site, page]) => page.wave === wave && outcomes.has(this.outcomes.get(site) ?? "pending"))
      .map(([site]) => site);
  }

  #healthyFor(site: string): number {
    const items = this.#fleet.get(site)?.site.report?.body.items ?? [];
    return items.find(({ bundle }) => bundle === this.#run.target.bundle)?.healthyFor ?? 0;
  }
}

interface Page {
  wave: number;
  skipped: boolean;
  givenAt: number | null;
  dueAt: number | null;
  /** To take it, or to settle on it. */
  leg: "take" | "settle" | null;
}

const [DEADLINE, OFFLINE_AFTER, REPORT_EVERY] = [1_800_000, 300_000, 60_000];
const set = (...outcomes: Outcome[]): ReadonlySet<Outcome> => new Set(outcomes);
const WELL = set("succeeded");
const FAILED = set("failed", "reverted", "timedOut");
const ON_ITS_WAY = set("notified", "applying", "verifying");
const MAY_YET = set("pending", "notified", "applying", "verifying");
const ASIDE = set("offline", "held", "deferred");
const LEFT_ALONE = set("pending", "held", "deferred", "ahead", "skipped", "ineligible");

function percent(text: string): number {
  return Number(text.replace("%", ""));
}

function share(text: string, of: number): number {
  return Math.ceil((percent(text) * of) / 100);
}

function isAbove(pair: readonly [number, number], other: readonly [number, number]): boolean {
  return pair[0] > other[0] || (pair[0] === other[0] && pair[1] > other[1]);
}
