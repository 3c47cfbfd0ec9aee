import * as z from "zod/mini";
import { diff } from "./diff.ts";
import { AppError } from "./errors.ts";
import { boot, count, name, number, shortDigest, version } from "./names.ts";

/** Topics and the small messages of the wire: MQTT 3.1.1, `skerry/1/<fleet>/<site>/...`. */

export const TOPIC_KINDS = [
  "up/hello",
  "up/report",
  "up/event",
  "up/answer",
  "presence",
  "down/assign",
  "down/ack",
  "down/ask",
  "down/trust",
] as const;
export type TopicKind = (typeof TOPIC_KINDS)[number];

/** SSHSIG namespace of each kind of topic: a broker cannot move a message to another kind. */
export const FRAME_NAMESPACE: Readonly<Record<TopicKind, string>> = {
  "up/hello": "skerry-hello@v1",
  "up/report": "skerry-report@v1",
  "up/event": "skerry-event@v1",
  "up/answer": "skerry-answer@v1",
  presence: "skerry-presence@v1",
  "down/assign": "skerry-assign@v1",
  "down/ack": "skerry-ack@v1",
  "down/ask": "skerry-ask@v1",
  // Taken, and signed by nobody: what is relayed bears the signatures of those who made it (`shared/trust.ts`).
  "down/trust": "skerry-trust@v1",
};

/** Packet caps in bytes: before the sender is authenticated, and after. */
export const PACKET_MAX_UNAUTHENTICATED = 1024;
export const PACKET_MAX = 256 * 1024;
/** Cap of a body after inflation. */
export const BODY_MAX = 1024 * 1024;

export function topicOf(fleet: string, site: string, kind: TopicKind): string {
  return `skerry/1/${fleet}/${site}/${kind}`;
}

/** Throws `malformed` for anything that is not one of our topics. */
export function parseTopic(topic: string): { fleet: string; site: string; kind: TopicKind } {
  const [product, protocol, fleet, site] = topic.split("/", 4);
  const rest = topic.slice(`${product}/${protocol}/${fleet}/${site}/`.length);
  const kind = TOPIC_KINDS.find((known) => known === rest);
  if (product !== "skerry" || protocol !== "1" || fleet === undefined || site === undefined || kind === undefined) {
    throw new AppError("malformed", "not a topic of this protocol", { where: topic.slice(0, 200) });
  }
  return { fleet, site, kind };
}

/** A frame as it came, in base64. */
const frame = z.string().check(z.regex(/^[A-Za-z0-9+/]+={0,2}$/));
/** What a site holds of its hub's own words, with their signatures: no site can make them up. */
const shown = z.strictObject({ assign: z.optional(frame), ack: z.optional(frame) });

/** On each connect: enough for the hub to notice that it, or the site, lost something. */
export const hello = z.strictObject({
  boot,
  agent: version,
  assignment: z.optional(z.tuple([number, number])),
  /** Highest report and event number that a hub *acknowledged*; 0 before the first. */
  report: count,
  event: count,
  /** Numbers held; 0 before the first. */
  root: count,
  record: count,
  /** The frames that say so of the assignment, and of the acknowledged numbers: a hub that does not know of them believes nothing else. */
  shown: z.optional(shown),
});
export type Hello = z.infer<typeof hello>;

/**
 * What the hub has committed. The site drops nothing from its outbox before this names its boot nonce. The hub's term says which life of
 * the hub it is from.
 */
export const ack = z.strictObject({ boot, term: number, report: count, event: count, full: z.optional(z.boolean()) });
export type Ack = z.infer<typeof ack>;

/** A hint, never evidence: the site signs both forms at connect, and the broker sends the will for it. */
export const presence = z.strictObject({ online: z.boolean(), boot });
export type Presence = z.infer<typeof presence>;

/** A question to one site, with a deadline in RFC 3339. */
export const ask = z.discriminatedUnion("what", [
  z.strictObject({ id: name, deadline: z.string(), what: z.literal("sync") }),
  z.strictObject({ id: name, deadline: z.string(), what: z.literal("diagnostics") }),
  /** What a state that is prepared there would change, by the hash that the site reported. */
  z.strictObject({ id: name, deadline: z.string(), what: z.literal("diff"), diff: shortDigest }),
]);
export type Ask = z.infer<typeof ask>;
/** `diff`: what was asked for; left out where the site has it no more. Who asked checks that it is the one. */
export const answer = z.strictObject({ id: name, boot, diff: z.optional(diff) });
export type Answer = z.infer<typeof answer>;
