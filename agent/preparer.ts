import type { AssignmentSet } from "../shared/assignment.ts";
import type { ErrorCode } from "../shared/errors.ts";
import { inWords } from "../shared/errors.ts";
import type { KubeObject } from "../shared/live.ts";
import { short } from "../shared/names.ts";
import type { Clock, Log, Random } from "../shared/ports.ts";
import type { Prepared as Reported } from "../shared/report.ts";
import { diffHash } from "../shared/verify/diff.ts";
import { type Kube, KubeError } from "./apply/kube.ts";
import type { Cache, Hold, Marks, Prepared, Refusal } from "./cache/cache.ts";
import type { Live } from "./observe/live.ts";
import { basisOf } from "./prepare/basis.ts";
import { diffOf } from "./prepare/diff.ts";
import { lackOfRoom, presentImages } from "./prepare/images.ts";
import { countsInWords } from "./prepare/in-words.ts";
import { lacking } from "./pull/take.ts";
import { OF_TARGET } from "./refusal.ts";
import { type Rehearsal, rehearse } from "./rehearse.ts";
import { eventOf } from "./report/events.ts";
import type { Circumstances, Shelf } from "./shelf.ts";
import { sameState } from "./target/hold.ts";
import { goesUp, jobsAtStart } from "./target/jobs.ts";
import { type Preparation, preparation } from "./target/prepare.ts";
import type { Wanted } from "./target/wanted.ts";

export interface PreparerWorld {
  cache: Cache;
  live: Pick<Live, "view">;
  kube: Pick<Kube, "get" | "apply" | "list">;
  clock: Clock;
  random: Random;
  log: Log;
  /** Bytes free on the disk; null where that is not known. */
  freeBytes(): number | null;
  /** Something was found. */
  onChange(): void;
}

/** Between two rehearsals of one state. */
const REST_MS = 60_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 300_000;
/** After so many tries without an answer the report says so. */
const TELL_AFTER = 3;

type What = Pick<Rehearsal, "manifest" | "wanted" | "running" | "jobs" | "others">;

/** Rehearses what is to be prepared, one state at a time and beside the cycle, so that what runs is looked after meanwhile. */
export class Preparer {
  private readonly world: PreparerWorld;
  /** By bundle: what is to be prepared now, and when it may be rehearsed again (monotonic, ms). */
  private readonly wanted = new Map<string, { state: Wanted; restUntil: number; tries: number }>();
  private running: Promise<void> | null = null;
  private wakeAt: number | null = null;
  private stopped = false;

  constructor(world: PreparerWorld) {
    this.world = world;
  }

  /** What a report says of what is to be prepared. Begins a rehearsal where one is due and none is under way. */
  look(
    set: AssignmentSet | null,
    around: (bundle: string) => { shelf: Shelf; circumstances: Circumstances },
  ): Reported[] {
    this.wakeAt = null;
    const items = set?.items.filter(({ mode }) => mode === "prepare") ?? [];
    this.forgetAllBut(new Set(items.map(({ bundle }) => bundle)));
    const stored = new Map(this.world.cache.prepared().map((each) => [each.bundle, each]));
    return items.flatMap(({ bundle }) => {
      const { shelf, circumstances } = around(bundle);
      const wanted = shelf.wanted(circumstances);
      return wanted === null ? [] : this.lookAt(bundle, wanted, stored.get(bundle) ?? null, { shelf, circumstances });
    });
  }

  /** Milliseconds until something must be looked at again by itself. */
  wakeIn(): number | null {
    return this.wakeAt === null ? null : Math.max(10, this.wakeAt - this.world.clock.monotonic());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private lookAt(
    bundle: string,
    wanted: Wanted,
    stored: Prepared | null,
    { shelf, circumstances }: { shelf: Shelf; circumstances: Circumstances },
  ): Reported[] {
    const { cache, clock } = this.world;
    const hold = cache.holds().find((each) => each.bundle === bundle) ?? null;
    const content = shelf.content(wanted, circumstances.trust);
    const rendered = content !== null && "rendered" in content ? content : null;
    const inventory = cache.inventory(bundle);
    const refs = rendered?.rendered.objects.map(({ ref }) => ref) ?? [];
    const basis = basisOf(refs, inventory, this.world.live.view());
    const entry = this.entry(bundle, wanted);
    const { record } = circumstances.trust;
    const decision = preparation({
      ...circumstances,
      wanted,
      hold,
      marks: cache.marks().get(bundle) ?? null,
      record: record === null ? null : { number: record.number, retired: record.retired === true },
      refused: this.refusedOf(wanted.digest, circumstances),
      last: stored === null ? null : { ...stored, ready: stored.code === null },
      basis,
      now: clock.now(),
      resting: this.running !== null || entry.restUntil > clock.monotonic(),
    });
    this.sleepUntil(decision, entry.restUntil);
    if (decision.do === "refuse") stored = this.refuse(bundle, wanted, stored, decision);
    if (decision.do === "rehearse" && rendered !== null && basis !== null && !this.stopped) {
      const ran = hold === null ? null : shelf.content(hold.running, circumstances.trust);
      const running = ran !== null && "rendered" in ran ? ran.rendered : null;
      const { up, jobs } = jobsOf(hold, wanted, cache.marks().get(bundle) ?? null);
      const { manifest, rendered: objects } = rendered;
      const { others } = circumstances;
      this.begin(
        bundle,
        wanted,
        { manifest, wanted: objects, running, jobs: { run: up, records: jobs }, others },
        basis,
      );
    }
    if (stored === null || !sameState(stored, wanted)) return [];
    return [reported(stored)];
  }

  private begin(bundle: string, wanted: Wanted, what: What, basis: string): void {
    this.running = this.rehearse(bundle, wanted, what, basis)
      .catch((error: unknown) => this.world.log.error({ bundle, words: inWords(error) }, "a rehearsal ended early"))
      .finally(() => {
        this.running = null;
        if (!this.stopped) this.world.onChange();
      });
  }

  private async rehearse(bundle: string, wanted: Wanted, what: What, basis: string): Promise<void> {
    const { cache, live, kube, clock, random, log } = this.world;
    const entry = this.entry(bundle, wanted);
    const isOver = () => this.stopped || this.wanted.get(bundle) !== entry;
    const found = await rehearse({ ...what, live: live.view(), inventory: cache.inventory(bundle), kube, isOver });
    const { images } = what.manifest;
    const present = presentImages(images, images.length === 0 ? [] : await this.nodes());
    if (isOver()) return;
    const now = clock.monotonic();
    if (found.again !== null) {
      entry.tries += 1;
      const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(entry.tries - 1, 20));
      entry.restUntil = now + ceiling / 2 + (random() * ceiling) / 2;
      log.debug({ bundle, words: found.again }, "a rehearsal had no answer");
      if (entry.tries >= TELL_AFTER)
        this.keep(bundle, wanted, { code: "kube", words: found.again, diff: null, basis: "" });
      return;
    }
    entry.tries = 0;
    entry.restUntil = now + REST_MS;
    const changes = diffOf(found.changes);
    const diff = { hash: diffHash(changes), changes };
    const lack = lackOfRoom(images, present, this.world.freeBytes());
    const lacks = lack === null ? null : { code: "storage" as const, words: lack };
    const amiss = found.refused ?? lacks;
    const words = countsInWords(found.changes, {
      present: present.size,
      of: new Set(images.map((each) => each.digest)).size,
    });
    this.keep(bundle, wanted, { code: amiss?.code ?? null, words: amiss?.words ?? words, diff, basis });
  }

  /** A kubelet's word on its images; where nodes may not be read, nothing is known of them. */
  private async nodes(): Promise<KubeObject[]> {
    try {
      return (await this.world.kube.list({ apiVersion: "v1", kind: "Node" }, {})).objects;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      return [];
    }
  }

  private refuse(
    bundle: string,
    wanted: Wanted,
    stored: Prepared | null,
    { code, words }: { code: ErrorCode; words: string },
  ): Prepared {
    if (stored !== null && sameState(stored, wanted) && stored.code === code && stored.words === words) return stored;
    return this.keep(bundle, wanted, { code, words, diff: null, basis: "" });
  }

  /** With its event, where anybody has to hear of it: as one. */
  private keep(
    bundle: string,
    { digest, values, record }: Wanted,
    found: Pick<Prepared, "code" | "words" | "diff" | "basis">,
  ): Prepared {
    const { cache, clock, log } = this.world;
    const before = cache.prepared().find((each) => each.bundle === bundle);
    const prepared: Prepared = { bundle, digest, values, record, at: clock.now(), ...found };
    const { code, words } = found;
    const isNews =
      before === undefined || !sameState(before, prepared) || before.code !== code || before.words !== words;
    cache.transaction("prepare.keep", () => {
      cache.keepPrepared(prepared);
      if (!isNews) return;
      const event = { kind: "prepared", digest, words, ...(code !== null && { code }) } as const;
      cache.addEvents([eventOf(bundle, event, clock.now())]);
    });
    if (isNews) log.info({ bundle, code, words }, code === null ? "ready" : "not ready");
    return prepared;
  }

  /** Why its content was refused when it was fetched, as far as that still counts. */
  private refusedOf(digest: string, { trust }: Circumstances): { code: ErrorCode; words: string } | null {
    const { cache } = this.world;
    const [root, record] = [trust.root?.document.number, trust.record?.number];
    const counts = (each: Refusal) =>
      each.digest === digest && each.id !== OF_TARGET && each.root === root && each.record === record;
    const refusal = cache.refusals().find(counts);
    if (refusal === undefined || lacking(cache.versions(), [digest]).length === 0) return null;
    return { code: refusal.code, words: refusal.words };
  }

  private sleepUntil(decision: Preparation, restUntil: number): void {
    const { clock } = this.world;
    const now = clock.monotonic();
    const until = "until" in decision && decision.until !== null ? now + decision.until - clock.now() : null;
    const rested = restUntil > now ? restUntil : null;
    for (const at of [until, rested]) if (at !== null) this.wakeAt = Math.min(this.wakeAt ?? at, at);
  }

  private forgetAllBut(bundles: ReadonlySet<string>): void {
    for (const bundle of this.wanted.keys()) if (!bundles.has(bundle)) this.wanted.delete(bundle);
    const { cache } = this.world;
    for (const { bundle } of cache.prepared()) if (!bundles.has(bundle)) cache.dropPrepared(bundle);
  }

  private entry(bundle: string, state: Wanted): { state: Wanted; restUntil: number; tries: number } {
    const held = this.wanted.get(bundle);
    if (held !== undefined && sameState(held.state, state)) return held;
    const fresh = { state, restUntil: 0, tries: 0 };
    this.wanted.set(bundle, fresh);
    return fresh;
  }
}

/** As a move to it would begin. */
function jobsOf(hold: Hold | null, { onDisk, digest }: Wanted, marks: Marks | null): ReturnType<typeof jobsAtStart> {
  if (onDisk === null) return { up: false, jobs: [] };
  const up = goesUp(hold, marks, onDisk);
  return jobsAtStart(hold, { digest }, up);
}

function reported({ bundle, digest, values, record, code, diff }: Prepared): Reported {
  return {
    bundle,
    digest: short(digest),
    values,
    record,
    ...(code !== null && { code }),
    ...(diff !== null && { diff: diff.hash }),
  };
}
