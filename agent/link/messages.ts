import { sorted } from "../../shared/canonical.ts";
import { type SiteEvent } from "../../shared/event.ts";
import { encodeFrame, type FrameFormat, openFrame, openUnsigned } from "../../shared/node/frame.ts";
import type { PrivateKey } from "../../shared/node/ssh-key.ts";
import { parseAs } from "../../shared/parse.ts";
import {
  type Ack,
  type Answer,
  type Ask,
  ack,
  ask,
  BODY_MAX,
  FRAME_NAMESPACE,
  type Hello,
  PACKET_MAX,
  type TopicKind,
  topicOf,
} from "../../shared/protocol.ts";
import type { Report } from "../../shared/report.ts";
import { type TrustMessage, trustMessage } from "../../shared/trust.ts";
import { signersOf, type TrustedRoot } from "../../shared/verify/root.ts";

/** Frames of the site in both directions. */
export interface Sender {
  fleet: string;
  site: string;
  key: PrivateKey;
  format: FrameFormat;
}

type Outgoing =
  | { kind: "up/hello"; body: Hello }
  | { kind: "up/report"; body: Report }
  | { kind: "up/event"; body: { boot: string; events: readonly SiteEvent[] } }
  | { kind: "up/answer"; body: Answer }
  | { kind: "presence"; body: { online: boolean; boot: string } };

export function frameOf({ fleet, site, key, format }: Sender, message: Outgoing): Uint8Array {
  return encodeFrame({
    topic: topicOf(fleet, site, message.kind),
    namespace: FRAME_NAMESPACE[message.kind],
    json: sorted(message.body),
    format,
    key,
  });
}

/** Throws a refusal for what is not from a hub that the root names. */
export function openAck(frame: Uint8Array, site: string, root: TrustedRoot): Ack {
  return parseAs(ack, fromHub(frame, site, "down/ack", root), topicOf(root.document.fleet, site, "down/ack"));
}

export function openAsk(frame: Uint8Array, site: string, root: TrustedRoot): Ask {
  return parseAs(ask, fromHub(frame, site, "down/ask", root), topicOf(root.document.fleet, site, "down/ask"));
}

/** From whoever reaches the bus: only what is in it counts, and that must hold by itself. Throws a refusal for what has no such form. */
export function openTrust(bytes: Uint8Array, { fleet, site }: Pick<Sender, "fleet" | "site">): TrustMessage {
  const topic = topicOf(fleet, site, "down/trust");
  return parseAs(trustMessage, openUnsigned({ topic, bytes, maxBytes: PACKET_MAX, maxInflated: BODY_MAX }), topic);
}

function fromHub(bytes: Uint8Array, site: string, kind: TopicKind, root: TrustedRoot): unknown {
  const topic = topicOf(root.document.fleet, site, kind);
  const { keys } = signersOf(root, "assign");
  return openFrame({
    topic,
    namespace: FRAME_NAMESPACE[kind],
    bytes,
    maxBytes: PACKET_MAX,
    maxInflated: BODY_MAX,
    keys,
  }).json;
}
