import type { Bus, BusEvents } from "../../hub/broker/bus.ts";
import { AppError } from "../../shared/errors.ts";
import { parseTopic, type TopicKind, topicOf } from "../../shared/protocol.ts";
import { FLEET, type World } from "./world.ts";

/** The site's end of a connection, as the broker knows it. */
export interface Session {
  site: string;
  will: Uint8Array;
  /** Something comes down it. */
  hear(kind: TopicKind, frame: Uint8Array): void;
  /** It ended, and not by the site's wish. */
  ended(): void;
}

/** The process that the broker is a part of. */
interface BrokerProcess {
  /** May end the process: it then never resolves. */
  effect(): Promise<void>;
  /** Later, where the process is stopped. */
  run(work: () => void): void;
  /** Whether its lease is the newest. */
  mayAct(): boolean;
}

/** The embedded broker of one hub process: it acknowledges what the hub stored, and forgets what it retained when the process dies. */
export class Broker implements Bus {
  readonly url = "mqtt://simulated";
  /** Publishing fails. */
  faulty = false;
  private alive = true;
  private readonly world: World;
  private readonly retained = new Map<string, Uint8Array>();
  private readonly sessions = new Map<string, Session>();
  private hub: Pick<BusEvents, "onMessage"> | null = null;
  private readonly process: BrokerProcess;

  constructor(world: World, process: BrokerProcess) {
    this.world = world;
    this.process = process;
  }

  serve(hub: Pick<BusEvents, "onMessage">): void {
    this.hub = hub;
  }

  accept(session: Session): void {
    this.sessions.set(session.site, session);
    const frame = this.retained.get(topicOf(FLEET, session.site, "down/assign"));
    if (frame !== undefined) this.down(session, "down/assign", frame);
  }

  /** The connection is gone; who did not say good-bye has left a will. */
  lost(session: Session): void {
    if (this.sessions.get(session.site) !== session) return;
    this.sessions.delete(session.site);
    void this.up(session.site, "presence", session.will).catch(() => {});
  }

  async publish(topic: string, frame: Uint8Array, { retain }: { retain: boolean }): Promise<void> {
    await this.process.effect();
    if (this.faulty) throw new AppError("unreachable", "the broker does not answer");
    const { site, kind } = parseTopic(topic);
    if (!this.process.mayAct())
      this.world.witness.fail("oneHub", `${site} is told ${kind} by a hub of the past`, [site]);
    if (retain) {
      this.retained.set(topic, frame);
      this.world.witness.published(site, frame);
    }
    const session = this.sessions.get(site);
    if (session !== undefined) this.down(session, kind, frame);
    await this.process.effect();
  }

  async close(): Promise<void> {}

  /** It answers no keepalive: sites go elsewhere, and it does not see that. */
  unheard(still: boolean): void {
    if (!still) return;
    const all = [...this.sessions.values()];
    for (const session of all) session.ended();
  }

  /** The process died. */
  die(): void {
    this.alive = false;
    const all = [...this.sessions.values()];
    this.sessions.clear();
    for (const session of all) session.ended();
  }

  /** Resolves when the hub took it, rejects when it refused, never when it died. */
  async up(site: string, kind: TopicKind, frame: Uint8Array): Promise<void> {
    if (!this.alive || this.hub === null) return new Promise(() => {});
    const { trace, witness } = this.world;
    trace.event(`${site} ${kind}`);
    const confirmed = witness.arrives(site, kind, frame);
    await this.running();
    await this.hub.onMessage({ topic: topicOf(FLEET, site, kind), client: site, frame });
    confirmed();
  }

  private running(): Promise<void> {
    return new Promise((resolve) => this.process.run(resolve));
  }

  /** What a message on its way does when it arrives: nothing where the connection it left by is not there any more. */
  private down(session: Session, kind: TopicKind, frame: Uint8Array): void {
    const { queue, chance, trace, weather } = this.world;
    const arrive = () => {
      if (this.sessions.get(session.site) !== session) return;
      trace.event(`${session.site} ${kind}`);
      session.hear(kind, frame);
    };
    if (chance.of(weather.cut) || (kind === "down/assign" && chance.of(weather.loss))) {
      // What is retained is lost with its connection only: the next one brings it again.
      session.ended();
      return;
    }
    if (kind !== "down/assign" && chance.of(weather.loss)) return;
    queue.after(chance.delay(weather.latency), arrive);
    if (chance.of(weather.twice)) queue.after(chance.delay(weather.latency * 10), arrive);
  }
}
