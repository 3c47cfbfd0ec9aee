import { type ErrorCode, inWords, isRefusal } from "../shared/errors.ts";
import type { Ack, Answer, Hello } from "../shared/protocol.ts";
import type { TrustedRoot } from "../shared/verify/root.ts";
import { type Incoming, type Message, openMessage } from "./ingest/open.ts";
import { shownAck, shownSet } from "./ingest/shown.ts";
import type { Memory } from "./memory.ts";
import type { Holds } from "./publish/trust.ts";
import { fold } from "./registry/fold.ts";
import type { Site } from "./registry/site.ts";
import type { Batch } from "./registry/store.ts";

export interface Intake {
  /** As they shall be stored. */
  sites: readonly Site[];
  events: NonNullable<Batch["events"]>;
  /** To be sent once the above is stored, by site. */
  acks: ReadonlyMap<string, Ack>;
  /** What sites say that they hold of roots, records and heads; `anew`: they have just connected. */
  held: readonly { site: string; holds: Holds; anew: boolean }[];
  answers: readonly { site: string; body: Answer }[];
  /** Not worth a commit of their own. */
  presences: readonly Site[];
  refused: readonly Refused[];
  /** Why this hub was restored from an older state, and the term that fences the one that went on. */
  restored: { words: string; term: number } | null;
}

export interface Refused {
  client: string;
  code: ErrorCode;
  words: string;
}

/** What a batch of messages changes, in the order they came. Whatever is refused changes nothing. */
export function intake(messages: readonly Incoming[], fleet: string, memory: Memory, now: number): Intake {
  const turn = new Turn(memory, now);
  const senders = { fleet, keysOf: (site: string) => memory.keysOf(site) };
  for (const message of messages) {
    try {
      turn.take(openMessage(message, senders));
    } catch (error) {
      turn.refuse(message.client, error);
    }
  }
  return turn.end();
}

class Turn {
  readonly refused: Refused[] = [];
  private readonly memory: Memory;
  private readonly now: number;
  private readonly sites = new Map<string, Site>();
  private readonly presences = new Map<string, Site>();
  private readonly events: Intake["events"][number][] = [];
  private readonly acks = new Map<string, { boot: string; full: boolean }>();
  private readonly held = new Map<string, Intake["held"][number]>();
  private readonly answers: Intake["answers"][number][] = [];
  private restored: Intake["restored"] = null;

  constructor(memory: Memory, now: number) {
    this.memory = memory;
    this.now = now;
  }

  take(message: Message): void {
    const { site } = message;
    const before = this.site(site);
    const after = fold(before, message, this.now);
    switch (message.kind) {
      case "presence":
        (this.sites.has(site) ? this.sites : this.presences).set(site, after);
        return;
      case "hello": {
        this.compare(message.body, before);
        this.acks.set(site, { boot: message.body.boot, full: message.body.report > (before.report?.body.number ?? 0) });
        // A hello does not say which head is held: what the last report said.
        this.hold(site, { ...message.body, head: before.report?.body.head ?? 0 }, true);
        break;
      }
      case "report":
        this.acks.set(site, { boot: message.body.boot, full: false });
        if (after.report !== before.report) this.hold(site, { ...message.body, head: message.body.head ?? 0 }, false);
        break;
      case "event":
        for (const event of message.body.events) this.events.push({ site, at: this.now, event });
        this.acks.set(site, { boot: message.body.boot, full: this.acks.get(site)?.full ?? false });
        break;
      case "answer":
        this.answers.push({ site, body: message.body });
        break;
    }
    this.presences.delete(site);
    this.sites.set(site, after);
  }

  refuse(client: string, error: unknown): void {
    if (!isRefusal(error)) throw error;
    this.refused.push({ client: client.slice(0, 80), code: error.code, words: inWords(error) });
  }

  end(): Intake {
    const term = this.restored?.term ?? this.memory.meta.term;
    const acks = [...this.acks].map(([site, { boot, full }]): [string, Ack] => {
      const { report, event } = this.site(site);
      return [site, { boot, term, report: report?.body.number ?? 0, event, ...(full ? { full } : {}) }];
    });
    return {
      sites: [...this.sites.values()],
      events: this.events,
      acks: new Map(acks),
      held: [...this.held.values()],
      answers: this.answers,
      presences: [...this.presences.values()],
      refused: this.refused,
      restored: this.restored,
    };
  }

  private site(id: string): Site {
    return this.sites.get(id) ?? this.presences.get(id) ?? this.memory.site(id);
  }

  private hold(site: string, { root, record, head }: Holds, anew: boolean): void {
    this.held.set(site, { site, holds: { root, record, head }, anew: anew || this.held.get(site)?.anew === true });
  }

  /** A site that proves that it was told what is not known here: this hub is a restored one. One that only says so concerns nobody else. */
  private compare(hello: Hello, site: Site): void {
    const { memory } = this;
    const root = memory.roots.at(-1)?.root;
    if (root === undefined) return;
    try {
      const lost = whatWasLost(hello, site, memory, root);
      if (lost === null) return;
      const term = Math.max(memory.meta.term, this.restored?.term ?? 0, hello.assignment?.[0] ?? 0) + 1;
      this.restored = { words: `${site.id} ${lost}`, term };
    } catch (error) {
      this.refuse(site.id, error);
    }
  }
}

/**
 * What a site was told by this hub, or by the one it was restored from, that this hub does not know; null where all is well.
 * What it says about a term that is fenced already is old news. Throws a refusal where the site does not show what it was told.
 */
function whatWasLost(hello: Hello, site: Site, memory: Memory, root: TrustedRoot): string | null {
  const [term, number] = hello.assignment ?? [FIRST_TERM, 0];
  if (term < memory.meta.term) return null;
  const stored = memory.assignments.get(site.id)?.set;
  const isNewer = stored === undefined || term > stored.term || (term === stored.term && number > stored.number);
  if (number > 0 && isNewer) {
    shownSet(hello, site.id, root);
    return `holds assignment ${term}.${number}, which is not stored here`;
  }
  const report = site.report?.body.number ?? 0;
  if (hello.report <= report && hello.event <= site.event) return null;
  // What it says beyond what it shows, it may have from a life of the hub that is fenced: nothing follows from that.
  const acked = shownAck(hello, site.id, root);
  if (acked.term < memory.meta.term) return null;
  if (acked.report > report) return `had report ${acked.report} confirmed, and ${report} is the last one stored here`;
  if (acked.event > site.event)
    return `had event ${acked.event} confirmed, and ${site.event} is the last one stored here`;
  return null;
}

const FIRST_TERM = 1;
