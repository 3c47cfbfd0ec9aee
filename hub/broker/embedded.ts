import type { EventEmitter } from "node:events";
import { createServer, type Server } from "node:net";
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from "aedes";
import { AppError, inWords, type RefusalCode } from "../../shared/errors.ts";
import type { Log } from "../../shared/ports.ts";
import { PACKET_MAX } from "../../shared/protocol.ts";
import type { Bus, BusEvents } from "./bus.ts";
import { GuardedSocket } from "./guarded-socket.ts";
import { inOrder } from "./in-order.ts";
import { connectBreach, publishBreach, subscribeBreach } from "./topic-rules.ts";

export interface EmbeddedOptions {
  host: string;
  /** 0 takes a free one; `Bus.url` says which. */
  port: number;
  fleet: string;
  /** True for the sites that this hub knows; asked at each CONNECT. */
  allows(site: string): boolean;
  log: Log;
  /** From the TCP connection to a whole CONNECT. Default 10 s. */
  connectTimeoutMs?: number;
}

/** aedes tells other brokers that it lives; there are none. Four times this must fit a timer's 31 bits. */
const HEARTBEAT_MS = 86_400_000;
/** CONNACK "not authorized". */
const NOT_AUTHORIZED = 5;

/** One TCP connection. */
interface Session {
  socket: GuardedSocket;
  /** The client id that CONNECT gave; the remote address before. */
  client: string;
  refused?: string;
  will?: unknown;
  /** Bytes that wait for `onMessage`. */
  waiting: number;
  /** After a breach or a message that could not be committed nothing more of this connection is taken. */
  failed: boolean;
}

/**
 * An MQTT 3.1.1 broker in this process: for the hub, its sites and nobody else. It routes nothing from site to site,
 * keeps no sessions, and holds retained messages in memory only, so the hub publishes its own again at each start.
 * Throws `config` when it cannot listen.
 */
export async function embeddedBroker(options: EmbeddedOptions, events: BusEvents): Promise<Bus> {
  const { host, fleet, log } = options;
  const sessions = new WeakMap<object, Session>();
  const open = new Set<GuardedSocket>();
  const oneByOne = inOrder();
  let closing = false;

  function sessionOf(client: Client | null): Session {
    const session = client === null ? undefined : sessions.get(client.conn);
    if (session === undefined) throw new AppError("internal", "a connection without a session");
    return session;
  }

  /** Tells, and gives the error that makes aedes close the connection. */
  function breach(session: Session, code: RefusalCode, words: string): Error {
    const who = session.client === session.socket.remote ? "a client" : `site ${JSON.stringify(session.client)}`;
    const error = new AppError(code, `${who} ${words}`, { where: session.socket.remote });
    session.failed = true;
    if (!closing) events.onBreach({ client: session.client, words: inWords(error) });
    return error;
  }

  /** aedes acknowledges after `done`, so the message is committed in between. */
  function commit(session: Session, packet: PublishPacket, done: (error?: Error | null) => void): void {
    const isWill = packet === session.will;
    const frame = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    session.waiting += frame.byteLength;
    if (session.waiting > PACKET_MAX) session.socket.hold();
    oneByOne(session.client, async () => {
      let failure: Error | null = null;
      try {
        // The will of a connection that failed is still true; that a hub goes away says nothing about its sites.
        if (closing || (session.failed && !isWill)) throw new AppError("unreachable", "the connection has ended");
        await events.onMessage({ topic: packet.topic, client: session.client, frame });
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error));
        if (!closing && !session.failed) {
          log.warn({ site: session.client, topic: packet.topic }, `not stored, so not acknowledged: ${inWords(error)}`);
        }
        session.failed = true;
      }
      session.waiting -= frame.byteLength;
      if (session.waiting <= PACKET_MAX) session.socket.release();
      setImmediate(done, failure);
    });
  }

  const broker = await Aedes.createBroker({
    heartbeatInterval: HEARTBEAT_MS,
    connectTimeout: options.connectTimeoutMs ?? 10_000,
    preConnect(client, packet, done) {
      const session = sessionOf(client);
      session.client = packet.clientId;
      session.will = packet.will;
      const refused = connectBreach(fleet, packet);
      if (refused !== undefined) session.refused = refused;
      // Answered as a broker answers that has no session of this client: it never has one.
      packet.clean = true;
      done(null, true);
    },
    authenticate(client, _user, _password, done) {
      const session = sessionOf(client);
      if (session.refused === undefined && !options.allows(session.client)) {
        session.refused = "is not known to this hub; enrol it, or mend its fleet and site id";
      }
      if (session.refused === undefined) {
        session.socket.cap = PACKET_MAX;
        done(null, true);
        return;
      }
      const error = breach(session, "sender", session.refused);
      done(Object.assign(error, { returnCode: NOT_AUTHORIZED }) satisfies AuthenticateError, false);
    },
    authorizePublish(client, packet, done) {
      const session = sessionOf(client);
      const words = publishBreach(fleet, session.client, packet);
      if (words !== undefined) {
        done(breach(session, "sender", words));
        return;
      }
      // The hub has it from `onMessage`, nobody else may read it: kept here it would only be memory.
      packet.retain = false;
      commit(session, packet, done);
    },
    authorizeSubscribe(client, subscription, done) {
      const session = sessionOf(client);
      const words = subscribeBreach(fleet, session.client, subscription.topic);
      if (words === undefined) done(null, subscription);
      else done(breach(session, "sender", words));
    },
  });
  // Unheard, it would end the process; aedes' types do not know the event.
  const emitter: EventEmitter = broker;
  emitter.on("error", (error: Error) => log.error({ error: error.message }, "the broker failed"));
  broker.on("clientError", (client, error) => {
    log.debug({ site: client.id, error: error.message }, "the connection of a site failed");
  });

  const server = createServer({ noDelay: true }, (tcp) => {
    const socket = new GuardedSocket(tcp, (words) => breach(session, "too-large", words));
    const session: Session = { socket, client: socket.remote, waiting: 0, failed: false };
    sessions.set(socket, session);
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    broker.handle(socket);
  });
  const port = await listen(server, host, options.port);
  server.on("error", (error) => log.error({ error: error.message }, "the broker's port failed"));

  return {
    url: `mqtt://${host.includes(":") ? `[${host}]` : host}:${port}`,
    async publish(topic, frame, { retain }) {
      if (frame.byteLength + topic.length + 4 > PACKET_MAX) {
        throw new AppError("too-large", `a frame of ${frame.byteLength} bytes; ${PACKET_MAX} fit in a packet`, {
          where: topic,
        });
      }
      if (closing) throw new AppError("unreachable", "the broker is closed", { where: topic });
      const payload = Buffer.from(frame);
      // Not awaited: aedes calls back when the slowest subscriber has drained, and the others must not wait for it.
      broker.publish({ cmd: "publish", topic, payload, retain, qos: 1, dup: false }, (error) => {
        if (error && !closing) log.error({ topic, error: error.message }, "the broker did not take a message");
      });
    },
    async close() {
      closing = true;
      const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => broker.close(resolve));
      await stopped;
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ host, port }, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new AppError("config", `the broker cannot listen: ${cause instanceof Error ? cause.message : cause}`, {
      where: `${host}:${port}`,
      fix: "free the port, or choose another",
      cause,
    });
  }
  server.removeListener("error", reject);
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
