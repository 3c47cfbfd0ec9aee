import { parseTopic } from "../../shared/protocol.ts";

/**
 * What a site may say and hear. Each rule gives the words of a breach, or nothing. A client id is a site id here: the
 * broker has authenticated it before it asks.
 */

interface Message {
  topic: string;
  qos?: 0 | 1 | 2;
}

/** A site publishes under its own `up/` and on its own `presence`. A will is a publish that happens later. */
export function publishBreach(fleet: string, site: string, packet: Message): string | undefined {
  if (packet.qos === 2) return `publishes with QoS 2; this protocol uses 1`;
  const kind = ownKind(fleet, site, packet.topic);
  if (kind === undefined || kind.startsWith("down/")) return `may not publish on ${shown(packet.topic)}`;
  return undefined;
}

/** A site subscribes to its own `down/#` and the fleet's `all/#`, in exactly this form. */
export function subscribeBreach(fleet: string, site: string, filter: string): string | undefined {
  if (filter === `skerry/1/${fleet}/${site}/down/#` || filter === `skerry/1/${fleet}/all/#`) return undefined;
  return `may not subscribe to ${shown(filter)}`;
}

/** What a CONNECT must be before it is worth asking who sent it. */
export function connectBreach(
  fleet: string,
  packet: { clientId: string; keepalive?: number | undefined; will?: Message | undefined },
): string | undefined {
  // Without pings nobody would ever notice that the site has gone, and the connection would stay for good.
  if (!packet.keepalive) return "connects without a keepalive";
  const will = packet.will && publishBreach(fleet, packet.clientId, packet.will);
  return will && `leaves a will that it ${will}`;
}

function ownKind(fleet: string, site: string, topic: string): string | undefined {
  try {
    const parsed = parseTopic(topic);
    return parsed.fleet === fleet && parsed.site === site ? parsed.kind : undefined;
  } catch {
    return undefined;
  }
}

function shown(topic: string): string {
  return JSON.stringify(topic.slice(0, 200));
}
