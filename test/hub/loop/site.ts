import { sorted } from "../../../shared/canonical.ts";
import type { SiteEvent } from "../../../shared/event.ts";
import { type Pair, rfc3339 } from "../../../shared/names.ts";
import { encodeFrame, openFrame, openUnsigned } from "../../../shared/node/frame.ts";
import type { PrivateKey } from "../../../shared/node/ssh-key.ts";
import { parseAs } from "../../../shared/parse.ts";
import type { Clock } from "../../../shared/ports.ts";
import {
  type Ack,
  type Answer,
  type Ask,
  BODY_MAX,
  FRAME_NAMESPACE,
  type Hello,
  PACKET_MAX,
  type TopicKind,
  topicOf,
} from "../../../shared/protocol.ts";
import { valuesHash } from "../../../shared/render/values.ts";
import type { Prepared, Report, ReportItem } from "../../../shared/report.ts";
import { type TrustMessage, trustMessage } from "../../../shared/trust.ts";
import { openAssignment, type VerifiedAssignment } from "../../../shared/verify/assignment.ts";
import type { TrustedRoot } from "../../../shared/verify/root.ts";

export const FLEET = "shops";

export interface SiteOptions {
  id: string;
  key: PrivateKey;
  root: TrustedRoot;
  clock: Clock;
  /** Rejects where the hub did not take it. */
  send(message: { topic: string; client: string; frame: Uint8Array }): Promise<void>;
}

/** A site that takes what the hub signed, is healthy at once unless told otherwise, and reports it. No agent code in it. */
export class FakeSite {
  /** Versions at which it fails instead of becoming healthy. */
  readonly sick = new Set<string>();
  readonly boot: string;
  readonly acks: Ack[] = [];
  /** What was relayed to it. */
  readonly relayed: TrustMessage[] = [];
  /** Numbers it says it holds. */
  holds = { root: 1, record: 1 };
  /** What it reports of states that it prepares, and what it shows of them. */
  prepared: Prepared[] = [];
  readonly asked: Ask[] = [];
  shows: (ask: Ask) => Answer | null = ({ id }) => ({ id, boot: this.boot });
  set: VerifiedAssignment | null = null;
  number = 0;
  /** Neither hears nor speaks. */
  dark = false;
  private readonly options: SiteOptions;
  /** What the hub said last, as it said it. */
  private readonly shown: NonNullable<Hello["shown"]> = {};
  private items = new Map<string, { item: ReportItem; healthySince: number }>();

  constructor(options: SiteOptions) {
    this.options = options;
    this.boot = options.id.replace(/\D/g, "").padStart(16, "0");
  }

  get id(): string {
    return this.options.id;
  }

  version(bundle: string): string | undefined {
    return this.set?.items.find((item) => item.bundle === bundle)?.version;
  }

  hear(topic: string, frame: Uint8Array): void {
    if (this.dark) return;
    if (topic.endsWith("/down/ack")) {
      this.acks.push(this.opened(topic, "down/ack", frame) as Ack);
      this.shown.ack = Buffer.from(frame).toString("base64");
    }
    if (topic.endsWith("/down/ask")) {
      const asked = this.opened(topic, "down/ask", frame) as Ask;
      this.asked.push(asked);
      const answer = this.shows(asked);
      if (answer !== null) void this.say("up/answer", answer).catch(() => {});
    }
    if (topic.endsWith("/down/trust")) {
      const json = openUnsigned({ topic, bytes: frame, maxBytes: PACKET_MAX, maxInflated: BODY_MAX });
      this.relayed.push(parseAs(trustMessage, json, topic));
    }
    if (!topic.endsWith("/down/assign")) return;
    const { id, root } = this.options;
    const last = this.set === null ? null : { ...this.set, key: root.keys.get("assign")?.spki ?? "" };
    const opened = openAssignment(frame, { site: id, root, last });
    if (opened === null) return;
    this.set = opened.set;
    this.shown.assign = Buffer.from(frame).toString("base64");
    for (const wanted of opened.set.items) this.move(wanted);
  }

  hello(over: Partial<Hello> = {}): Promise<void> {
    const assignment = this.set === null ? {} : { assignment: [this.set.term, this.set.number] };
    const { boot } = this;
    return this.say("up/hello", {
      boot,
      agent: "0.1.0",
      ...assignment,
      report: 0,
      event: 0,
      ...this.holds,
      ...((this.shown.assign ?? this.shown.ack) && { shown: this.shown }),
      ...over,
    });
  }

  report(): Promise<void> {
    const now = this.options.clock.now();
    this.number += 1;
    const body: Report = {
      number: this.number,
      boot: this.boot,
      ...(this.set === null ? {} : { assignment: [this.set.term, this.set.number] }),
      ...this.holds,
      at: rfc3339(now),
      synced: true,
      items: [...this.items.values()].map(({ item, healthySince }) => {
        return Object.assign({}, item, { healthyFor: Math.floor((now - healthySince) / 1000) });
      }),
      ...(this.prepared.length > 0 && { prepared: this.prepared }),
    };
    return this.say("up/report", body);
  }

  event(...events: SiteEvent[]): Promise<void> {
    return this.say("up/event", { boot: this.boot, events });
  }

  say(kind: TopicKind, body: object): Promise<void> {
    if (this.dark) return Promise.resolve();
    return this.options.send({ topic: topicOf(FLEET, this.id, kind), client: this.id, frame: this.frame(kind, body) });
  }

  frame(kind: TopicKind, body: object, key: PrivateKey = this.options.key): Uint8Array {
    const topic = topicOf(FLEET, this.id, kind);
    return encodeFrame({ topic, namespace: FRAME_NAMESPACE[kind], json: sorted(body), format: "deflate", key });
  }

  private opened(topic: string, kind: TopicKind, bytes: Uint8Array): unknown {
    const assign = this.options.root.keys.get("assign");
    if (assign === undefined) throw new Error("the root has no key named assign");
    const namespace = FRAME_NAMESPACE[kind];
    return openFrame({ topic, namespace, bytes, maxBytes: PACKET_MAX, maxInflated: BODY_MAX, keys: [assign] }).json;
  }

  private move(wanted: VerifiedAssignment["items"][number]): void {
    const now = this.options.clock.now();
    const digest = wanted.digest.slice(0, 32);
    const values = valuesHash(wanted.values);
    const { record } = wanted;
    const before = this.items.get(wanted.bundle)?.item;
    if (before?.digest === digest && before.values === values && before.record === record) return;
    if (before?.failed?.digest === digest && before.failed.values === values && wanted.retry !== true) return;
    const marks: [Pair, Pair] = [wanted.pair, [1, 1]];
    const moved = {
      bundle: wanted.bundle,
      digest,
      values,
      record,
      since: rfc3339(now),
      healthyFor: 0,
      ...(before === undefined ? {} : { previous: before.digest, previousValues: before.values }),
    };
    const item: ReportItem =
      this.sick.has(wanted.version) && before !== undefined
        ? { ...before, state: "reverted", failed: { digest, values, code: "unhealthy" } }
        : { ...moved, state: "committed", marks, objects: { total: 1, healthy: 1, drifted: 0 } };
    this.items.set(wanted.bundle, { item, healthySince: now });
  }
}
