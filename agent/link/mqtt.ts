import { connect } from "node:net";
import { MqttClient, type Packet } from "mqtt";
import { AppError } from "../../shared/errors.ts";
import { PACKET_MAX, topicOf } from "../../shared/protocol.ts";
import type { Link, LinkEvents } from "./link.ts";
import { type Connection, type ConnectionEvents, keepConnected, type RedialOptions } from "./redial.ts";

export interface MqttOptions extends RedialOptions {
  /** `mqtt://host:port`. */
  url: string;
  /** Frame that the broker publishes on `presence`, retained, when the connection ends for whatever reason. */
  will: Uint8Array;
  /** A ping after this long without an answer from the broker; half as long again and the connection is dead. */
  keepaliveSeconds: number;
}

/** From the first packet to the SUBACK. */
const CONNECT_TIMEOUT_MS = 30_000;
/** For what is written to leave, on `close`. */
const LEAVE_TIMEOUT_MS = 1_000;
/** What Node hands over in one read: a packet over the cap is noticed at the latest this many bytes after it. */
const READ_MAX = 64 * 1024;

/**
 * The link over MQTT 3.1.1. `close` leaves without a DISCONNECT on purpose: the broker then publishes the will, which
 * says the same as this side would. Throws `config` for a URL that is not `mqtt:`.
 */
export function mqttLink(options: MqttOptions, events: LinkEvents): Link {
  const url = URL.parse(options.url);
  if (url === null || url.protocol !== "mqtt:" || url.hostname === "") {
    throw new AppError("config", `the hub's address ${options.url} is not of the form mqtt://host:port`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || 1883);
  return keepConnected(options, (on) => openMqtt(options, { host, port }, on), events);
}

function openMqtt(options: MqttOptions, address: { host: string; port: number }, on: ConnectionEvents): Connection {
  const { fleet, site, clock } = options;
  const where = `${address.host}:${address.port}`;
  const socket = connect({ ...address, noDelay: true });
  const client = new MqttClient(() => socket, {
    clientId: site,
    protocolVersion: 4,
    // The hub's state is retained and the site's is in its outbox: a session would only queue stale messages.
    clean: true,
    reconnectPeriod: 0,
    queueQoSZero: false,
    // mqtt-packet would hold 65536 buffers ready, one for each number of two bytes: 26 MB of an agent of 110.
    writeCache: false,
    keepalive: options.keepaliveSeconds,
    connectTimeout: CONNECT_TIMEOUT_MS,
    will: { topic: topicOf(fleet, site, "presence"), payload: Buffer.from(options.will), qos: 1, retain: true },
  });
  const unacknowledged = new Set<(error: AppError) => void>();
  let ended: string | undefined;
  let unparsed = 0;

  function drop(because: string): void {
    ended ??= because;
    socket.destroy();
  }

  const stopConnectTimer = clock.after(CONNECT_TIMEOUT_MS, () =>
    drop(`no answer within ${CONNECT_TIMEOUT_MS / 1000} s`),
  );
  let stopLeaveTimer = (): void => {};

  // mqtt.js holds a packet until it is whole, whatever its length; so what it holds is counted here.
  socket.prependListener("data", (chunk) => {
    unparsed += chunk.length;
    if (unparsed > PACKET_MAX + READ_MAX) drop(`a packet of over ${PACKET_MAX} bytes came`);
  });
  client.on("error", (error) => drop(error.message));
  client.on("connect", () =>
    client.subscribe([`skerry/1/${fleet}/${site}/down/#`, `skerry/1/${fleet}/all/#`], { qos: 1 }),
  );
  client.on("packetreceive", (packet: Packet) => {
    unparsed = 0;
    if ((packet.length ?? 0) > PACKET_MAX) drop(`a packet of over ${PACKET_MAX} bytes came`);
    if (packet.cmd !== "suback" || ended !== undefined) return;
    stopConnectTimer();
    if (packet.granted.some((granted) => granted === 128)) drop("the broker refused the subscription");
    else on.onUp();
  });
  client.on("message", (topic, frame) => {
    if (ended === undefined) on.onMessage(topic, frame);
  });
  socket.on("close", () => {
    stopConnectTimer();
    stopLeaveTimer();
    const because = ended ?? "the other side closed the connection";
    ended = because;
    for (const reject of unacknowledged) reject(unreachable(because));
    unacknowledged.clear();
    on.onEnd(`${because} (${where})`);
  });

  function unreachable(because: string): AppError {
    return new AppError("unreachable", because, { where });
  }

  return {
    publish(topic, frame, retain) {
      if (ended !== undefined) return Promise.reject(unreachable(ended));
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      unacknowledged.add(reject);
      const payload = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
      client.publish(topic, payload, { qos: 1, retain }, (error) => {
        if (error) {
          // mqtt.js gives up on it because the connection ends; `close` knows why.
          socket.destroy();
          return;
        }
        unacknowledged.delete(reject);
        resolve();
      });
      return promise;
    },
    get bytes() {
      return { up: socket.bytesWritten, down: socket.bytesRead };
    },
    drop,
    leave() {
      ended ??= "this side closed the connection";
      stopLeaveTimer = clock.after(LEAVE_TIMEOUT_MS, () => socket.destroy());
      socket.destroySoon();
    },
  };
}
