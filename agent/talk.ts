import type { AssignmentSet } from "../shared/assignment.ts";
import { inWords, isRefusal } from "../shared/errors.ts";
import type { NewEvent } from "../shared/event.ts";
import { rfc3339 } from "../shared/names.ts";
import { sha256Hex } from "../shared/node/sha256.ts";
import type { Clock, Journal, Log } from "../shared/ports.ts";
import type { Ask, TopicKind } from "../shared/protocol.ts";
import type { TrustMessage } from "../shared/trust.ts";
import { openAssignment } from "../shared/verify/assignment.ts";
import type { Cache } from "./cache/cache.ts";
import { AtMost } from "./link/at-most.ts";
import { helloOf } from "./link/hello.ts";
import type { Link } from "./link/link.ts";
import { frameOf, openAck, openAsk, openTrust, type Sender } from "./link/messages.ts";
import { Resends } from "./link/resends.ts";
import type { Trust } from "./pull/trust.ts";
import { isDue, type Unnumbered } from "./report/report.ts";

const EVENTS_A_BATCH = 100;
const AFTER_FAULT_MS = 5_000;
/** Of reports and events; no site lives to send so many. Taken over, higher ones would leave no room for those to come. */
const HIGHEST_NUMBER = 2 ** 48;
/** Messages that are refused are told so often in an hour; anybody on the bus can send more. */
const TOLD_AN_HOUR = 16;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const ANSWERS_A_MINUTE = 12;

export interface TalkWorld {
  cache: Cache;
  clock: Clock;
  journal: Journal;
  log: Log;
  sender: Sender;
  boot: string;
  agent: string;
  trust(): Trust;
  /** Something came in that the cycle should see. */
  onChange(): void;
  /** The hub knows a newer root, or asked: look at the sources now. */
  onPullWanted(): void;
  /** Documents of trust came, unverified. */
  onRelayed(message: TrustMessage): void;
}

/** The site's side of the conversation with the hub: what is sent when, and what comes in. */
export class Talk {
  private readonly world: TalkWorld;
  private link: Link | null = null;
  private last: { report: Unnumbered; at: number; number: number } | null = null;
  private eventsSent: { upTo: number; at: number } | null = null;
  private readonly resends = new Resends();
  private greeted = false;
  private answered = false;
  private speaking: Promise<void> | null = null;
  private missed = false;
  private pending: Uint8Array | null = null;
  private refusedFrame = "";
  private readonly telling: AtMost;
  private readonly answering: AtMost;
  private assignment: { set: AssignmentSet; key: string } | null = null;

  constructor(world: TalkWorld) {
    this.world = world;
    this.telling = new AtMost(world.clock, TOLD_AN_HOUR, HOUR_MS);
    this.answering = new AtMost(world.clock, ANSWERS_A_MINUTE, MINUTE_MS);
    this.reopenAssignment();
  }

  /** The set that is in force; null where none holds under the present root. */
  current(): AssignmentSet | null {
    return this.assignment?.set ?? null;
  }

  use(link: Link): void {
    this.link = link;
  }

  presence(online: boolean): Uint8Array {
    return frameOf(this.world.sender, { kind: "presence", body: { online, boot: this.world.boot } });
  }

  /** A new root may drop the key that signed the set in force, or admit the one of a set that waits. */
  trustChanged(): void {
    this.reopenAssignment();
    if (this.pending !== null) this.heard("down/assign", this.pending);
  }

  async connected(): Promise<void> {
    const { cache, sender, boot, agent, trust } = this.world;
    this.greeted = false;
    this.last = null;
    this.eventsSent = null;
    this.resends.answered();
    const held = trust();
    const [root, record] = [held.root?.document.number ?? 0, held.record?.number ?? 0];
    const hello = helloOf(cache, { boot, agent, set: this.current(), root, record });
    await this.send("presence", this.presence(true), true);
    await this.send("up/hello", frameOf(sender, { kind: "up/hello", body: hello }));
    this.greeted = true;
    this.world.onChange();
  }

  heard(kind: TopicKind, frame: Uint8Array): void {
    try {
      this.take(kind, frame);
    } catch (error) {
      this.unkept(kind, frame, error);
    }
  }

  private take(kind: TopicKind, frame: Uint8Array): void {
    try {
      if (kind === "down/assign") this.takeAssignment(frame);
      else if (kind === "down/trust") this.world.onRelayed(openTrust(frame, this.world.sender));
      else this.takeOther(kind, frame);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.refuse(frame, { code: error.code, words: error.message.slice(0, 300) });
    }
  }

  /**
   * Sends what is due: the report where it changed or `everyMs` passed, and events that no ack confirmed. Never rejects. No cycle
   * waits for it: a broker keeps it as long as it likes. One is said at a time; what changes meanwhile is said after it, as it is then.
   */
  speak(report: Unnumbered, everyMs: number): Promise<void> {
    if (this.speaking === null) this.speaking = this.sayAll(report, everyMs);
    else this.missed = true;
    return this.speaking;
  }

  private async sayAll(report: Unnumbered, everyMs: number): Promise<void> {
    const { clock, log, onChange } = this.world;
    try {
      await this.sayDue(report, everyMs);
    } catch (error) {
      log.error({ words: inWords(error) }, "what is due could not be said");
      clock.after(AFTER_FAULT_MS, onChange);
    }
    const { missed } = this;
    this.speaking = null;
    this.missed = false;
    if (missed) onChange();
  }

  private async sayDue(report: Unnumbered, everyMs: number): Promise<void> {
    const { cache, clock, sender, boot } = this.world;
    if (this.link?.connected !== true || !this.greeted) return;
    const now = clock.monotonic();
    const { reportAcked, eventAcked } = cache.counters();
    const resend = this.resends.after();
    const unanswered = this.last !== null && reportAcked < this.last.number && now - this.last.at >= resend;
    const sent = this.eventsSent;
    const unconfirmed = sent !== null && sent.upTo > eventAcked;
    const waiting = unconfirmed && now - sent.at < resend;
    if (unanswered || (unconfirmed && !waiting)) this.resends.sentAgain();
    if (unanswered || isDue(report, this.last, now, everyMs)) {
      const number = cache.takeReportNumber();
      this.last = { report, at: now, number };
      await this.send("up/report", frameOf(sender, { kind: "up/report", body: { number, ...report } }));
    }
    // Not for a connection that ended meanwhile; not before the hub answered once: a lost disk would have old numbers given anew.
    if (waiting || !this.answered || !this.link.connected) return;
    const events = cache.waitingEvents() === 0 ? [] : cache.numberEvents(EVENTS_A_BATCH);
    const newest = events.at(-1);
    if (newest === undefined) return;
    this.eventsSent = { upTo: newest.number, at: clock.monotonic() };
    await this.send("up/event", frameOf(sender, { kind: "up/event", body: { boot, events } }));
  }

  /** Milliseconds until something must be sent again or anew; null where nothing waits. */
  wakeIn(everyMs: number): number | null {
    if (this.link?.connected !== true || this.missed) return null;
    const now = this.world.clock.monotonic();
    const { reportAcked, eventAcked } = this.world.cache.counters();
    const waits: number[] = [];
    if (this.last !== null) {
      waits.push(this.last.at + everyMs - now);
      if (reportAcked < this.last.number) waits.push(this.last.at + this.resends.after() - now);
    }
    if (this.eventsSent !== null && this.eventsSent.upTo > eventAcked)
      waits.push(this.eventsSent.at + this.resends.after() - now);
    return waits.length === 0 ? null : Math.max(20, Math.min(...waits));
  }

  private async send(kind: TopicKind, frame: Uint8Array, retain = false): Promise<void> {
    const { journal, log } = this.world;
    try {
      journal(`link.${kind}`, "before");
      const sent = this.link?.publish(kind, frame, { retain });
      journal(`link.${kind}`, "between");
      await sent;
      journal(`link.${kind}`, "after");
    } catch (error) {
      // The connection ended: all of it is sent again with the next one.
      log.debug({ kind, words: inWords(error) }, "not sent");
    }
  }

  private takeAssignment(frame: Uint8Array): void {
    const { cache, sender, trust, clock, log } = this.world;
    const { root } = trust();
    this.pending = frame;
    if (root === null) return;
    const stored = cache.assignment();
    const opened = openAssignment(frame, { site: sender.site, root, last: stored });
    if (opened !== null && opened.set.root > root.document.number) {
      this.world.onPullWanted();
      return;
    }
    if (opened === null) {
      this.pending = null;
      return;
    }
    const { term, number } = opened.set;
    cache.transaction("assignment.take", () => {
      cache.keepAssignment({ term, number, key: opened.key, frame });
      cache.addEvents([{ at: rfc3339(clock.now()), kind: "assigned", words: `set ${term}.${number}` }]);
    });
    this.pending = null;
    log.info({ term, number }, "assigned");
    this.assignment = opened;
    this.world.onChange();
  }

  private takeOther(kind: TopicKind, frame: Uint8Array): void {
    const { cache, sender, trust, boot } = this.world;
    const { root } = trust();
    if (root === null) return;
    if (kind === "down/ack") {
      const ack = openAck(frame, sender.site, root);
      // An ack for another life of this site: its numbers are not ours.
      if (ack.boot !== boot) return;
      if (Math.max(ack.report, ack.event) > HIGHEST_NUMBER)
        return this.refuse(frame, { code: "malformed", words: "an ack of more than this site can have said" });
      // The hub knows higher numbers: ours were lost, and it passed over the report that was sent under one of them.
      const behind = ack.report > cache.counters().report;
      cache.acknowledge({ report: ack.report, event: ack.event, frame }, this.world.clock.now());
      this.answered = true;
      this.resends.answered();
      if (ack.full === true || behind) this.last = null;
      this.world.onChange();
    } else if (kind === "down/ask") {
      this.answer(frame, openAsk(frame, sender.site, root));
    } else {
      this.refuse(frame, { code: "unsupported", words: `this version does not take ${kind}` });
    }
  }

  /** So many in a minute, and no more: whoever has the hub's key could ask without end. */
  private answer(frame: Uint8Array, ask: Ask): void {
    const { cache, sender, boot, log } = this.world;
    if (!this.answering.lets()) return log.debug({ id: ask.id }, "asked too often: not answered");
    if (ask.what === "diagnostics") {
      return this.refuse(frame, { code: "unsupported", words: `this version does not answer ${ask.what}` });
    }
    if (ask.what === "sync") this.world.onPullWanted();
    const found = ask.what === "diff" ? cache.prepared().find(({ diff }) => diff?.hash === ask.diff)?.diff : undefined;
    const body = { id: ask.id, boot, ...(found && { diff: found.changes }) };
    void this.send("up/answer", frameOf(sender, { kind: "up/answer", body }));
  }

  /** A full disk, mostly. A set waits here; whatever else it was, the hub says it again. */
  private unkept(kind: TopicKind, frame: Uint8Array, error: unknown): void {
    const { log, clock } = this.world;
    log.error({ kind, words: inWords(error) }, "a message could not be kept");
    if (kind !== "down/assign") return;
    clock.after(AFTER_FAULT_MS, () => {
      if (this.pending === frame) this.heard(kind, frame);
    });
  }

  /** Told once for the same bytes: a retained message comes again with every connect. */
  private refuse(frame: Uint8Array, details: Pick<NewEvent, "code" | "words">): void {
    const id = sha256Hex(frame);
    if (id === this.refusedFrame || !this.telling.lets()) return;
    this.refusedFrame = id;
    this.world.log.warn({ ...details }, "message refused");
    this.world.cache.addEvents([{ at: rfc3339(this.world.clock.now()), kind: "refused", ...details }]);
    this.world.onChange();
  }

  private reopenAssignment(): void {
    const { cache, sender, trust } = this.world;
    const stored = cache.assignment();
    const { root } = trust();
    this.assignment = null;
    if (stored === null || root === null) return;
    try {
      this.assignment = openAssignment(stored.frame, { site: sender.site, root, last: null });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.world.log.warn({ words: inWords(error) }, "the assignment on disk does not hold any more");
    }
  }
}
