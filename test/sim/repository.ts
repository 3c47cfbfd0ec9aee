import type { Follower } from "../../hub/follow/follow.ts";
import type { Followed, HeldRecord, RolloutRead, Version as SeenVersion } from "../../hub/follow/followed.ts";
import { openRolloutFile } from "../../hub/follow/rollout-file.ts";
import { AppError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import type { SiteRecord } from "../../shared/site.ts";
import type { HeldRoot } from "../../shared/verify/chain.ts";
import type { Version } from "./versions.ts";

/** What the hub may set, of every version. */
const VARIABLES = { REPLICAS: { type: "integer", settable: "hub" } } as const;

/** The fleet repository as the hub's follower reads it: documents are held as if they had been verified, files are really read. */
export class Repository {
  /** It cannot be reached. */
  away = false;
  private readonly root: HeldRoot;
  private readonly records = new Map<string, HeldRecord>();
  private readonly bundles = new Map<string, Map<string, SeenVersion>>();
  private readonly files = new Map<string, RolloutRead>();
  /** By the document. */
  private readonly known = new Map<string, HeldRecord>();
  private commits = 0;

  constructor(root: HeldRoot) {
    this.root = root;
  }

  sign(record: SiteRecord): void {
    const document: SignedBytes = { body: Buffer.from(JSON.stringify(record)), signatures: new Map() };
    const held = { record, document, root: 1, left: null } as HeldRecord;
    this.known.set(String(document.body), held);
    this.records.set(record.id, held);
    this.commits += 1;
  }

  record(site: string): SiteRecord {
    const found = this.records.get(site);
    if (found === undefined) throw new Error(`no record of ${site}`);
    return found.record;
  }

  /** As a hub that starts reads what it stored. */
  held(document: SignedBytes): HeldRecord {
    const found = this.known.get(Buffer.from(document.body).toString());
    if (found === undefined) throw new Error("a stored record that nobody signed");
    return found;
  }

  publish({ bundle, version, digest, pair, floor }: Version): void {
    const versions = this.bundles.get(bundle) ?? new Map<string, SeenVersion>();
    const ref = { branch: `bundles/${bundle}`, id: digest.slice(0, 8), version };
    versions.set(version, { kind: "accepted", ref, digest, pair, floor, variables: VARIABLES, filesChecked: true });
    this.bundles.set(bundle, versions);
    this.commits += 1;
  }

  /** Writes `rollouts/<name>.yaml`; null deletes it. Returns the commit. */
  commit(name: string, text: string | null, author: string): string {
    this.commits += 1;
    const commit = String(this.commits).padStart(40, "0");
    if (text === null) this.files.delete(name);
    else this.files.set(name, read(name, text, { commit, author }));
    return commit;
  }

  /** What one hub process follows with. */
  follower(): Follower {
    let seen = -1;
    const poll = async (): Promise<Followed | null> => {
      if (this.away) throw new AppError("unreachable", "the fleet repository is away");
      if (seen === this.commits) return null;
      seen = this.commits;
      return {
        roots: [this.root],
        records: new Map(this.records),
        head: null,
        bundles: new Map([...this.bundles].map(([name, versions]) => [name, new Map(versions)])),
        rollouts: new Map(this.files),
        refusals: new Map(),
      };
    };
    return { poll } as unknown as Follower;
  }
}

function read(name: string, text: string, { commit, author: who }: { commit: string; author: string }): RolloutRead {
  const bytes = Buffer.from(text);
  const author = { commit, name: who, email: `${who}@example.com` };
  const file = { commit, author, sha256: sha256Hex(bytes), move: null };
  try {
    return { ...file, kind: "read", ...openRolloutFile(bytes, `rollouts/${name}.yaml`) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { ...file, kind: "refused", error };
  }
}
