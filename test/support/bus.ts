import { type Backoff } from "../../agent/link/backoff.ts";
import type { Link, LinkEvents } from "../../agent/link/link.ts";
import { type Connection, type ConnectionEvents, keepConnected } from "../../agent/link/redial.ts";
import type { Bus, BusEvents } from "../../hub/broker/bus.ts";
import { inOrder } from "../../hub/broker/in-order.ts";
import { publishBreach } from "../../hub/broker/topic-rules.ts";
import { AppError, inWords } from "../../shared/errors.ts";
import type { Clock, Random } from "../../shared/ports.ts";
import { PACKET_MAX, topicOf } from "../../shared/protocol.ts";

/**
 * The bus and its links in memory: the hub's rules and the site's redialling are the real ones, the wire is not there.
 * Everything is delivered in later microtasks, in order; only the waits of the links need the clock.
 */
export interface MemoryNet {
  /** Starts the hub's end; again after its `close`, as a hub that starts anew does, without retained messages. */
  start(events: BusEvents): Bus;
  link(
    options: { site: string; clock: Clock; random: Random; backoff: Backoff; will: Uint8Array },
    events: LinkEvents,
  ): Link;
  /** Ends the connection of a site as a pulled cable does. */
  cut(site: string): void;
}

interface Seat extends ConnectionEvents {
  site: string;
  will: Uint8Array;
}

interface Hub {
  events: BusEvents;
  retained: Map<string, Uint8Array>;
  seats: Map<string, Seat>;
}

export function memoryNet({ fleet, allows }: { fleet: string; allows(site: string): boolean }): MemoryNet {
  let hub: Hub | undefined;

  function hears(site: string, topic: string): boolean {
    return topic.startsWith(`skerry/1/${fleet}/${site}/down/`) || topic.startsWith(`skerry/1/${fleet}/all/`);
  }

  /** Ends a connection from the hub's side; its will follows, unless the hub itself has gone. */
  function unseat(at: Hub, seat: Seat, because: string, oneByOne: ReturnType<typeof inOrder>): void {
    if (at.seats.get(seat.site) !== seat) return;
    at.seats.delete(seat.site);
    queueMicrotask(() => seat.onEnd(because));
    const topic = topicOf(fleet, seat.site, "presence");
    oneByOne(seat.site, async () => {
      if (hub === at) await at.events.onMessage({ topic, client: seat.site, frame: seat.will }).catch(() => undefined);
    });
  }

  const oneByOne = inOrder();

  function open(site: string, will: Uint8Array, on: ConnectionEvents): Connection {
    const bytes = { up: 0, down: 0 };
    const pending = new Set<(error: AppError) => void>();
    const at = hub;
    let ended: string | undefined;
    const seat: Seat = {
      site,
      will,
      onUp: on.onUp,
      onMessage(topic, frame) {
        bytes.down += topic.length + frame.byteLength;
        if (ended === undefined) on.onMessage(topic, frame);
      },
      onEnd(because) {
        if (ended !== undefined) return;
        ended = because;
        for (const reject of pending) reject(new AppError("unreachable", because));
        on.onEnd(because);
      },
    };
    queueMicrotask(() => {
      if (at === undefined || hub !== at) return seat.onEnd("nobody listens there");
      bytes.up += site.length + will.byteLength;
      if (!allows(site)) {
        at.events.onBreach({
          client: site,
          words: inWords(new AppError("sender", `site ${site} is not known to this hub`)),
        });
        return seat.onEnd("the hub refused this site");
      }
      const before = at.seats.get(site);
      if (before !== undefined) unseat(at, before, "another connection took its place", oneByOne);
      at.seats.set(site, seat);
      bytes.down += 1;
      seat.onUp();
      for (const [topic, frame] of at.retained)
        if (hears(site, topic)) queueMicrotask(() => seat.onMessage(topic, frame));
    });

    function publish(topic: string, frame: Uint8Array): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      if (at === undefined || ended !== undefined) {
        reject(new AppError("unreachable", ended ?? "nobody listens there"));
        return promise;
      }
      pending.add(reject);
      bytes.up += topic.length + frame.byteLength;
      const words = publishBreach(fleet, site, { topic });
      if (words !== undefined) {
        at.events.onBreach({ client: site, words: inWords(new AppError("sender", `site ${site} ${words}`)) });
        unseat(at, seat, "the other side closed the connection", oneByOne);
        return promise;
      }
      oneByOne(site, async () => {
        if (hub !== at || at.seats.get(site) !== seat) return;
        try {
          await at.events.onMessage({ topic, client: site, frame });
          pending.delete(reject);
          if (ended === undefined) resolve();
          else reject(new AppError("unreachable", ended));
        } catch {
          unseat(at, seat, "the other side closed the connection", oneByOne);
        }
      });
      return promise;
    }

    function end(because: string): void {
      if (at !== undefined && at.seats.get(site) === seat) unseat(at, seat, because, oneByOne);
      else queueMicrotask(() => seat.onEnd(because));
    }

    return { publish, bytes, drop: end, leave: () => end("this side closed the connection") };
  }

  return {
    start(events) {
      const at: Hub = { events, retained: new Map(), seats: new Map() };
      hub = at;
      return {
        url: "mqtt://memory",
        async publish(topic, frame, { retain }) {
          if (frame.byteLength + topic.length + 4 > PACKET_MAX) {
            throw new AppError("too-large", `a frame of ${frame.byteLength} bytes`, { where: topic });
          }
          if (hub !== at) throw new AppError("unreachable", "the broker is closed", { where: topic });
          if (retain) at.retained.set(topic, frame);
          for (const seat of at.seats.values()) {
            if (hears(seat.site, topic)) queueMicrotask(() => seat.onMessage(topic, frame));
          }
        },
        async close() {
          if (hub === at) hub = undefined;
          for (const seat of at.seats.values())
            queueMicrotask(() => seat.onEnd("the other side closed the connection"));
          at.seats.clear();
        },
      };
    },
    link({ site, will, ...options }, events) {
      return keepConnected({ fleet, site, ...options }, (on) => open(site, will, on), events);
    },
    cut(site) {
      const seat = hub?.seats.get(site);
      if (hub !== undefined && seat !== undefined) unseat(hub, seat, "the connection was cut", oneByOne);
    },
  };
}
