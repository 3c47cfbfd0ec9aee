import {
  type Fingerprint,
  type KubeObject,
  type LiveView,
  nameOf,
  type ObjectRef,
  type Observed,
  refOf,
} from "../../shared/live.ts";
import { NO_RULES } from "../../shared/render/health-rules.ts";
import { BUNDLE_LABEL } from "../../shared/render/render.ts";
import type { KindRef, Selection } from "../apply/kube.ts";
import type { Fingerprinting } from "./fingerprint.ts";
import { KindWatch, type Watcher, type WatchWorld } from "./kind-watch.ts";
import { changedKinds, observe, otherwiseOverlooked, type Rules } from "./observed.ts";
import { older } from "./rewatch.ts";

/** So many deletions are remembered: an answer that is older than all of them is on its way no more. */
const GONE_AT_MOST = 1000;

/** A kind, and how it is watched. */
interface Followed {
  kind: KindRef;
  /** Those of its objects that are of interest. */
  namespaces: Set<string>;
  /** All namespaces in one, by the key ""; or, where RBAC allows only that, one for each namespace. */
  watches: Map<string, KindWatch>;
}

interface LiveWorld extends WatchWorld {
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
  /** For each list that is under way, the names of what we were answered since it began. */
  private readonly listings = new Set<Set<string>>();
  /** By bundle. */
  private readonly rules = new Map<string, Rules>();
  private closed = false;
  private readonly world: LiveWorld;

  constructor(world: LiveWorld) {
    this.world = world;
  }

  /** Begins to watch kinds, or namespaces of them, that are not watched yet. */
  follow(wanted: Iterable<KindRef & { namespace?: string }>): void {
    if (this.closed) return;
    for (const { apiVersion, kind, namespace = "" } of wanted) {
      const key = kindKey({ apiVersion, kind });
      const known = this.followed.get(key);
      const entry = known ?? { kind: { apiVersion, kind }, namespaces: new Set(), watches: new Map() };
      if (known === undefined) {
        this.followed.set(key, entry);
        this.watch(entry, "");
      }
      if (namespace === "" || entry.namespaces.has(namespace)) continue;
      entry.namespaces.add(namespace);
      if (!entry.watches.has("")) this.watch(entry, namespace);
    }
  }

  /**
   * Judges the objects of a bundle by these rules from now on. Objects are not kept, so where a rule came, went or changed, all
   * of that kind are asked for again. Until then those of the bundle are not healthy, or not known to have drifted.
   */
  judgeBy(bundle: string, rules: Rules): void {
    const before = this.rules.get(bundle) ?? { health: NO_RULES, overlooked: new Map() };
    this.rules.set(bundle, rules);
    const kinds = changedKinds(before.health, rules.health);
    const names = otherwiseOverlooked(before.overlooked, rules.overlooked);
    if (kinds.size + names.size === 0) return;
    for (const [name, held] of this.objects) {
      if (held.bundle !== bundle) continue;
      if (names.has(name)) this.objects.set(name, { ...held, stale: true });
      if (!kinds.has(kindKey(held.ref))) continue;
      const { graceEnds: _, ...rest } = this.objects.get(name) ?? held;
      const verdict = { health: "progressing", because: "is looked at again: its health rule changed" } as const;
      this.objects.set(name, { ...rest, verdict });
    }
    const again = [...this.followed].filter(
      ([key]) => kinds.has(key) || [...names].some((name) => name.startsWith(`${key} `)),
    );
    for (const [, { watches }] of again) watches.forEach((watch) => watch.relist());
  }

  view(): LiveView {
    const unseen = new Map<string, string>();
    for (const [kind, { watches }] of this.followed) {
      for (const [namespace, watch] of watches) {
        const because = watch.unseen();
        if (because !== undefined) unseen.set(namespace === "" ? kind : `${kind} ${namespace}`, because);
      }
    }
    return { objects: this.objects, unseen };
  }

  /** What an apply of ours was answered with, and its fingerprint where that is known: before its watch event comes. */
  feed(object: KubeObject, as?: Fingerprint): void {
    for (const fed of this.listings) fed.add(nameOf(refOf(object)));
    this.take(this.observed(object, as && (() => as)));
  }

  /** What a delete of ours was answered with. */
  feedGone(ref: ObjectRef, uid: string): void {
    if (this.objects.get(nameOf(ref))?.uid === uid) this.objects.delete(nameOf(ref));
  }

  close(): void {
    this.closed = true;
    for (const { watches } of this.followed.values()) watches.forEach((watch) => watch.stop());
  }

  private watch(entry: Followed, namespace: string): void {
    const { selection = { labels: BUNDLE_LABEL } } = this.world;
    const of = namespace === "" ? selection : { ...selection, namespace };
    entry.watches.set(namespace, new KindWatch(entry.kind, of, this.world, this.watcher(entry, namespace)));
  }

  private watcher(entry: Followed, namespace: string): Watcher {
    const { onChange } = this.world;
    const isOurs = ({ ref }: Observed) =>
      ref.apiVersion === entry.kind.apiVersion &&
      ref.kind === entry.kind.kind &&
      (namespace === "" || ref.namespace === namespace);
    let list = new Map<string, Observed>();
    let fed = new Set<string>();
    return {
      onListing: () => {
        this.listings.delete(fed);
        list = new Map();
        fed = new Set();
        this.listings.add(fed);
      },
      onListed: (object) => list.set(nameOf(refOf(object)), this.observed(object)),
      onSynced: () => {
        // The list is newer than all that was known when it began, also where its versions are lower: a cluster can be put back to an
        // earlier self. Only what we were answered meanwhile may be newer; its event is on its way.
        for (const [name, held] of this.objects) {
          if (isOurs(held) && !fed.has(name)) this.objects.delete(name);
        }
        for (const [name, fresh] of list) {
          if (!fed.has(name)) this.gone.delete(name);
          this.take(fresh);
        }
        this.listings.delete(fed);
        list = new Map();
      },
      onChange: (type, object) => {
        // Most of what is heard while we apply is what we were answered.
        if (type !== "deleted" && this.isKnown(object)) return;
        if (type === "deleted") this.drop(object);
        else this.take(this.observed(object));
        onChange();
      },
      onSight: onChange,
      onForbidden: () => {
        if (namespace !== "" || entry.namespaces.size === 0) return false;
        entry.watches.clear();
        for (const each of entry.namespaces) this.watch(entry, each);
        onChange();
        return true;
      },
    };
  }

  /** Just this state of it. */
  private isKnown(object: KubeObject): boolean {
    const { uid, resourceVersion } = object.metadata;
    const held = this.objects.get(nameOf(refOf(object)));
    return held !== undefined && held.uid === uid && held.resourceVersion === resourceVersion && held.stale !== true;
  }

  private observed(object: KubeObject, fingerprint = this.world.fingerprint): Observed {
    const { clock } = this.world;
    const held = this.objects.get(nameOf(refOf(object)));
    return observe(object, fingerprint, (bundle) => this.rules.get(bundle), clock.monotonic(), held);
  }

  private take(fresh: Observed): void {
    const name = nameOf(fresh.ref);
    const held = this.objects.get(name);
    if (held?.uid === fresh.uid && older(fresh.resourceVersion, held.resourceVersion)) return;
    const tombstone = this.gone.get(name);
    if (tombstone !== undefined && !older(tombstone, fresh.resourceVersion)) return;
    this.gone.delete(name);
    this.objects.set(name, fresh);
  }

  private drop(object: KubeObject): void {
    const name = nameOf(refOf(object));
    const held = this.objects.get(name);
    if (held !== undefined && held.uid !== String(object.metadata["uid"])) return;
    this.objects.delete(name);
    this.gone.delete(name);
    this.gone.set(name, String(object.metadata["resourceVersion"] ?? ""));
    const [oldest] = this.gone.keys();
    if (oldest !== undefined && this.gone.size > GONE_AT_MOST) this.gone.delete(oldest);
  }
}

function kindKey({ apiVersion, kind }: KindRef): string {
  return `${apiVersion} ${kind}`;
}
