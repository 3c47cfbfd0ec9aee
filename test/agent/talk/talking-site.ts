import type { Cache } from "../../../agent/cache/cache.ts";
import type { Link } from "../../../agent/link/link.ts";
import type { Trust } from "../../../agent/pull/trust.ts";
import type { Unnumbered } from "../../../agent/report/report.ts";
import { Talk } from "../../../agent/talk.ts";
import type { AssignmentSet } from "../../../shared/assignment.ts";
import { sorted } from "../../../shared/canonical.ts";
import { AppError } from "../../../shared/errors.ts";
import { encodeFrame, openFrame } from "../../../shared/node/frame.ts";
import type { PrivateKey } from "../../../shared/node/ssh-key.ts";
import { type Ack, FRAME_NAMESPACE, type TopicKind, topicOf } from "../../../shared/protocol.ts";
import type { TrustMessage } from "../../../shared/trust.ts";
import { openRecord } from "../../../shared/verify/record.ts";
import type { TrustedRoot } from "../../../shared/verify/root.ts";
import { memoryCache } from "../../support/cache.ts";
import { FakeClock } from "../../support/clock.ts";
import { keys, NOW, signedSite, trustedRoot } from "../../support/fleet.ts";

export const BOOT = "0123456789abcdef";

export function trustUnder(root: TrustedRoot, document = signedSite()): Trust {
  const record = openRecord(document, "s-1", root);
  return { roots: new Map([[root.document.number, root]]), root, record, head: null };
}

/** A site's end of the conversation, and what the hub would hear and say. Give the cache of another for a restart. */
export function talkingSite({ cache = memoryCache(), boot = BOOT }: { cache?: Cache; boot?: string } = {}) {
  const clock = new FakeClock(NOW);
  const sent: { kind: TopicKind; body: Record<string, unknown>; retain: boolean }[] = [];
  const relayed: TrustMessage[] = [];
  const counts = { changes: 0, pulls: 0 };
  const line = { connected: true, broken: false, acknowledged: Promise.resolve() };
  let trust = trustUnder(trustedRoot());
  const link: Link = {
    get connected() {
      return line.connected;
    },
    bytes: { up: 0, down: 0 },
    publish: async (kind, bytes, options) => {
      if (line.broken) throw new AppError("unreachable", "the line is cut");
      const topic = topicOf("shops", "s-1", kind);
      const { json } = openFrame({
        topic,
        namespace: FRAME_NAMESPACE[kind],
        bytes,
        maxBytes: 1e6,
        maxInflated: 1e6,
        keys: [keys.report.public],
      });
      sent.push({ kind, body: json as Record<string, unknown>, retain: options?.retain ?? false });
      await line.acknowledged;
    },
    close: async () => {},
  };
  const talk = new Talk({
    cache,
    clock,
    journal: () => {},
    log: { debug() {}, info() {}, warn() {}, error() {} },
    sender: { fleet: "shops", site: "s-1", key: keys.report, format: "deflate" },
    boot,
    agent: "0.1.0",
    trust: () => trust,
    onChange: () => {
      counts.changes += 1;
    },
    onPullWanted: () => {
      counts.pulls += 1;
    },
    onRelayed: (message) => {
      relayed.push(message);
    },
  });
  talk.use(link);
  const hear = (kind: TopicKind, json: unknown, key: PrivateKey = keys.assign, site = "s-1") =>
    talk.heard(
      kind,
      encodeFrame({
        topic: topicOf("shops", site, kind),
        namespace: FRAME_NAMESPACE[kind],
        json: sorted(json),
        format: "plain",
        key,
      }),
    );
  return {
    cache,
    clock,
    talk,
    line,
    counts,
    relayed,
    hear,
    setTrust: (next: Trust) => {
      trust = next;
      talk.trustChanged();
    },
    ack: (report: number, event: number, more: Partial<Ack> = {}) =>
      hear("down/ack", { boot, term: 1, report, event, ...more }),
    /** What was sent since the last call. */
    said: (...kinds: TopicKind[]) => sent.splice(0).filter(({ kind }) => kinds.length === 0 || kinds.includes(kind)),
    /** Codes of the refusals in the outbox. */
    refusals: () => cache.numberEvents(100).flatMap(({ kind, code }) => (kind === "refused" ? [code] : [])),
  };
}

export function assignmentSet(changes: Partial<AssignmentSet> = {}): AssignmentSet {
  return {
    fleet: "shops",
    site: "s-1",
    term: 1,
    number: 1,
    root: 1,
    expires: "2026-12-01T00:00:00Z",
    items: [],
    ...changes,
  };
}

export function reportWith(changes: Partial<Unnumbered> = {}): Unnumbered {
  return { boot: BOOT, root: 1, record: 1, at: "2026-11-02T08:00:00Z", synced: true, items: [], ...changes };
}
