import { inWords } from "../../shared/errors.ts";
import { type KubeObject, type LiveView, nameOf, type ObjectRef, type Observed, refOf } from "../../shared/live.ts";
import type { Clock, Log, Random } from "../../shared/ports.ts";
import { type HealthRules, NO_RULES } from "../../shared/render/health-rules.ts";
import { BUNDLE_LABEL } from "../../shared/render/render.ts";
import { type KindRef, type Kube, KubeError, type Selection, type WatchEvent } from "../apply/kube.ts";
import type { Fingerprinting } from "./fingerprint.ts";
import { changedKinds, observe } from "./observed.ts";

/** How long a broken watch may try to come back before what it showed counts as unknown. */
const STALE_AFTER_MS = 10_000;
/** A watch without a sign of life for this long is broken: bookmarks come each minute. */
const SILENT_AFTER_MS = 150_000;
const RETRY_MAX_MS = 30_000;

interface Followed {
  kind: KindRef;
  /** Where the next watch resumes; undefined: from a full set of initial events. */
  resourceVersion: string | undefined;
  listed: boolean;
  /** When the watch broke (monotonic); null while it runs. */
  brokenAt: number | null;
  because: string;
  attempts: number;
  abort: AbortController;
  /** Objects named by the initial events that are under way; what is not among them at their end is gone. */
  sweep: Set<string> | null;
}

interface LiveWorld {
  kube: Kube;
  clock: Clock;
  random: Random;
  log: Log;
  onChange: () => void;
  fingerprint: Fingerprinting;
  /** Which objects; the default: those of bundles, over all namespaces. */
  selection?: Selection;
}

/** The watched snapshot: one watch for each kind. */
export class Live {
  private readonly followed = new Map<string, Followed>();
  private readonly objects = new Map<string, Observed>();
  /** Resource versions at which objects were deleted: an answer that was on its way must not bring them back. */
  private readonly gone = new Map<string, string>();
  /** By bundle. */
  private readonly rules = new Map<string, HealthRules>();
  private closed = false;
  private readonly world: LiveWorld;

  constructor(world: LiveWorld) {
    this.world = world;
  }

  /** Begins to watch kinds that are not watched yet. */
  follow(kinds: Iterable<KindRef>): void {
    for (const { apiVersion, kind } of kinds) {
      const key = `${apiVersion} ${kind}`;
      if (this.closed || this.followed.has(key)) continue;
      const entry: Followed = {
        kind: { apiVersion, kind },
        resourceVersion: undefined,
        listed: false,
        brokenAt: this.world.clock.monotonic(),
        because: "not listed yet",
        attempts: 0,
        abort: new AbortController(),
        sweep: null,
      };
      this.followed.set(key, entry);
      void this.watchForEver(entry);
    }
  }

  /**
   * Judges the objects of a bundle by these rules from now on. Objects are not kept, so where a rule came, went or changed, all
   * of that kind are asked for again, and those of the bundle are not healthy until then.
   */
  judgeBy(bundle: string, rules: HealthRules): void {
    const changed = changedKinds(this.rules.get(bundle) ?? NO_RULES, rules);
    this.rules.set(bundle, rules);
    if (changed.size === 0) return;
    for (const [name, { graceEnds: _, ...held }] of this.objects) {
      if (held.bundle !== bundle || !changed.has(`${held.ref.apiVersion} ${held.ref.kind}`)) continue;
      const verdict = { health: "progressing", because: "is looked at again: its health rule changed" } as const;
      this.objects.set(name, { ...held, verdict });
    }
    for (const key of changed) {
      const entry = this.followed.get(key);
      if (entry === undefined) continue;
      entry.resourceVersion = undefined;
      entry.abort.abort();
    }
  }

  view(): LiveView {
    const now = this.world.clock.monotonic();
    const unseen = new Map<string, string>();
    for (const [key, entry] of this.followed) {
      if (!entry.listed || (entry.brokenAt !== null && now - entry.brokenAt > STALE_AFTER_MS))
        unseen.set(key, entry.because);
    }
    return { objects: this.objects, unseen };
  }

  /** What an apply of ours was answered with: known before its watch event comes. */
  feed(object: KubeObject): void {
    this.take(object);
  }

  /** What a delete of ours was answered with. */
  feedGone(ref: ObjectRef, uid: string): void {
    if (this.objects.get(nameOf(ref))?.uid === uid) this.objects.delete(nameOf(ref));
  }

  close(): void {
    this.closed = true;
    for (const entry of this.followed.values()) entry.abort.abort();
  }

  private async watchForEver(entry: Followed): Promise<void> {
    while (!this.closed) {
      try {
        await this.watchOnce(entry);
        entry.attempts = 0;
      } catch (error) {
        if (this.closed) return;
        entry.attempts += 1;
        entry.because = inWords(error);
        entry.brokenAt ??= this.world.clock.monotonic();
        if (error instanceof KubeError && (error.kubeClass === "expired" || error.kubeClass === "missing-kind")) {
          entry.resourceVersion = undefined;
        }
        this.world.log.debug({ kind: entry.kind, because: entry.because }, "watch ended");
        this.world.onChange();
      }
      if (this.closed) return;
      const ceiling = Math.min(RETRY_MAX_MS, 250 * 2 ** Math.min(entry.attempts, 10));
      await new Promise<void>((resolve) =>
        this.world.clock.after(entry.attempts === 0 ? 0 : this.world.random() * ceiling, resolve),
      );
    }
  }

  /** One watch until it ends; one that falls silent is ended here. */
  private async watchOnce(entry: Followed): Promise<void> {
    const { signal } = (entry.abort = new AbortController());
    entry.sweep = entry.resourceVersion === undefined ? new Set() : null;
    let cancel = () => {};
    let silent = false;
    const alive = () => {
      cancel();
      cancel = this.world.clock.after(SILENT_AFTER_MS, () => {
        silent = true;
        entry.abort.abort();
      });
    };
    alive();
    try {
      await this.world.kube.watch(entry.kind, {
        ...(this.world.selection ?? { labels: BUNDLE_LABEL }),
        ...(entry.resourceVersion === undefined ? {} : { resourceVersion: entry.resourceVersion }),
        signal,
        onEvent: (event) => {
          // What was on its way when the watch was ended must not say where the next one resumes.
          if (signal.aborted) return;
          alive();
          this.heard(entry, event);
        },
      });
    } finally {
      cancel();
    }
    if (!silent) return;
    // The server may have forgotten this watch, or be an older self: nothing it said before can be resumed.
    entry.resourceVersion = undefined;
    throw new KubeError("unreachable", `no sign of life of the watch for ${SILENT_AFTER_MS / 1000} s`, {
      status: 0,
      reason: "Silent",
    });
  }

  private heard(entry: Followed, event: WatchEvent): void {
    entry.attempts = 0;
    if (event.type === "synced") {
      this.settleSweep(entry);
      entry.listed = true;
      entry.brokenAt = null;
      entry.resourceVersion = event.resourceVersion;
      this.world.onChange();
      return;
    }
    if (entry.sweep === null) entry.brokenAt = null;
    if (event.type === "bookmark") {
      entry.resourceVersion = event.resourceVersion;
      return;
    }
    const { object } = event;
    const version = String(object.metadata["resourceVersion"] ?? "");
    if (entry.sweep === null) entry.resourceVersion = version;
    else entry.sweep.add(nameOf(refOf(object)));
    if (event.type === "deleted") this.drop(object, version);
    else this.take(object);
    this.world.onChange();
  }

  private settleSweep(entry: Followed): void {
    const seen = entry.sweep;
    entry.sweep = null;
    if (seen === null) return;
    for (const [name, { ref }] of this.objects) {
      if (ref.apiVersion === entry.kind.apiVersion && ref.kind === entry.kind.kind && !seen.has(name))
        this.objects.delete(name);
    }
  }

  private take(object: KubeObject): void {
    const name = nameOf(refOf(object));
    const held = this.objects.get(name);
    const fresh = observe(
      object,
      this.world.fingerprint,
      (bundle) => this.rules.get(bundle),
      this.world.clock.monotonic(),
      held,
    );
    if (held?.uid === fresh.uid && older(fresh.resourceVersion, held.resourceVersion)) return;
    const tombstone = this.gone.get(name);
    if (tombstone !== undefined && !older(tombstone, fresh.resourceVersion)) return;
    this.gone.delete(name);
    this.objects.set(name, fresh);
  }

  private drop(object: KubeObject, version: string): void {
    const name = nameOf(refOf(object));
    const held = this.objects.get(name);
    if (held !== undefined && held.uid !== String(object.metadata["uid"])) return;
    this.objects.delete(name);
    this.gone.set(name, version);
  }
}

/** Resource versions of one cluster are comparable as decimal numbers (Kubernetes, KEP-5504); of any length. */
function older(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length;
}
