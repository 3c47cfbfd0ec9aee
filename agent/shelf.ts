import type { Assignment } from "../shared/assignment.ts";
import { holdAtMost } from "../shared/bundle.ts";
import { isRefusal } from "../shared/errors.ts";
import { nameOf } from "../shared/live.ts";
import { comparePairs } from "../shared/names.ts";
import type { RenderedBundle } from "../shared/render/render.ts";
import { valuesHash } from "../shared/render/values.ts";
import { isInScope, rushedUntil } from "../shared/verify/bundle.ts";
import { brokenRequirement, type Committed, unmetRequirement } from "../shared/verify/requires.ts";
import type { Adoption, Cache, Hold, State } from "./cache/cache.ts";
import { type Other, type Others, rivalOf } from "./plan/claims.ts";
import { type Content, Contents } from "./pull/content.ts";
import type { Trust, Unseal } from "./pull/trust.ts";
import type { EventDraft } from "./report/events.ts";
import type { Time } from "./target/clock.ts";
import type { Held } from "./target/held.ts";
import { sameState } from "./target/hold.ts";
import { adopted, assigned, type OnDisk, type Wanted } from "./target/wanted.ts";

/** What a bundle is seen in the light of: all that can change without its doing. */
export interface Circumstances {
  /** The item to run, and of its set when that may start something; null where no set names the bundle. */
  assignment: { item: Assignment; expires: string; boot?: string | undefined } | null;
  /** Nobody assigns here: the newest version on disk is taken. */
  adopt: boolean;
  /** What somebody at the site had it take, while the hub has said nothing since. */
  adoption: Adoption | null;
  trust: Trust;
  time: Time;
  boot: string;
  held: Held | "unknown" | null;
  marksKnown: boolean;
  /** What the other bundles of this site have committed. */
  neighbours: ReadonlyMap<string, Committed>;
  /** What they have in the cluster, or are about to have. */
  others: Others;
}

/** What lies on disk of one bundle: verified again, rendered, and put beside what this site is now. */
export class Shelf {
  private readonly bundle: string;
  private readonly cache: Cache;
  private readonly contents: Contents;
  private readonly tell: (event: EventDraft) => void;

  constructor(
    bundle: string,
    world: { cache: Cache; site: string; unseal: Unseal },
    tell: (event: EventDraft) => void,
  ) {
    this.bundle = bundle;
    this.cache = world.cache;
    this.contents = new Contents(world.cache, world.site, world.unseal);
    this.tell = tell;
  }

  /** What does not hold any more is dropped, to be fetched anew. */
  content(state: Pick<State, "digest" | "record" | "values" | "given">, trust: Trust): Content | null {
    try {
      return this.contents.get(state, trust);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.cache.transaction("cache.drop", () => {
        this.cache.dropVersion(state.digest);
        this.tell({ kind: "refused", digest: state.digest, code: error.code, words: `on disk: ${error.message}` });
      });
      return null;
    }
  }

  /** What the bundle should be; null where nobody says. */
  wanted(circumstances: Circumstances): Wanted | null {
    const { assignment, adopt, adoption } = circumstances;
    const byHand = adoption === null ? null : this.adoptedByHand(adoption, circumstances);
    if (byHand !== null) return byHand;
    if (assignment !== null) {
      const { item } = assignment;
      const values = valuesHash(item.values);
      const { digest, record, values: given } = item;
      return assigned(item, assignment, {
        values,
        recordHere: this.cache.recordAt(record) !== null,
        onDisk: this.onDisk({ digest, record, values, given }, circumstances),
      });
    }
    const record = circumstances.trust.record?.number;
    if (!adopt || record === undefined) return null;
    for (const { bundle, digest, complete } of this.cache.versions().toReversed()) {
      if (bundle !== this.bundle || !complete) continue;
      const onDisk = this.onDisk({ digest, record, values: "", given: {} }, circumstances);
      if (onDisk?.inScope === true) return adopted(onDisk, { record, values: "", given: {}, act: null });
    }
    return null;
  }

  /** With the values that the hub gave to what runs: the person at the site changes the version, and nothing else. */
  private adoptedByHand({ digest, id }: Adoption, circumstances: Circumstances): Wanted | null {
    const record = circumstances.trust.record?.number;
    if (record === undefined) return null;
    const running = this.cache.holds().find((hold) => hold.bundle === this.bundle)?.running;
    const { values, given } = running ?? { values: "", given: {} };
    const onDisk = this.onDisk({ digest, record, values, given }, circumstances);
    return onDisk === null ? null : adopted(onDisk, { record, values, given, act: id });
  }

  /** What others may rely on: nothing where the bundle was taken away. */
  committed(hold: Hold, trust: Trust): Committed | null {
    if (hold.committed === null) return null;
    const manifest = this.content(hold.committed, trust)?.manifest;
    if (manifest?.remove === true) return null;
    return { version: hold.committed.version, requires: manifest?.requires };
  }

  /** What the other bundles of this site must know of this one. */
  claims(hold: Hold | null, circumstances: Circumstances): Other {
    const { trust } = circumstances;
    const runs = hold === null ? new Set<string>() : namesIn(this.content(hold.running, trust));
    const wanted = this.wanted(circumstances);
    const comes = wanted !== null && (hold === null || mayCome(hold, wanted));
    const content = comes ? this.content(wanted, trust) : null;
    // One that was refused is not on its way.
    const isComing = comes && content === null && !this.cache.refusals().some(({ digest }) => digest === wanted.digest);
    return { runs, wants: namesIn(content), isComing };
  }

  /** After a commit: what runs, what it may return to, and the newest stay on disk. */
  retain(hold: Hold): void {
    const needed = new Set([hold.running, hold.committed, hold.previous].map((state) => state?.digest));
    this.contents.keepOnly(hold.running);
    for (const version of this.cache.versions()) {
      const older = version.pair[0] === hold.running.pair[0] && version.pair[1] < hold.running.pair[1];
      if (version.bundle === this.bundle && older && !needed.has(version.digest)) {
        this.cache.dropVersion(version.digest);
      }
    }
  }

  private onDisk(state: Parameters<Contents["get"]>[0], circumstances: Circumstances): OnDisk | null {
    const { trust, time, neighbours, others } = circumstances;
    const content = trust.record === null ? null : this.content(state, trust);
    if (content === null || trust.record === null) return null;
    const { manifest } = content;
    return {
      digest: state.digest,
      version: manifest.version,
      pair: [manifest.epoch, manifest.seq],
      floor: manifest.floor,
      from: manifest.from ?? null,
      inScope: isInScope(manifest, trust.record),
      rushedUntil: rushedUntil(manifest, trust.record, time.now),
      holdAtMost: holdAtMost(manifest),
      lacks: lackOf(manifest, neighbours),
      claimed: rivalOf(namesIn(content) ?? new Set(), this.bundle, others),
      unfit: "unfit" in content ? content.unfit : null,
    };
  }
}

function lackOf(manifest: Content["manifest"], neighbours: ReadonlyMap<string, Committed>): string | null {
  const unmet = unmetRequirement(manifest, neighbours);
  if (unmet !== null) {
    const has = unmet.has === null ? "none is committed here" : `${unmet.has} is committed here`;
    return `it needs ${unmet.bundle} ${unmet.atLeast} at least, ${has}`;
  }
  const broken = brokenRequirement(manifest, neighbours);
  if (broken === null) return null;
  return `${broken.by} is committed here and needs ${broken.bundle} ${broken.atLeast} at least`;
}

/** What runs, was given up, or is older than what runs though nobody says back, is nothing to come. */
function mayCome({ running, failed }: Hold, wanted: Wanted): boolean {
  if (sameState(running, wanted)) return false;
  if (comparePairs(wanted.pair, running.pair) < 0 && !wanted.back) return false;
  return wanted.retry || !failed.some((entry) => sameState(entry, wanted));
}

const NAMES = new WeakMap<RenderedBundle, ReadonlySet<string>>();

/** Names of its objects; null where it cannot be told. */
function namesIn(content: Content | null): ReadonlySet<string> | null {
  if (content === null || "unfit" in content) return null;
  const { rendered } = content;
  const names = NAMES.get(rendered) ?? new Set(rendered.objects.map(({ ref }) => nameOf(ref)));
  NAMES.set(rendered, names);
  return names;
}
