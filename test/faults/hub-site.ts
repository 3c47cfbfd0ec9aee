import type { Link } from "../../agent/link/link.ts";
import { mqttLink } from "../../agent/link/mqtt.ts";
import type { Diff } from "../../shared/diff.ts";
import type { SiteEvent } from "../../shared/event.ts";
import { rfc3339 } from "../../shared/names.ts";
import { systemClock } from "../../shared/node/clock.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { PrivateKey } from "../../shared/node/ssh-key.ts";
import { ed25519FromSeed } from "../../shared/node/ssh-private-key.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { diffHash } from "../../shared/verify/diff.ts";
import { pinRoot } from "../../shared/verify/root.ts";
import { FakeSite, FLEET } from "../hub/loop/site.ts";

const SPEAK_MS = 1_000;

export function keyOf(site: string): PrivateKey {
  return ed25519FromSeed(new Uint8Array(32).fill(100 + Number(site.replace(/\D/g, ""))));
}

/** A site on a real connection that believes every confirmation it is given, and holds the hub to it. */
export class HubSite {
  readonly lost: string[] = [];
  /** Confirmed by the broker's acknowledgement or by the hub's own, by number. */
  readonly confirmed = new Map<number, SiteEvent>();
  confirmedReport = 0;
  private readonly fake: FakeSite;
  /** One to each hub. */
  private readonly links: readonly Link[];
  private readonly timer: NodeJS.Timeout;
  private readonly waiting = new Map<number, SiteEvent>();
  /** Contents by (term, number), for ever. */
  private readonly sets = new Map<string, string>();
  private lastFrame = "";
  private acked = { report: 0, event: 0 };
  private numbered = 0;
  private resting = false;

  constructor(id: string, ports: readonly number[], root: SignedBytes) {
    const trusted = pinRoot(root, sha256Hex(root.body));
    this.fake = new FakeSite({
      id,
      key: keyOf(id),
      root: trusted,
      clock: systemClock,
      send: async ({ topic, frame }) => {
        const kind = topic.endsWith("presence")
          ? "presence"
          : topic.endsWith("hello")
            ? "up/hello"
            : topic.endsWith("report")
              ? "up/report"
              : topic.endsWith("answer")
                ? "up/answer"
                : "up/event";
        // One that stands still takes nothing, and says nothing either.
        const heard = this.links.filter((link) => link.connected).map((link) => link.publish(kind, frame));
        await Promise.any(heard);
      },
    });
    this.links = ports.map((port) =>
      mqttLink(
        {
          url: `mqtt://127.0.0.1:${port}`,
          fleet: FLEET,
          site: id,
          clock: systemClock,
          random: Math.random,
          will: this.fake.frame("presence", { online: false, boot: this.fake.boot }),
          keepaliveSeconds: 30,
          backoff: { firstSpreadMs: 0, baseMs: 50, maxMs: 200 },
        },
        {
          onConnect: () =>
            void this.fake.hello(this.acked).then(
              () => this.speak(),
              () => {},
            ),
          onDisconnect: () => {},
          onMessage: (_kind, frame, topic) => this.hear(topic, frame),
        },
      ),
    );
    this.timer = setInterval(() => void this.speak(), SPEAK_MS);
  }

  get id(): string {
    return this.fake.id;
  }

  /** Events that the hub did not confirm itself. */
  get unconfirmed(): number {
    return this.waiting.size;
  }

  /** It rehearsed this version, which would change so much, and shows it to a hub that asks. */
  prepare(digest: string, diff: Diff): void {
    const { fake } = this;
    fake.prepared = [{ bundle: "pos", digest: digest.slice(0, 32), values: "", record: 1, diff: diffHash(diff) }];
    fake.shows = ({ id }) => ({ id, boot: fake.boot, diff });
  }

  /** How often something was relayed to it. */
  get relayed(): number {
    return this.fake.relayed.length;
  }

  /** No more new things from here. */
  rest(): void {
    this.resting = true;
  }

  holds(frame: Uint8Array): boolean {
    return this.lastFrame === sha256Hex(frame);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.links.map((link) => link.close()));
  }

  private hear(topic: string, frame: Uint8Array): void {
    const before = this.fake.set;
    try {
      this.fake.hear(topic, frame);
    } catch (error) {
      this.lost.push(`${this.id} had to refuse: ${(error as Error).message}`);
      return;
    }
    const { set } = this.fake;
    if (topic.endsWith("/down/assign") && set !== null) {
      const content = sha256Hex(frame);
      const name = `${set.term}.${set.number}`;
      if ((this.sets.get(name) ?? content) !== content) this.lost.push(`${this.id} was given two sets ${name}`);
      this.sets.set(name, content);
      this.lastFrame = content;
    }
    const ack = this.fake.acks.at(-1);
    if (ack !== undefined) {
      this.acked = { report: Math.max(this.acked.report, ack.report), event: Math.max(this.acked.event, ack.event) };
      this.confirmedReport = Math.max(this.confirmedReport, ack.report);
      for (const [number, event] of this.waiting) {
        if (number > ack.event) continue;
        this.confirmed.set(number, event);
        this.waiting.delete(number);
      }
    }
    if (set === before || set === null) return;
    this.happened("assigned", `set ${set.term}.${set.number}`);
    this.happened("committed", `${this.fake.version("pos")}`);
    void this.speak();
  }

  private happened(kind: SiteEvent["kind"], words: string): void {
    this.numbered += 1;
    this.waiting.set(this.numbered, { number: this.numbered, at: rfc3339(systemClock.now()), kind, words });
  }

  /** What is sent and not acknowledged, because the hub died meanwhile, is sent again the next time. */
  private async speak(): Promise<void> {
    if (this.links.every((link) => !link.connected)) return;
    const events = [...this.waiting.values()];
    try {
      if (events.length > 0) {
        await this.fake.event(...events);
        for (const event of events) this.confirmed.set(event.number, event);
      }
      if (this.resting) return;
      const report = this.fake.report();
      const { number } = this.fake;
      await report;
      this.confirmedReport = Math.max(this.confirmedReport, number);
    } catch {
      // The connection ended.
    }
  }
}
