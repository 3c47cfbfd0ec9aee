import { sorted } from "../../shared/canonical.ts";
import { encodeUnsigned } from "../../shared/node/frame.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { BODY_MAX, PACKET_MAX } from "../../shared/protocol.ts";
import { type TrustMessage, toRelay } from "../../shared/trust.ts";

/** Numbers of what a site says it holds; 0 for nothing. */
export interface Holds {
  root: number;
  record: number;
  head: number;
}

export interface Numbered {
  number: number;
  document: SignedBytes;
}

/** What the hub holds for a site. */
export interface Relayable {
  /** Rising by one. */
  roots: readonly Numbered[];
  /** null where the newest root does not stand behind it: the site would refuse it. */
  record: Numbered | null;
  head: Numbered | null;
}

/** Of a packet, for MQTT's own words around the frame: header, topic, packet id. */
const AROUND = 512;

/**
 * The frame that brings a site on, as far as one packet reaches: the roots it lacks, in order; with all of them its record and the head,
 * where those are newer or may hold under the new roots only. null where it lacks nothing. What did not fit is for the next report, which
 * tells how far it came.
 */
export function trustFrame(holds: Holds, { roots, record, head }: Relayable): Uint8Array | null {
  const missing = roots.filter(({ number }) => number > holds.root).map(({ document }) => toRelay(document));
  const isNewer = (what: Numbered | null, held: number) => what !== null && what.number > held;
  // A record can be signed anew under its old number for a new root.
  const withRecord = record !== null && (isNewer(record, holds.record) || missing.length > 0);
  const own = withRecord ? { record: toRelay(record.document) } : {};
  const newest = head !== null && isNewer(head, holds.head) ? { head: toRelay(head.document) } : {};
  const offers: TrustMessage[] = [
    { roots: missing, ...own, ...newest },
    { roots: missing, ...own },
    ...missing.map((_, index) => ({ roots: missing.slice(0, missing.length - index) })),
    { roots: [], ...newest },
  ];
  for (const offer of offers) {
    const frame = isEmpty(offer) ? null : fitting(offer);
    if (frame !== null) return frame;
  }
  return null;
}

function isEmpty({ roots, record, head }: TrustMessage): boolean {
  return roots.length === 0 && record === undefined && head === undefined;
}

function fitting(message: TrustMessage): Uint8Array | null {
  const json = sorted(message);
  if (Buffer.byteLength(json) > BODY_MAX) return null;
  const frame = encodeUnsigned(json, "deflate");
  return frame.length > PACKET_MAX - AROUND ? null : frame;
}
