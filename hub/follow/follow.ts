import { AppError } from "../../shared/errors.ts";
import type { Journal } from "../../shared/ports.ts";
import { delegationFor } from "../../shared/root.ts";
import type { HeldRoot } from "../../shared/verify/chain.ts";
import { openHead } from "../../shared/verify/head.ts";
import { acceptRecord, extendRoots, judged, refusal, signedDocuments, siteOf } from "./documents.ts";
import type { FleetSource, Followed, HeldHead, HeldRecord, RolloutRead, Version } from "./followed.ts";
import { readRolloutFiles } from "./rollout-file.ts";
import { checkFiles, readVersions } from "./versions.ts";

export interface FollowOptions {
  source: FleetSource;
  journal: Journal;
  /** SHA-256 of the root to begin with. */
  digest: string;
  /** As the store has them. */
  roots: readonly HeldRoot[];
  records: ReadonlyMap<string, HeldRecord>;
}

/**
 * Follows the fleet repository: what changed since the last poll is fetched and verified, and what was read stays. A refused
 * document never takes the place of a held one, and a removed one is not forgotten: silence is not absence.
 */
export class Follower {
  private readonly options: FollowOptions;
  private roots: readonly HeldRoot[];
  private readonly records: Map<string, HeldRecord>;
  private readonly bundles = new Map<string, Map<string, Version>>();
  private newest: HeldHead | null = null;
  private rollouts: ReadonlyMap<string, RolloutRead> | null = null;
  private readonly refusals = new Map<string, AppError>();
  /** Heads whose content was taken in, under the newest root. */
  private readonly done = new Map<string, string>();
  /** By bundle, then by the source's id: one commit may stand on two branches. */
  private readonly known = new Map<string, Map<string, Version & { version: string }>>();
  /** Something changed since the last outcome; kept over a cut in the middle of a poll. */
  private news = false;

  constructor(options: FollowOptions) {
    this.options = options;
    this.roots = options.roots;
    this.records = new Map(options.records);
  }

  /**
   * One look at the repository; null where nothing is new. Throws `unreachable`, having kept what came before the cut.
   * Anything else that is wrong is among the refusals, and is looked at again with the next poll.
   */
  async poll(): Promise<Followed | null> {
    const heads = await this.fetch((source) => source.heads());
    await this.take("trust", heads, async (head) => {
      await this.followRoots(head);
      await this.readNewest(head);
    });
    const root = this.roots.at(-1);
    if (root === undefined) return this.outcome(false);
    this.judgeRecords(root);
    let fleetIsWhole = true;
    for (const branch of [...heads.keys()].filter((each) => /^sites-[0-9a-f]$/.test(each)).toSorted()) {
      await this.take(branch, heads, (head) => this.readRecords(branch, head, root));
      fleetIsWhole &&= this.done.get(branch) === heads.get(branch);
    }
    for (const branch of [...heads.keys()].filter((each) => each.startsWith("bundles/")).toSorted()) {
      await this.take(branch, heads, (head) => this.readBundle(branch, head, root));
    }
    // Without `main` nothing is known about the files: that is not the same as their deletion.
    await this.take("main", heads, (head) => this.readRollouts(head, root));
    await this.checkNamedVersions(root);
    return this.outcome(fleetIsWhole);
  }

  private outcome(fleetIsWhole: boolean): Followed | null {
    if (!this.news) return null;
    this.news = false;
    return {
      roots: this.roots,
      records: new Map(this.records),
      head: this.newest,
      bundles: new Map([...this.bundles].map(([name, versions]) => [name, new Map(versions)])),
      rollouts: fleetIsWhole ? this.rollouts : null,
      refusals: new Map(this.refusals),
    };
  }

  /** Reads a branch whose head is new. What cannot be read now is refused, and read again with the next poll. */
  private async take(
    branch: string,
    heads: ReadonlyMap<string, string>,
    read: (head: string) => Promise<void>,
  ): Promise<void> {
    const head = heads.get(branch);
    if (head === undefined || this.done.get(branch) === head) return;
    try {
      await read(head);
    } catch (error) {
      this.refuse(branch, refusal(error));
      return;
    }
    this.refusals.delete(branch);
    this.done.set(branch, head);
    this.news = true;
  }

  private async followRoots(head: string): Promise<void> {
    const { digest } = this.options;
    // All from the pinned one on, so that a second document under a number that is held is seen.
    const before = (this.roots[0]?.root.document.number ?? 1) - 1;
    const documents = await this.fetch((source) => source.roots(head, before));
    const { roots, refused } = extendRoots(this.roots, documents, digest);
    if (roots.length > this.roots.length) {
      // Everything is read again under the new keys; what is held stays until something better comes.
      this.newest = null;
      this.done.clear();
      this.known.clear();
    }
    this.roots = roots;
    if (refused !== null) throw refused;
  }

  /** For sites that cannot reach a source: the hub itself looks at what is there. */
  private async readNewest(head: string): Promise<void> {
    const root = this.roots.at(-1)?.root;
    if (root?.document.roles.head === undefined) return;
    const document = await this.fetch((source) => source.newest(head));
    if (document === null) return;
    this.newest = { head: openHead(document, root, this.newest?.head ?? null), document };
  }

  /** A root that drops a key acts at once on what that key signed: nobody has to publish anything for it. */
  private judgeRecords(newest: HeldRoot): void {
    for (const [site, held] of this.records) {
      const record = judged(site, held, newest);
      if (record !== held) this.keepRecord(site, record);
    }
  }

  private keepRecord(site: string, record: HeldRecord): void {
    this.records.set(site, record);
    this.news = true;
    if (record.left === null) this.refusals.delete(`record of ${site}`);
    else this.refuse(`record of ${site}`, record.left.error);
  }

  private async readRecords(branch: string, head: string, root: HeldRoot): Promise<void> {
    const files = await this.fetch((source) => source.files(head, "sites"));
    this.forget(`${branch} `);
    for (const [path, document] of signedDocuments(files)) {
      const site = siteOf(path);
      if (site === null) continue;
      try {
        this.keepRecord(site, acceptRecord(site, document, root, this.records.get(site)));
      } catch (error) {
        this.refuse(`${branch} ${site}`, refusal(error));
      }
    }
  }

  private async readBundle(branch: string, head: string, { root }: HeldRoot): Promise<void> {
    const name = branch.slice("bundles/".length);
    if (delegationFor(root.document, name) === undefined) {
      this.bundles.delete(name);
      throw new AppError("undelegated", `the root lets nobody sign a bundle named ${name}`, { where: branch });
    }
    const known = this.known.get(name) ?? new Map();
    this.known.set(name, known);
    const { versions, refused } = await this.fetch((source) => readVersions(source, name, head, root, known));
    this.forget(`${branch} `);
    for (const [id, error] of refused) this.refuse(`${branch} ${id}`, error);
    this.bundles.set(name, new Map(versions));
  }

  private async readRollouts(head: string, { root }: HeldRoot): Promise<void> {
    const files = await this.fetch((source) => source.files(head, "rollouts"));
    const paths = files.map(({ path }) => path).filter((path) => /\.ya?ml$/.test(path));
    const changed = await this.fetch((source) => source.changed(head, paths));
    // A Git head is `<branch>@<commit>`.
    this.rollouts = readRolloutFiles(files, head.slice(head.lastIndexOf("@") + 1), root, changed);
  }

  /** A version is fetched whole before a run may name it: with one wrong byte in one file it starts nothing. */
  private async checkNamedVersions({ root }: HeldRoot): Promise<void> {
    for (const file of this.rollouts?.values() ?? []) {
      if (file.kind === "refused") continue;
      const { bundle, version } = file.spec;
      const seen = this.bundles.get(bundle)?.get(version);
      if (seen?.kind !== "accepted" || seen.filesChecked) continue;
      const what = `bundles/${bundle} ${seen.ref.id}`;
      let refused: AppError | null;
      try {
        refused = await this.fetch((source) => checkFiles(source, bundle, seen, root));
      } catch (error) {
        // Perhaps only the line is bad: asked again with the next poll.
        refused = refusal(error);
        if (refused.code !== "not-found") {
          this.refuse(what, refused);
          continue;
        }
      }
      const checked: Version = refused === null ? { ...seen, filesChecked: true } : { kind: "refused", error: refused };
      this.bundles.get(bundle)?.set(version, checked);
      this.known.get(bundle)?.set(seen.ref.id, { ...checked, version });
      if (refused === null) this.refusals.delete(what);
      else this.refuse(what, refused);
      this.news = true;
    }
  }

  private refuse(what: string, error: AppError): void {
    const before = this.refusals.get(what);
    this.refusals.set(what, error);
    this.news ||= before?.code !== error.code || before.message !== error.message;
  }

  private forget(prefix: string): void {
    for (const what of this.refusals.keys()) if (what.startsWith(prefix)) this.refusals.delete(what);
  }

  private async fetch<T>(work: (source: FleetSource) => Promise<T>): Promise<T> {
    const { source, journal } = this.options;
    journal("follow.fetch", "before");
    const result = await work(source);
    journal("follow.fetch", "after");
    return result;
  }
}
