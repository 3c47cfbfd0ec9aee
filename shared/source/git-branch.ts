/** The objects of one branch: fetched whole or not at all, read by id. Never a work tree. */
import * as fs from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as git from "isomorphic-git";
import { AppError } from "../errors.ts";
import type { GitCommit } from "./git-messages.ts";
import { checkPack, type PackLimits } from "./git-pack.ts";
import type { GitServer } from "./git-server.ts";
import { completed, type GitObject } from "./git-thin.ts";

/** Each fetch adds a pack, and each pack an index in memory: from here on, a first fetch is cheaper. */
const MAX_PACKS = 64;
const COMMITS_MAX = 1_000;
const SUBJECT_MAX_CHARS = 200;
/** Commits among which the one is looked for that changed a file. */
const LOOKED_BACK = 200;
/** Entries of all trees of a commit: files, and folders as often as they are named. */
const ENTRIES_MAX = 100_000;
const DEPTH_MAX = 64;

/** Blob id by path. */
export type Files = ReadonlyMap<string, string>;

export interface BranchOptions {
  branch: string;
  /** Made when needed; may be deleted at any time. */
  dir: string;
  server: GitServer;
  /** Cap on the packs together, as they were sent. */
  maxBytes: number;
  limits: PackLimits;
}

export class GitBranch {
  readonly #options: BranchOptions;
  readonly #packs: string;
  /** isomorphic-git keeps packs and their indexes in it. */
  #cache: object = {};
  /** The files of the commit read last. */
  #tree: { commit: string; files: Files } | undefined;

  constructor(options: BranchOptions) {
    this.#options = options;
    this.#packs = join(options.dir, "objects", "pack");
  }

  /** Reads at a commit; where what was fetched before may be to blame for a failure, once more after a first fetch. */
  async at<T>(commit: string, run: (files: Files) => Promise<T>): Promise<T> {
    const attempt = async () => {
      if (!(await this.#has(commit))) await this.#fetch(commit);
      return run(await this.#files(commit));
    };
    const fresh = (await this.#names()).length === 0;
    try {
      return await attempt();
    } catch (error) {
      if (!isDamage(error)) throw error;
      await this.discard();
      if (fresh) throw error;
      return attempt();
    }
  }

  async blob(oid: string): Promise<Uint8Array> {
    return (await git.readBlob({ ...this.#local(), oid })).blob;
  }

  /** Commits up to this one with their subjects, the newest first; as far as a server's history goes, which may be shallow. */
  async log(commit: string): Promise<{ commit: string; subject: string }[]> {
    const found: { commit: string; subject: string }[] = [];
    let next: string | undefined = commit;
    while (next !== undefined && found.length < COMMITS_MAX && (found.length === 0 || (await this.#has(next)))) {
      const { oid, commit: parsed }: git.ReadCommitResult = await git.readCommit({ ...this.#local(), oid: next });
      found.push({ commit: oid, subject: (parsed.message.split("\n", 1)[0] ?? "").slice(0, SUBJECT_MAX_CHARS) });
      next = parsed.parent[0];
    }
    return found;
  }

  /**
   * By path, the commit that brought the file to what it is: going back by first parents, so that of a merge it is the merge. Files of
   * which that is not found in time, or not as far as the history goes that was fetched, are left out.
   */
  async changed(commit: string, paths: readonly string[]): Promise<[string, GitCommit][]> {
    const found: [string, GitCommit][] = [];
    let open = [...paths];
    let now = await this.#files(commit);
    let next: string | undefined = commit;
    for (let left = LOOKED_BACK; next !== undefined && open.length > 0 && left > 0; left -= 1) {
      const { oid, commit: parsed }: git.ReadCommitResult = await git.readCommit({ ...this.#local(), oid: next });
      const { name, email } = parsed.author;
      next = parsed.parent[0];
      if (next !== undefined && !(await this.#has(next))) break;
      const before: Files = next === undefined ? new Map() : await this.#blobs(next, open);
      const own = open.filter((path) => before.get(path) !== now.get(path));
      const by = { commit: oid, name: name.slice(0, SUBJECT_MAX_CHARS), email: email.slice(0, SUBJECT_MAX_CHARS) };
      found.push(...own.map((path): [string, GitCommit] => [path, by]));
      open = open.filter((path) => !own.includes(path));
      now = before;
    }
    return found;
  }

  /** Of these files alone: folders that none of them is in are not read. */
  async #blobs(commit: string, paths: readonly string[]): Promise<Files> {
    const found = new Map<string, string>();
    const { commit: parsed } = await git.readCommit({ ...this.#local(), oid: commit });
    const read = async (oid: string, parts: readonly (readonly [string, readonly string[]])[]): Promise<void> => {
      const { tree } = await git.readTree({ ...this.#local(), oid });
      for (const entry of tree) {
        const below = parts.filter(([, [first]]) => first === entry.path);
        if (below.length === 0) continue;
        if (entry.type === "tree")
          await read(
            entry.oid,
            below.map(([path, [, ...rest]]) => [path, rest]),
          );
        else for (const [path, { length }] of below) if (length === 1) found.set(path, entry.oid);
      }
    };
    await read(
      parsed.tree,
      paths.map((path) => [path, path.split("/")]),
    );
    return found;
  }

  /** Forgets everything that was fetched. */
  async discard(): Promise<void> {
    this.#cache = {};
    this.#tree = undefined;
    await rm(this.#options.dir, { recursive: true, force: true });
  }

  #has(oid: string): Promise<boolean> {
    return git.readCommit({ ...this.#local(), oid }).then(
      () => true,
      () => false,
    );
  }

  async #fetch(commit: string): Promise<void> {
    const { branch, dir, server, limits } = this.#options;
    const names = await this.#names();
    if (names.length >= MAX_PACKS || (await this.#bytes(names)) >= this.#options.maxBytes) await this.discard();
    await mkdir(this.#packs, { recursive: true });
    const kept = await readFile(this.#path("have"), "utf8").catch(() => "");
    const have = /^[0-9a-f]{40}$/.test(kept) ? kept : null;
    const incoming = this.#path("incoming.pack");
    try {
      await pipeline(Readable.from(server.pack(commit, have)), fs.createWriteStream(incoming));
      const pack = await readFile(incoming);
      const bases = await this.#held(checkPack(pack, limits), limits.objectBytes);
      if (bases.length > 0) await writeFile(incoming, completed(pack, bases));
      await git.indexPack({ ...this.#local(), dir, filepath: "incoming.pack" });
      // A pack without its index is not seen: only the last of these steps counts, and a kill before it costs one more fetch.
      const place = join(this.#packs, `pack-${commit}`);
      await rename(incoming, `${place}.pack`);
      await rename(this.#path("incoming.idx"), `${place}.idx`);
    } finally {
      await rm(incoming, { force: true });
    }
    if (!(await this.#has(commit))) {
      throw new AppError("malformed", `the server names ${commit} as a head of ${branch} and does not send it`);
    }
    await writeFile(this.#path("have"), commit);
  }

  /** Those of the objects that were fetched before, whole. */
  async #held(oids: Iterable<string>, maxBytes: number): Promise<GitObject[]> {
    const found: GitObject[] = [];
    let size = 0;
    for (const oid of oids) {
      const object = await git.readObject({ ...this.#local(), oid, format: "content" }).catch(() => null);
      if (object === null || object.format !== "content") continue;
      size += object.object.length;
      if (size > maxBytes) throw new AppError("too-large", `a pack that builds on more than ${maxBytes} bytes`);
      found.push(object);
    }
    return found;
  }

  async #names(): Promise<string[]> {
    const names = await readdir(this.#packs).catch(() => []);
    return names.filter((name) => name.endsWith(".pack"));
  }

  async #bytes(names: readonly string[]): Promise<number> {
    const stats = await Promise.all(names.map((name) => stat(join(this.#packs, name))));
    return stats.reduce((sum, { size }) => sum + size, 0);
  }

  async #files(commit: string): Promise<Files> {
    if (this.#tree?.commit !== commit) {
      const { commit: parsed } = await git.readCommit({ ...this.#local(), oid: commit });
      const files = new Map<string, string>();
      await this.#walk(parsed.tree, [], files, { left: ENTRIES_MAX });
      this.#tree = { commit, files };
    }
    return this.#tree.files;
  }

  async #walk(
    oid: string,
    above: readonly string[],
    files: Map<string, string>,
    entries: { left: number },
  ): Promise<void> {
    const { tree } = await git.readTree({ ...this.#local(), oid });
    entries.left -= tree.length;
    if (entries.left < 0) throw new AppError("too-large", `more than ${ENTRIES_MAX} files and folders`);
    if (above.length > DEPTH_MAX) throw new AppError("too-large", `folders in more than ${DEPTH_MAX} levels`);
    for (const entry of tree) {
      const path = [...above, entry.path];
      if (entry.type === "tree") await this.#walk(entry.oid, path, files, entries);
      else if (entry.type === "blob") files.set(path.join("/"), entry.oid);
    }
  }

  #path(name: string): string {
    return join(this.#options.dir, name);
  }

  #local() {
    return { fs, gitdir: this.#options.dir, cache: this.#cache };
  }
}

/** True for what isomorphic-git throws at objects that are damaged or not there; not for a full disk or a lost line. */
function isDamage(error: unknown): boolean {
  if (error instanceof AppError) return error.code === "malformed";
  return !(error instanceof Error && "syscall" in error);
}
