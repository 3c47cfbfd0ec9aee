import type { Cache, Prepared } from "../../agent/cache/cache.ts";
import { eventOf } from "../../agent/report/events.ts";
import type { Time } from "../../agent/target/clock.ts";
import { sameState } from "../../agent/target/hold.ts";
import { preparation } from "../../agent/target/prepare.ts";
import type { Wanted } from "../../agent/target/wanted.ts";
import type { AssignmentSet } from "../../shared/assignment.ts";
import type { ErrorCode } from "../../shared/errors.ts";
import { short } from "../../shared/names.ts";
import type { Prepared as Reported } from "../../shared/report.ts";
import type { VerifiedRecord } from "../../shared/verify/record.ts";
import { natureOf, REFUSED_WITH, type Version } from "./versions.ts";
import type { World } from "./world.ts";

const REST_MS = 60_000;

interface Around {
  world: World;
  site: string;
  cache: Cache;
  versions: ReadonlyMap<string, Version>;
  boot: string;
  record(): VerifiedRecord;
  /** Whether what the sources brought of it was refused. */
  isForged(digest: string): boolean;
  /** What is to be prepared, as the bundle there has it. */
  wanted(bundle: string, set: AssignmentSet): Wanted | null;
  onChange(): void;
}

/** What one agent process prepares: what `agent/preparer.ts` does, with the agent's own decision; the cluster's answers are simulated. */
export class PreparerAtSite {
  private readonly around: Around;
  private underway: string | null = null;
  private restUntil = 0;
  private wakeAt: number | null = null;
  private over = false;

  constructor(around: Around) {
    this.around = around;
  }

  /** What a report says of it. */
  look(set: AssignmentSet | null, circumstances: { time: Time; marksKnown: boolean; now: number }): Reported[] {
    const { cache } = this.around;
    this.wakeAt = null;
    const items = set?.items.filter(({ mode }) => mode === "prepare") ?? [];
    for (const { bundle } of cache.prepared())
      if (!items.some((item) => item.bundle === bundle)) cache.dropPrepared(bundle);
    return items.flatMap(({ bundle }) => {
      const wanted = set === null ? null : this.around.wanted(bundle, set);
      const found = wanted === null ? null : this.lookAt(bundle, wanted, circumstances);
      return wanted === null || found === null || !sameState(found, wanted) ? [] : [reported(found)];
    });
  }

  wakeIn(now: number): number | null {
    return this.wakeAt === null ? null : Math.max(10, this.wakeAt - now);
  }

  end(): void {
    this.over = true;
  }

  private lookAt(
    bundle: string,
    wanted: Wanted,
    circumstances: { time: Time; marksKnown: boolean; now: number },
  ): Prepared | null {
    const { cache, world, boot, record, isForged } = this.around;
    const stored = cache.prepared().find((each) => each.bundle === bundle) ?? null;
    const { number, retired } = record();
    const decision = preparation({
      ...circumstances,
      wanted,
      hold: cache.holds().find((each) => each.bundle === bundle) ?? null,
      marks: cache.marks().get(bundle) ?? null,
      held: null,
      record: { number, retired: retired === true },
      boot,
      refused: isForged(wanted.digest) ? { code: REFUSED_WITH, words: "forged" } : null,
      last: stored === null ? null : { ...stored, ready: stored.code === null },
      basis: "as it was",
      resting: this.underway !== null || this.restUntil > world.queue.now,
    });
    const until = "until" in decision && decision.until !== null ? decision.until - circumstances.now : null;
    if (until !== null) this.wakeAt = world.queue.now + until;
    if (this.restUntil > world.queue.now) this.wakeAt = Math.min(this.wakeAt ?? this.restUntil, this.restUntil);
    if (decision.do === "refuse" && (stored === null || !sameState(stored, wanted) || stored.code !== decision.code))
      return this.keep(bundle, wanted, decision.code, circumstances.now);
    if (decision.do === "rehearse") this.rehearse(bundle, wanted, circumstances.now);
    return stored;
  }

  private rehearse(bundle: string, wanted: Wanted, at: number): void {
    const { world, site, versions, onChange } = this.around;
    this.underway = wanted.digest;
    world.queue.after(world.chance.delay(3_000), () => {
      if (this.over) return;
      this.underway = null;
      this.restUntil = world.queue.now + REST_MS;
      const version = versions.get(wanted.digest);
      const isRefused = version === undefined || natureOf(version, site, wanted.values) === "refused";
      this.keep(bundle, wanted, isRefused ? "kube" : null, at);
      onChange();
    });
  }

  private keep(bundle: string, wanted: Wanted, code: ErrorCode | null, at: number): Prepared {
    const { cache, world, site } = this.around;
    const { digest, values, record } = wanted;
    const words = code ?? "ready";
    const prepared: Prepared = { bundle, digest, values, record, at, code, words, diff: null, basis: "as it was" };
    world.trace.note(`${site} prepared`, () => `${bundle} ${digest.slice(0, 6)} ${words}`);
    cache.transaction("prepare.keep", () => {
      cache.keepPrepared(prepared);
      const event = { kind: "prepared", digest, words, ...(code !== null && { code }) } as const;
      cache.addEvents([eventOf(bundle, event, world.queue.now)]);
    });
    return prepared;
  }
}

function reported({ bundle, digest, values, record, code }: Prepared): Reported {
  return { bundle, digest: short(digest), values, record, ...(code !== null && { code }) };
}
