import { AppError, ERROR_CODES, inWords } from "../shared/errors.ts";
import { Alarm } from "./alarm.ts";
import type { Act, HubView, Snapshot, Start } from "./api/snapshot.ts";
import { type Asked, askedOfRollout, askedOfRun, isOf, nothingBegan } from "./ask.ts";
import type { Bus, BusEvents } from "./broker/bus.ts";
import { rolloutChanges } from "./changes.ts";
import { decide, type News } from "./decide.ts";
import type { Followed } from "./follow/followed.ts";
import { Watch } from "./follow/watch.ts";
import { Inbox } from "./ingest/inbox.ts";
import type { Incoming } from "./ingest/open.ts";
import { type Intake, intake } from "./intake.ts";
import type { Memory } from "./memory.ts";
import { notice } from "./notices.ts";
import type { CommitStatus } from "./notify/status.ts";
import type { HubOptions } from "./options.ts";
import { Previews } from "./previews.ts";
import { acknowledge } from "./publish/acknowledge.ts";
import { frameSets, type Signer } from "./publish/frames.ts";
import { Outbox } from "./publish/outbox.ts";
import { Relay } from "./publish/relay.ts";
import { Refusals } from "./refusals.ts";
import type { Batch, Notice, SiteAssignment, StoredEvent } from "./registry/store.ts";
import type { Because } from "./rollout/because.ts";
import type { Input, Run } from "./rollout/run.ts";

/** Between a turn that changed something, or failed, and a look at what follows from it. */
const TICK_MS = 1_000;
/** More than this is left for the next commit, so that timers and the API get their turn. */
const MESSAGES_A_COMMIT = 500;
const NOTHING_NEW: News = { changes: [], inputs: new Map() };

/**
 * The hub's one writer: whatever happens becomes a turn, turns run one after the other, and each stores what it changes
 * before any of it is acknowledged or published. A turn that cannot store changes nothing.
 */
export class Hub implements Omit<HubView, "person" | "diff" | "wayBack">, BusEvents {
  private readonly options: HubOptions;
  private readonly memory: Memory;
  private because: ReadonlyMap<string, Because> = new Map();
  private readonly refusals: Refusals;
  private readonly watchers = new Set<() => void>();
  private readonly signer: Signer;
  private readonly watch: Watch;
  private readonly previews: Previews;
  private tail: Promise<unknown> = Promise.resolve();
  private readonly inbox = new Inbox(MESSAGES_A_COMMIT, () => void this.turn(() => this.ingest()));
  private decisionQueued = false;
  private published: SiteAssignment[] = [];
  private followed: Followed | null = null;
  private lastFault = "";
  private bus: Bus | null = null;
  private outbox: Outbox | null = null;
  private relay: Relay | null = null;
  private stopped = false;
  private readonly alarm: Alarm;

  constructor(options: HubOptions) {
    this.options = options;
    const { fleet, memory, assignKey: key, follower, clock, log } = options;
    this.memory = memory;
    this.signer = { fleet, key };
    this.refusals = new Refusals({ clock, log, knows: (site) => this.knows(site) });
    this.previews = new Previews({ ...options, refusals: this.refusals, signer: this.signer });
    this.alarm = new Alarm(clock, () => this.look());
    const onLook = (followed: Followed | null, words: string | null) => this.looked(followed, words);
    this.watch = new Watch({ follower, everyMs: options.pollMs, clock, log, onLook });
  }

  /** Publishes what is in force, and begins to follow and to decide. */
  start(bus: Bus): void {
    const { options } = this;
    this.bus = bus;
    this.outbox = new Outbox({ ...options, bus, onPublished: (sets) => this.markPublished(sets) });
    this.relay = new Relay({ ...options, bus, relayable: (site) => this.memory.relayable(site) });
    // All of them: an embedded broker has forgotten what it retained.
    this.outbox.offer(this.memory.assignments.values());
    this.look();
    this.watch.start();
  }

  /** Resolves when nothing is under way any more; messages that wait are refused, and so sent again. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.alarm.stop();
    this.watch.stop();
    await this.outbox?.stop();
    await this.relay?.stop();
    await this.tail;
  }

  knows(site: string): boolean {
    return this.memory.record(site) !== undefined;
  }

  onMessage(message: Incoming): Promise<void> {
    return this.inbox.push(message);
  }

  onBreach({ client, words }: { client: string; words: string }): void {
    const code = ERROR_CODES.find((known) => words.startsWith(`${known}: `)) ?? "sender";
    const notices = this.refusals.toTell([{ client, code, words }]);
    if (notices.length > 0)
      void this.turn(() => this.commit("breach", { notices })).catch((error) => this.fault(error));
  }

  read(): Snapshot {
    return this.memory.snapshot(this.options.fleet, this.options.clock.now(), this.because);
  }

  subscribe(onChange: () => void): () => void {
    this.watchers.add(onChange);
    return () => this.watchers.delete(onChange);
  }

  events(query: { site?: string; before?: number; limit: number }): Promise<StoredEvent[]> {
    return this.options.store.events(query);
  }

  wake(): void {
    this.watch.wake();
  }

  /** The Git server took it. */
  statusSent(status: CommitStatus): Promise<void> {
    return this.turn(() => this.commit("status", { statuses: [status] }));
  }

  act(act: Act): Promise<Run> {
    return this.turn(() => this.ask(askedOfRun(act, this.memory), (run) => run.id === act.run));
  }

  startAgain(start: Start): Promise<Run> {
    return this.turn(() => this.ask(askedOfRollout(start, this.memory), (run) => isOf(run, start)));
  }

  private async ask(asked: Asked, isIt: (run: Run) => boolean): Promise<Run> {
    if ("done" in asked) return asked.done;
    await this.decide(asked.news);
    const run = [...this.memory.runs.values()].findLast(isIt);
    if (run === undefined) throw nothingBegan(asked.news, this.memory);
    return run;
  }

  private turn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.tail.then(work);
    this.tail = result.catch(() => undefined);
    return result;
  }

  private async ingest(): Promise<void> {
    const batch = this.inbox.take();
    try {
      if (this.stopped) throw new AppError("unreachable", "the hub is stopping");
      const taken = intake(batch.messages, this.options.fleet, this.memory, this.options.clock.now());
      await this.store(taken);
      await this.commit("preview", this.previews.answered(taken.answers));
      for (const site of taken.presences) this.memory.setPresence(site);
      batch.accept();
      if (this.bus !== null) acknowledge({ ...this.options, bus: this.bus, signer: this.signer }, taken.acks);
      for (const { site, holds, anew } of taken.held) this.relay?.heard(site, holds, anew);
      if (taken.presences.length > 0) this.alarm.within(TICK_MS);
      if (taken.sites.length > 0) this.decideSoon();
      else if (taken.presences.length > 0) this.changed();
    } catch (error) {
      batch.reject(error);
      this.fault(error);
    }
  }

  private async store({ sites, events, refused, restored }: Intake): Promise<void> {
    const { clock, log } = this.options;
    const notices = this.refusals.toTell(refused);
    if (restored === null) {
      await this.commit("ingest", { sites, events, notices });
      return;
    }
    // In one commit with the pause: a hub that is killed in between would go on as if it knew everything.
    const words = `this hub was restored from an older state: ${restored.words}; runs are paused, term ${restored.term}`;
    log.error({ term: restored.term }, words);
    const pause: Input = { kind: "pause", who: "hub", reason: words };
    const inputs = new Map([...this.memory.runs.keys()].map((run) => [run, [pause]]));
    notices.push(notice(clock.now(), "refused", words));
    await this.decide({ changes: [], inputs }, { sites, events, notices, meta: { term: restored.term } });
  }

  private decideSoon(): void {
    if (this.decisionQueued || this.stopped) return;
    this.decisionQueued = true;
    void this.turn(async () => {
      this.decisionQueued = false;
      await this.decide(NOTHING_NEW);
    }).catch((error) => this.fault(error));
  }

  /** Stores a decision together with `more`, and then publishes it. */
  private async decide(news: News, more: Batch = {}): Promise<void> {
    const { memory, because } = this;
    const { fleet: fleetName, lifetimeMs, clock } = this.options;
    const { members, assignments, root: rootNumber } = memory;
    const { term } = more.meta ?? memory.meta;
    const world = { fleetName, term, rootNumber, lifetimeMs, runs: memory.runs, members, assignments, because };
    const [now, since] = [clock.now(), memory.takeSince()];
    let rest = TICK_MS;
    try {
      const decision = decide(world, news, now, since);
      const sets = frameSets(this.signer, decision.sets);
      const notices = [...(more.notices ?? []), ...decision.notices];
      for (const { event } of decision.notices) this.options.log.info({ code: event.code }, event.words ?? event.kind);
      this.because = new Map([...because, ...decision.because]);
      const { runs, rollouts } = decision;
      const rows = { runs: memory.rowsOf(runs), undiffed: this.previews.useless(runs) };
      await this.commit("decide", { ...more, ...rows, rollouts, assignments: sets, notices });
      memory.keep(decision);
      this.outbox?.offer(sets);
      const nothingHappened = runs.length + sets.length === 0 && since?.changed.size === 0;
      if (nothingHappened) rest = decision.kept.lookAt - now;
    } finally {
      this.alarm.within(rest);
    }
  }

  private markPublished(sets: readonly SiteAssignment[]): void {
    this.published.push(...sets);
    if (this.published.length > sets.length) return;
    void this.turn(async () => {
      const done = this.published.splice(0);
      const current = done.filter((set) => !set.published && this.memory.assignments.get(set.site) === set);
      const assignments = current.map((set) => Object.assign({}, set, { published: true }));
      await this.commit("published", { assignments });
    }).catch((error) => this.fault(error));
  }

  /** Decides by what time alone brought, and rests until it may bring more. */
  private look(): void {
    this.decideSoon();
    if (this.bus !== null && this.previews.ask(this.bus)) this.alarm.within(TICK_MS);
  }

  private looked(followed: Followed | null, words: string | null): Promise<void> {
    this.followed = followed ?? this.followed;
    const notices = words === null ? [] : [notice(this.options.clock.now(), "source", words)];
    return this.turn(() => this.follow(notices)).catch((error) => this.fault(error));
  }

  /** Takes in what was followed; it stays for the next time where it cannot be stored. */
  private async follow(notices: Notice[]): Promise<void> {
    const { followed, memory } = this;
    if (followed === null) return this.commit("follow", { notices });
    for (const held of followed.roots.slice(memory.roots.length)) {
      await this.commit("root", { root: { number: held.root.document.number, document: held.document } });
      memory.roots = [...memory.roots, held];
    }
    const records = [...followed.records].filter(([site, held]) => memory.record(site) !== held);
    notices.push(...this.refusals.ofFiles(followed.refusals));
    const stored = records.map(([site, { document, root }]) => ({ site, root, document }));
    await this.commit("follow", { notices, records: stored });
    memory.setRecords(records);
    memory.head = followed.head;
    memory.bundles = followed.bundles;
    this.relay?.changed();
    this.refusals.keepFiles(followed.refusals);
    const people = await this.options.store.people();
    const changes = rolloutChanges(followed, { seen: memory.rollouts, runs: memory.runs.values(), people });
    await this.decide({ changes, inputs: new Map() });
    this.followed = null;
    this.changed();
  }

  /** Nothing is written where nothing changed. */
  private async commit(effect: string, batch: Batch): Promise<void> {
    const parts: unknown[] = Object.values(batch);
    if (parts.every((part) => Array.isArray(part) && part.length === 0)) return;
    await this.options.writer.commit(effect, batch);
    this.memory.absorb(batch);
    this.lastFault = "";
    this.changed();
  }

  private changed(): void {
    for (const onChange of this.watchers) onChange();
  }

  /** A turn that failed is tried again with the next one; the same words are said once. */
  private fault(error: unknown): void {
    const words = inWords(error);
    if (words === this.lastFault || this.stopped) return;
    this.lastFault = words;
    const isExpected = error instanceof AppError || !(error instanceof Error);
    this.options.log.error(isExpected ? {} : { stack: error.stack }, words);
  }
}
