import { AppError } from "../../shared/errors.ts";
import { type EventBatch, eventBatch } from "../../shared/event.ts";
import { openFrame } from "../../shared/node/frame.ts";
import type { PublicKey } from "../../shared/node/ssh-key.ts";
import { parseAs } from "../../shared/parse.ts";
import {
  type Answer,
  answer,
  BODY_MAX,
  FRAME_NAMESPACE,
  type Hello,
  hello,
  PACKET_MAX,
  type Presence,
  parseTopic,
  presence,
  type TopicKind,
} from "../../shared/protocol.ts";
import { type Report, report, reportDelta } from "../../shared/report.ts";

/** A message of a site, as the bus brings it. */
export interface Incoming {
  topic: string;
  /** The client id of the connection that it came by. */
  client: string;
  frame: Uint8Array;
}

/** A message that its site signed, of the shape it must have. */
export type Message = { site: string } & (
  | { kind: "hello"; body: Hello }
  | { kind: "report"; body: Report }
  | { kind: "event"; body: EventBatch }
  | { kind: "answer"; body: Answer }
  | { kind: "presence"; body: Presence }
);

export interface Senders {
  fleet: string;
  /** The report keys of a site's signed record; undefined for a site without one. */
  keysOf(site: string): readonly PublicKey[] | undefined;
}

/**
 * Throws a refusal: `malformed` for another topic, `fleet`, `sender` for a site that is unknown or speaks where it may not,
 * `too-large`, `signature`, `schema`, `unsupported`. Nothing of the frame is inflated or parsed before its signature holds.
 */
export function openMessage({ topic, client, frame }: Incoming, senders: Senders): Message {
  const { fleet, site, kind } = parseTopic(topic);
  if (fleet !== senders.fleet) throw new AppError("fleet", `a message for fleet ${fleet}`, { where: topic });
  if (client !== site) {
    throw new AppError("sender", `client ${client.slice(0, 80)} speaks for site ${site}`, { where: topic });
  }
  const keys = senders.keysOf(site);
  if (keys === undefined) {
    throw new AppError("sender", `site ${site} has no signed record`, {
      where: topic,
      fix: "sign a site record for it and publish it",
    });
  }
  const namespace = FRAME_NAMESPACE[kind];
  const { json } = openFrame({ topic, namespace, bytes: frame, maxBytes: PACKET_MAX, maxInflated: BODY_MAX, keys });
  return { site, ...parsed(kind, json, topic) } as Message;
}

function parsed(kind: TopicKind, json: unknown, topic: string) {
  switch (kind) {
    case "up/hello":
      return { kind: "hello", body: parseAs(hello, json, topic) };
    case "up/report":
      return { kind: "report", body: full(json, topic) };
    case "up/event":
      return { kind: "event", body: parseAs(eventBatch, json, topic) };
    case "up/answer":
      return { kind: "answer", body: parseAs(answer, json, topic) };
    case "presence":
      return { kind: "presence", body: parseAs(presence, json, topic) };
    default:
      throw new AppError("sender", "sites do not speak here", { where: topic });
  }
}

function full(json: unknown, topic: string): Report {
  if (typeof json !== "object" || json === null || !("base" in json)) return parseAs(report, json, topic);
  parseAs(reportDelta, json, topic);
  throw new AppError("unsupported", "this version does not take deltas", {
    where: `${topic} /base`,
    fix: "send it whole",
  });
}
