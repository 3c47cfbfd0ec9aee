import { AppError } from "../../shared/errors.ts";
import type { Clock, Random } from "../../shared/ports.ts";
import { PACKET_MAX, parseTopic, type TopicKind, topicOf } from "../../shared/protocol.ts";
import { type Backoff, nextDelay } from "./backoff.ts";
import type { Link, LinkEvents } from "./link.ts";

/** One attempt at a connection, from the first packet to its end. */
export interface Connection {
  /** QoS 1; rejects `unreachable` when the connection ends before the acknowledgement. */
  publish(topic: string, frame: Uint8Array, retain: boolean): Promise<void>;
  readonly bytes: { up: number; down: number };
  /** Ends it at once; `onEnd` follows with these words. */
  drop(because: string): void;
  /** Sends what is written, then ends it. The broker must be left to publish the will. */
  leave(): void;
}

export interface ConnectionEvents {
  onUp(): void;
  onMessage(topic: string, frame: Uint8Array): void;
  /** Exactly once, the last event, and never from within `open`. */
  onEnd(because: string): void;
}

export interface RedialOptions {
  fleet: string;
  site: string;
  clock: Clock;
  random: Random;
  /** Read before every wait, so that a notice of the hub can change it. */
  backoff: Backoff;
}

/** A fixed header, the topic's length and the packet id: what a publish adds to topic and frame, at most. */
const OVERHEAD = 2 + 2;

/**
 * Keeps one connection open for ever. `onDisconnect` is told of every attempt that ended, also of one that never came
 * up, so that the person at the site can read why. A topic that this version does not know is left out: a newer hub may
 * publish kinds that it does not need.
 */
export function keepConnected(
  options: RedialOptions,
  open: (events: ConnectionEvents) => Connection,
  events: LinkEvents,
): Link {
  const { fleet, site, clock, random } = options;
  const past = { up: 0, down: 0 };
  let current: Connection | undefined;
  let upSince: number | undefined;
  let failures = 0;
  let closing: { promise: Promise<void>; resolve: () => void } | undefined;
  let stopWaiting = clock.after(nextDelay(0, random(), options.backoff), dial);

  function dial(): void {
    current = open({ onUp, onMessage, onEnd });
  }

  function onUp(): void {
    upSince = clock.monotonic();
    events.onConnect();
  }

  function onMessage(topic: string, frame: Uint8Array): void {
    const kind = kindOf(topic);
    if (kind === undefined || closing !== undefined) return;
    try {
      events.onMessage(kind, frame, topic);
    } catch (error) {
      // What the other side sent must not end the process, which would start again and read the same retained frame.
      current?.drop(`the message on ${topic} could not be taken: ${error instanceof Error ? error.message : error}`);
    }
  }

  function kindOf(topic: string): TopicKind | undefined {
    try {
      const parsed = parseTopic(topic);
      return parsed.fleet === fleet ? parsed.kind : undefined;
    } catch {
      return undefined;
    }
  }

  function onEnd(because: string): void {
    past.up += current?.bytes.up ?? 0;
    past.down += current?.bytes.down ?? 0;
    current = undefined;
    const wasUp = upSince !== undefined;
    // A hub that accepts and drops at once must not be dialled without pause: only a connection that outlived the
    // longest wait before it starts the count anew.
    const steady = upSince !== undefined && clock.monotonic() - upSince > nextDelay(failures, 1, options.backoff);
    failures = steady ? 0 : failures + 1;
    upSince = undefined;
    if (closing === undefined) {
      const chance = random();
      // Every connection that was up may have ended with everybody else's: the spread applies again.
      const spread = wasUp ? nextDelay(0, chance, options.backoff) : 0;
      stopWaiting = clock.after(Math.max(spread, nextDelay(failures, chance, options.backoff)), dial);
    }
    events.onDisconnect(because);
    closing?.resolve();
  }

  return {
    async publish(kind, frame, { retain = false } = {}) {
      const topic = topicOf(fleet, site, kind);
      if (OVERHEAD + topic.length + frame.byteLength > PACKET_MAX) {
        throw new AppError("too-large", `a message of ${frame.byteLength} bytes; ${PACKET_MAX} fit in a packet`, {
          where: topic,
        });
      }
      if (current === undefined || upSince === undefined) {
        throw new AppError("unreachable", "there is no connection to the hub", { where: topic });
      }
      await current.publish(topic, frame, retain);
    },
    get connected() {
      return upSince !== undefined;
    },
    get bytes() {
      return { up: past.up + (current?.bytes.up ?? 0), down: past.down + (current?.bytes.down ?? 0) };
    },
    close() {
      if (closing === undefined) {
        closing = Promise.withResolvers<void>();
        stopWaiting();
        if (current === undefined) closing.resolve();
        else current.leave();
      }
      return closing.promise;
    },
  };
}
