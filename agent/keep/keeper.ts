import { AppError, type ErrorCode, inWords } from "../../shared/errors.ts";
import { rfc3339 } from "../../shared/names.ts";
import type { Clock, Journal, Log } from "../../shared/ports.ts";
import { type KubeClass, KubeError } from "../apply/kube.ts";
import type { Cache } from "../cache/cache.ts";
import { type Kept, lacks, NOTHING, type Reading, type Vault } from "./keep.ts";

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 60_000;
/** Two agents on one cluster, or a controller, would take turns with this one for ever. */
const TURNS = 5;
/** What does not pass by itself, once it was answered this often: a server that just started refuses those who do hold the right. */
const FOR_PEOPLE: ReadonlySet<KubeClass> = new Set(["forbidden", "quota", "policy", "manifest", "immutable"]);
const MOODS = 3;

export interface KeeperWorld {
  vault: Vault;
  cache: Cache;
  clock: Clock;
  journal: Journal;
  log: Log;
  /** As their files hold them. */
  reportKey: string;
  boxKey: string;
  /** Marks rose. */
  onChange(): void;
}

/**
 * Sees to it that the cluster keeps what the disk has, and that the disk learns what the cluster kept. Nobody waits for it: the disk is
 * first, and what could not be written is written later.
 */
export class Keeper {
  private readonly world: KeeperWorld;
  /** As it was last read or written; null: to be read. */
  private cluster: { kept: Kept; version: string | null } | null = null;
  /** What the watch said then: only another word of it is news. */
  private seenThen = "";
  private wasRead = false;
  /** Another site's Secret: left alone until it is replaced. */
  private isForeign = false;
  private working: Promise<void> | null = null;
  private failures = 0;
  private told = "";
  private stopped = false;
  private cancelRetry: (() => void) | null = null;

  constructor(world: KeeperWorld) {
    this.world = world;
  }

  /** Whether the marks on disk are all there are. Without any, they may have been lost with the disk. */
  marksKnown(): boolean {
    return this.wasRead || this.world.cache.marks().size > 0;
  }

  /** Compares what the cluster keeps with the disk. Where all is well this asks nobody anything. */
  tend(): void {
    if (this.stopped || this.working !== null || this.cancelRetry !== null || this.isSettled()) return;
    this.working = this.work().finally(() => {
      this.working = null;
      this.tend();
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelRetry?.();
    await this.working;
  }

  private isSettled(): boolean {
    const { cluster } = this;
    if (cluster === null) return false;
    const seen = this.world.vault.seen();
    const isNews = seen !== "unseen" && seen !== this.seenThen && seen !== cluster.version;
    return !isNews && (this.isForeign || !lacks(cluster.kept, this.onDisk()));
  }

  private onDisk(): Kept {
    const { reportKey, boxKey, cache } = this.world;
    return { reportKey, boxKey, marks: cache.marks() };
  }

  private async work(): Promise<void> {
    try {
      for (let turn = 0; !this.stopped && !this.isSettled(); turn += 1) {
        if (turn === TURNS) throw new AppError("kube", "somebody else writes it all the time");
        await this.once();
      }
      this.failures = 0;
    } catch (error) {
      this.failures += 1;
      this.cluster = null;
      this.world.log.warn(
        { words: inWords(error), failures: this.failures },
        "the cluster does not keep this site's marks yet",
      );
      if (error instanceof KubeError && FOR_PEOPLE.has(error.kubeClass) && this.failures === MOODS)
        this.tellOnce("kube", `the marks and the keys of this site cannot be kept in the cluster: ${inWords(error)}`);
      if (this.stopped) return;
      const wait = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(this.failures - 1, 10));
      this.cancelRetry = this.world.clock.after(wait, () => {
        this.cancelRetry = null;
        this.tend();
      });
    }
  }

  /** Reads, takes what is higher, and writes what is missing: under the version that was read, so that nothing higher is overwritten. */
  private async once(): Promise<void> {
    const { vault, journal } = this.world;
    const reading = await vault.read();
    this.take(reading);
    const cluster = this.cluster ?? { kept: NOTHING, version: null };
    const disk = this.onDisk();
    if (this.isForeign || !lacks(cluster.kept, disk)) return;
    journal("kube.keep", "before");
    const writing = vault.write(disk, cluster.version);
    journal("kube.keep", "between");
    const version = await writing;
    journal("kube.keep", "after");
    this.cluster = version === null ? null : { kept: disk, version };
    this.seenThen = vault.seen();
  }

  private take(reading: Reading): void {
    const { cache, vault } = this.world;
    this.isForeign = reading.found === "foreign";
    if (reading.found === "damaged" || reading.found === "foreign") this.tellOnce("record", reading.words);
    const version = reading.found === "nothing" ? null : reading.version;
    // What is damaged is written anew; what can be read of it counts all the same.
    this.cluster = { kept: reading.found === "kept" ? reading.kept : NOTHING, version };
    this.seenThen = vault.seen();
    const { marks } = reading.found === "kept" || reading.found === "damaged" ? reading.kept : NOTHING;
    if (lacks({ ...NOTHING, marks: cache.marks() }, { ...NOTHING, marks })) {
      cache.transaction("keep.take", () => {
        for (const [bundle, raised] of marks) cache.raiseMarks(bundle, raised);
      });
    }
    const isFirst = !this.wasRead;
    this.wasRead = true;
    if (isFirst) this.world.onChange();
  }

  private tellOnce(code: ErrorCode, words: string): void {
    if (this.told === words) return;
    this.told = words;
    this.world.log.error({ code }, words);
    const at = rfc3339(this.world.clock.now());
    this.world.cache.addEvents([{ at, kind: "refused", code, words: words.slice(0, 300) }]);
  }
}
