import { inWords } from "../../shared/errors.ts";
import type { KubeObject } from "../../shared/live.ts";
import type { Clock, Log, Random } from "../../shared/ports.ts";
import { type KindRef, type Kube, type KubeClass, KubeError, type Selection, type WatchEvent } from "../apply/kube.ts";
import { waitBefore } from "./rewatch.ts";

/** How long a broken watch may try to come back before what it showed counts as unknown. */
const STALE_AFTER_MS = 10_000;
/** A watch without a sign of life for this long is broken: bookmarks come each minute. */
const SILENT_AFTER_MS = 150_000;
/** A watch that lasted less than this did not work, however it ended: the next one waits. */
const WORKED_MS = 5_000;
/** A server that just started refuses for a second or so those whom it will serve. */
const REFUSED_AT_MOST = 3;

export interface WatchWorld {
  kube: Kube;
  clock: Clock;
  random: Random;
  log: Log;
}

/** What becomes of what a watch says. */
export interface Watcher {
  /** A list from nothing begins; its objects come as `listed`. */
  onListing(): void;
  onListed(object: KubeObject): void;
  /** The list is whole; it counts from then on. */
  onSynced(): void;
  onChange(type: "added" | "modified" | "deleted", object: KubeObject): void;
  /** It broke, or came back: what is seen may have changed. */
  onSight(): void;
  /** RBAC does not allow this watch, again and again. True: somebody else watches instead, and this one ends. */
  onForbidden(): boolean;
}

/** One watch of a kind that comes back by itself, wherever it can resume, until it is stopped. */
export class KindWatch {
  private readonly kind: KindRef;
  private readonly selection: Selection;
  private readonly world: WatchWorld;
  private readonly to: Watcher;
  /** Where the next watch resumes; undefined: from a full set of initial events. */
  private from: string | undefined;
  private listing = false;
  private listed = false;
  /** When the watch broke (monotonic); null while it runs. */
  private brokenAt: number | null;
  private because = "not listed yet";
  private attempts = 0;
  private refused = 0;
  private abort = new AbortController();
  private stopped = false;

  constructor(kind: KindRef, selection: Selection, world: WatchWorld, to: Watcher) {
    this.kind = kind;
    this.selection = selection;
    this.world = world;
    this.to = to;
    this.brokenAt = world.clock.monotonic();
    void this.watchOn();
  }

  /** Why what it shows does not count now; undefined where it does. */
  unseen(): string | undefined {
    const isStale = this.brokenAt !== null && this.world.clock.monotonic() - this.brokenAt > STALE_AFTER_MS;
    return !this.listed || isStale ? this.because : undefined;
  }

  /** Asks for all objects again. */
  relist(): void {
    this.from = undefined;
    this.abort.abort();
  }

  stop(): void {
    this.stopped = true;
    this.abort.abort();
  }

  private async watchOn(): Promise<void> {
    const { clock, random, log } = this.world;
    while (!this.stopped) {
      const began = clock.monotonic();
      let told: number | undefined;
      let wanted = false;
      try {
        wanted = await this.watchOnce();
      } catch (error) {
        if (this.stopped) return;
        this.because = inWords(error);
        this.brokenAt ??= clock.monotonic();
        told = error instanceof KubeError ? error.retryAfter : undefined;
        log.debug({ kind: this.kind, because: this.because }, "watch ended");
        if (this.gaveWay(error instanceof KubeError ? error.kubeClass : undefined)) return;
        this.to.onSight();
      }
      if (this.stopped) return;
      this.attempts = wanted || clock.monotonic() - began >= WORKED_MS ? 0 : this.attempts + 1;
      const wait = wanted ? 0 : waitBefore(this.attempts, told, random());
      await new Promise<void>((resolve) => clock.after(wait, resolve));
    }
  }

  /** True where another way of watching takes over. */
  private gaveWay(kubeClass: KubeClass | undefined): boolean {
    if (kubeClass === "expired" || kubeClass === "missing-kind") this.from = undefined;
    this.refused = kubeClass === "forbidden" ? this.refused + 1 : 0;
    if (this.refused < REFUSED_AT_MOST || !this.to.onForbidden()) return false;
    this.stop();
    return true;
  }

  /** One watch until it ends; one that falls silent is ended here. True where `relist` ended it. */
  private async watchOnce(): Promise<boolean> {
    const { signal } = (this.abort = new AbortController());
    const { clock, kube } = this.world;
    this.listing = this.from === undefined;
    if (this.listing) this.to.onListing();
    let cancel = () => {};
    let silent = false;
    const alive = () => {
      cancel();
      cancel = clock.after(SILENT_AFTER_MS, () => {
        silent = true;
        this.abort.abort();
      });
    };
    alive();
    try {
      await kube.watch(this.kind, {
        ...this.selection,
        ...(this.from === undefined ? {} : { resourceVersion: this.from }),
        signal,
        // A resumed watch is silent until something happens: that it was opened is the sign that it is back.
        onOpen: () => {
          if (!this.listing) this.inSight();
        },
        onEvent: (event) => {
          // What was on its way when the watch was ended must not say where the next one resumes.
          if (signal.aborted) return;
          alive();
          this.heard(event);
        },
      });
    } finally {
      cancel();
    }
    if (!silent) return signal.aborted;
    // The server may have forgotten this watch, or be an older self: nothing it said before can be resumed.
    this.from = undefined;
    throw new KubeError("unreachable", `no sign of life of the watch for ${SILENT_AFTER_MS / 1000} s`, {
      status: 0,
      reason: "Silent",
    });
  }

  private heard(event: WatchEvent): void {
    if (event.type === "synced") {
      this.to.onSynced();
      this.listing = false;
      this.listed = true;
      this.reached(event.resourceVersion);
      this.to.onSight();
    } else if (event.type === "bookmark") this.reached(event.resourceVersion);
    else if (this.listing) this.to.onListed(event.object);
    else {
      this.to.onChange(event.type, event.object);
      this.reached(String(event.object.metadata["resourceVersion"] ?? ""));
    }
  }

  private reached(version: string): void {
    this.from = version;
    this.inSight();
  }

  private inSight(): void {
    this.refused = 0;
    if (this.brokenAt === null) return;
    this.brokenAt = null;
    this.to.onSight();
  }
}
