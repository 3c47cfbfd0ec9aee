import { AppError, type ErrorCode, inWords } from "../../shared/errors.ts";
import { rfc3339 } from "../../shared/names.ts";
import type { Clock, Log, Random } from "../../shared/ports.ts";
import type { Source } from "../../shared/source/source.ts";
import type { TrustMessage } from "../../shared/trust.ts";
import type { Cache } from "../cache/cache.ts";
import { type Pulled, pull } from "./pull.ts";
import { takeRelayed } from "./relayed.ts";
import { failed, hopeful, NEW_SOURCE, type Standing } from "./standing.ts";
import { lacking } from "./take.ts";
import type { Identity, Trust } from "./trust.ts";

export interface PullerWorld {
  /** In the order in which they are asked. */
  sources: readonly Source[];
  cache: Cache;
  identity: Identity;
  clock: Clock;
  random: Random;
  log: Log;
  /** Milliseconds between polls. */
  pollMs: number;
  synced(): boolean;
  trust(): Trust;
  /** Digests that are assigned or run, by bundle. */
  wanted(): ReadonlyMap<string, readonly string[]>;
  onTrust(trust: Trust): void;
  /** After each round, whatever it brought. */
  onRound(): void;
}

/** However often a hub asks for it, so many rounds begin in so many milliseconds, and no more. */
const HURRIED = { rounds: 10, inMs: 5_000 };
/** Anybody on the bus can relay: of what brings nothing so much is read in so long; after that, what came last. */
const RELAYED = { fruitless: 6, inMs: 60_000 };

/** Asks the sources in turn, for ever, one round at a time: the next one is asked where this one fails, lies, or lacks something. */
export class Puller {
  private readonly world: PullerWorld;
  private readonly standings = new Map<Source, Standing>();
  private round: Promise<void> | null = null;
  private again = false;
  private stopped = false;
  private wellAt: number | null = null;
  private soughtFor = "";
  private relayed: TrustMessage | null = null;
  /** When what was relayed brought nothing, the last times, monotonic ms. */
  private fruitless: readonly number[] = [];
  /** When the last rounds began, monotonic ms. */
  private begun: readonly number[] = [];
  private cancel = () => {};
  private cancelRelayed = () => {};

  constructor(world: PullerWorld) {
    this.world = world;
  }

  /** Looks at the sources now, whatever they rest for. */
  now(): void {
    for (const source of this.world.sources) this.standings.set(source, hopeful(this.standing(source)));
    this.cancel();
    if (this.round !== null) this.again = true;
    else this.schedule(this.breath());
  }

  /** These digests are assigned or run, and not on disk. Once for each such set; after that the poll's own pace holds. */
  seek(missing: readonly string[]): void {
    const sought = missing.toSorted().join();
    if (sought === this.soughtFor) return;
    this.soughtFor = sought;
    const allWell = this.world.sources.every((source) => this.standing(source).state === "well");
    if (sought !== "" && allWell) this.now();
  }

  /** From the hub. Taken when no source is being asked, for what a pull accepts is judged by what was held when it began. */
  take(message: TrustMessage): void {
    this.relayed = message;
    if (this.round !== null) return;
    this.takeWaiting();
    this.world.onRound();
  }

  private breath(): number {
    const first = this.begun.at(-HURRIED.rounds);
    return first === undefined ? 0 : Math.max(0, first + HURRIED.inMs - this.world.clock.monotonic());
  }

  /** One look at a source that somebody brought, between two rounds. Throws what the source throws, and `digest` where it lies. */
  async visit(source: Source): Promise<void> {
    while (this.round !== null) await this.round;
    this.cancel();
    const visit = this.pullFrom(source);
    const quiet = (): void => {};
    this.round = visit.then(quiet, quiet);
    try {
      await visit;
    } finally {
      this.round = null;
      this.takeWaiting();
      this.schedule(0);
    }
  }

  /** How each source fared, and when one last was well (wall clock, ms; null before the first time since the start). */
  fared(): { sources: { address: string; state: Standing["state"] }[]; wellAt: number | null } {
    const sources = this.world.sources.map((source) => ({
      address: source.address,
      state: this.standing(source).state,
    }));
    return { sources, wellAt: this.wellAt };
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel();
    this.cancelRelayed();
    await this.round;
  }

  private schedule(inMs: number): void {
    if (this.stopped) return;
    this.cancel = this.world.clock.after(inMs, () => {
      this.begun = [...this.begun, this.world.clock.monotonic()].slice(-HURRIED.rounds);
      const unkept = (error: unknown): void =>
        // A full disk, mostly: what could not be kept is asked for again, and what could not be told is not.
        this.world.log.error({ words: inWords(error) }, "a look at the sources ended early");
      this.round = this.ask()
        .catch(unkept)
        .finally(() => {
          this.round = null;
          this.takeWaiting();
          const { again } = this;
          this.again = false;
          this.schedule(again ? this.breath() : this.pause());
          this.world.onRound();
        });
    });
  }

  private async ask(): Promise<void> {
    for (const source of this.world.sources) {
      if (this.stopped) return;
      if (this.standing(source).restsUntil > this.world.clock.monotonic()) continue;
      if (await this.askOne(source)) return;
      this.takeWaiting();
    }
  }

  private takeWaiting(): void {
    const { cache, identity, clock, log, trust, onTrust } = this.world;
    const message = this.relayed;
    if (message === null || this.stopped) return;
    this.cancelRelayed();
    const first = this.fruitless.at(-RELAYED.fruitless);
    const rest = first === undefined ? 0 : first + RELAYED.inMs - clock.monotonic();
    if (rest > 0) {
      this.cancelRelayed = clock.after(rest, () => this.take(message));
      return;
    }
    this.relayed = null;
    const before = trust();
    let next = before;
    try {
      next = takeRelayed({ cache, source: "hub", now: clock.now(), refused: 0 }, identity, before, message);
    } catch (error) {
      // A full disk, mostly. The hub says it again with the next connection, and the sources have it, too.
      log.error({ words: inWords(error) }, "what the hub relayed could not be kept");
    }
    if (next !== before) onTrust(next);
    else this.fruitless = [...this.fruitless, clock.monotonic()].slice(-RELAYED.fruitless);
  }

  /** True where this source had all that there is to want. */
  private async askOne(source: Source): Promise<boolean> {
    try {
      const pulled = await this.pullFrom(source);
      this.well(source);
      return !pulled.refused && this.hasAll(pulled);
    } catch (error) {
      const { message, code } =
        error instanceof AppError ? error : { message: String(error), code: "internal" as const };
      this.world.log.debug({ source: source.address, words: inWords(error) }, "pull failed");
      this.ill(source, code, message);
      return false;
    }
  }

  private async pullFrom(source: Source): Promise<Pulled> {
    const { cache, identity, clock, wanted } = this.world;
    const pulled = await pull({
      source,
      cache,
      identity,
      trust: this.world.trust(),
      wanted: wanted(),
      clock: { now: clock.now(), synced: this.world.synced() },
      onTrust: this.world.onTrust,
    });
    if (pulled.lie !== null) throw pulled.lie;
    return pulled;
  }

  private hasAll({ trust }: Pulled): boolean {
    if (trust.record === null) return false;
    return lacking(this.world.cache.versions(), [...this.world.wanted().values()].flat()).length === 0;
  }

  private well(source: Source): void {
    const before = this.standing(source);
    this.standings.set(source, NEW_SOURCE);
    this.wellAt = this.world.clock.now();
    if (before.state !== "well") this.tell(source, "can be read again", undefined);
  }

  /** Told when it changes, not with every try: being out of reach is a state. */
  private ill(source: Source, code: ErrorCode, words: string): void {
    const { clock, random, pollMs, log } = this.world;
    const before = this.standing(source);
    const next = failed(before, { code, now: clock.monotonic(), random: random(), pollMs });
    this.standings.set(source, next);
    if (before.state === next.state) return;
    if (next.state === "set-aside")
      log.error({ source: source.address, code, words }, "a source lies; it is set aside");
    this.tell(source, next.state === "set-aside" ? `set aside: ${words}` : words, code);
  }

  private tell(source: Source, words: string, code: ErrorCode | undefined): void {
    const at = rfc3339(this.world.clock.now());
    const text = `${source.address}: ${words}`.slice(0, 300);
    this.world.cache.addEvents([{ at, kind: "source", words: text, ...(code === undefined ? {} : { code }) }]);
  }

  private standing(source: Source): Standing {
    return this.standings.get(source) ?? NEW_SOURCE;
  }

  /** Until the next poll; earlier where no source was well and one has rested enough. */
  private pause(): number {
    const { sources, clock, pollMs, random } = this.world;
    const poll = pollMs * (0.9 + 0.2 * random());
    if (sources.some((source) => this.standing(source).state === "well")) return poll;
    const rests = sources.map((source) => this.standing(source).restsUntil - clock.monotonic());
    return Math.max(0, Math.min(...rests));
  }
}
