/** What the child process does: a folder of Git objects, fetched branch by branch and read by id. Never a work tree. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as git from "isomorphic-git";
import { BUNDLE_MAX_BYTES } from "../bundle.ts";
import { AppError } from "../errors.ts";
import type { SignedBytes } from "../ports.ts";
import { gitHttp } from "./git-http.ts";
import type { GitCalls, GitRemote } from "./git-messages.ts";

/** Each fetch adds a pack, and each pack an index in memory: from here on, a first fetch is cheaper. */
const MAX_PACKS = 256;
const MAX_SIGNATURES = 64;
const SIGNATURE_MAX_BYTES = 16 * 1024;
/** The branches of a fleet; a server may have thousands of others. */
const BRANCH = /^(?:main|trust|sites-[0-9a-f]|(?:bundles|deltas)\/[a-z0-9-]{1,63})$/;
/** Stands in the folder while a fetch writes to it. */
const UNFINISHED = "unfinished";

type Ask<C extends keyof GitCalls> = GitCalls[C]["ask"];
type Answer<C extends keyof GitCalls> = Promise<GitCalls[C]["answer"]>;
type At = Pick<Ask<"log">, "branch" | "commit">;

export class GitFolder {
  readonly #remote: GitRemote;
  readonly #http: ReturnType<typeof gitHttp>;
  /** isomorphic-git keeps pack indexes in it. */
  #cache: object = {};
  /** The files of the commit read last, blob id by path. */
  #tree: { commit: string; files: ReadonlyMap<string, string> } | undefined;

  constructor(remote: GitRemote) {
    this.#remote = remote;
    this.#http = gitHttp(remote);
  }

  async heads(): Answer<"heads"> {
    const refs = await git.listServerRefs({ ...this.#server(), prefix: "refs/heads/" });
    const named = refs.map(({ ref, oid }) => [ref.replace(/^refs\/heads\//, ""), oid] as const);
    return new Map(named.filter(([name, oid]) => BRANCH.test(name) && /^[0-9a-f]{40}$/.test(oid)));
  }

  documents({ branch, commit, folder, names }: Ask<"documents">): Answer<"documents"> {
    return this.#read({ branch, commit }, async (files) => {
      const prefix = folder === "" ? "" : `${folder}/`;
      const all = [...files.keys()].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
      const wanted = names === "all" ? all.flatMap((path) => /^([^/]+)\.json$/.exec(path)?.[1] ?? []) : names;
      const found: [string, SignedBytes][] = [];
      for (const name of wanted) {
        if (!files.has(`${prefix}${name}.json`)) continue;
        const body = await this.#blob(files, `${prefix}${name}.json`, BUNDLE_MAX_BYTES);
        found.push([name, { body, signatures: await this.#signatures(files, all, prefix, `${name}.json.`) }]);
      }
      return found;
    });
  }

  log({ branch, commit }: Ask<"log">): Answer<"log"> {
    return this.#read({ branch, commit }, async () => {
      const commits = await git.log({ ...this.#local(), ref: commit });
      return commits.map(({ oid, commit }) => ({ commit: oid, subject: commit.message.split("\n", 1)[0] ?? "" }));
    });
  }

  file({ branch, commit, path, maxBytes }: Ask<"file">): Answer<"file"> {
    return this.#read({ branch, commit }, async (files) => {
      const oid = files.get(path);
      if (oid === undefined) return null;
      const { blob } = await git.readBlob({ ...this.#local(), oid });
      return blob.subarray(0, maxBytes);
    });
  }

  list({ branch, commit, folder }: Ask<"list">): Answer<"list"> {
    return this.#read({ branch, commit }, async (files) =>
      [...files.keys()].filter((path) => path.startsWith(`${folder}/`)).toSorted(),
    );
  }

  async #signatures(files: ReadonlyMap<string, string>, all: readonly string[], prefix: string, stem: string) {
    const paths = all.filter((path) => path.startsWith(stem) && /^[a-z0-9-]{1,63}\.sig$/.test(path.slice(stem.length)));
    const signatures = new Map<string, string>();
    for (const path of paths.toSorted().slice(0, MAX_SIGNATURES)) {
      const armored = await this.#blob(files, `${prefix}${path}`, SIGNATURE_MAX_BYTES);
      signatures.set(path.slice(stem.length, -".sig".length), Buffer.from(armored).toString());
    }
    return signatures;
  }

  async #blob(files: ReadonlyMap<string, string>, path: string, maxBytes: number): Promise<Uint8Array> {
    const { blob } = await git.readBlob({ ...this.#local(), oid: files.get(path) ?? "" });
    if (blob.length <= maxBytes) return blob;
    throw new AppError("too-large", `${blob.length} bytes, at most ${maxBytes} are read`, { where: path });
  }

  /** Reads at a commit; where an older folder may be to blame for a failure, once more from a fresh one. */
  async #read<T>(at: At, run: (files: ReadonlyMap<string, string>) => Promise<T>): Promise<T> {
    const attempt = async () => {
      await this.#have(at);
      return run(await this.#files(at.commit));
    };
    const fresh = (await packs(this.#remote.dir)).length === 0;
    try {
      return await attempt();
    } catch (error) {
      const elsewhere =
        error instanceof git.Errors.HttpError || (error instanceof AppError && error.code !== "malformed");
      if (fresh || elsewhere) throw error;
      await this.discard();
      return attempt();
    }
  }

  async #have(at: At): Promise<void> {
    if (await this.#has(at.commit)) return;
    if ((await packs(this.#remote.dir)).length >= MAX_PACKS || fs.existsSync(this.#path(UNFINISHED))) {
      await this.discard();
    }
    await this.#fetch(at.branch);
    if (await this.#has(at.commit)) return;
    throw new AppError("not-found", `${at.branch} no longer leads to ${at.commit}`, { fix: "ask for the heads again" });
  }

  async #has(oid: string): Promise<boolean> {
    return !fs.existsSync(this.#path(UNFINISHED)) && (await this.#readable(oid));
  }

  #readable(oid: string): Promise<boolean> {
    return git.readCommit({ ...this.#local(), oid }).then(
      () => true,
      () => false,
    );
  }

  async #fetch(branch: string): Promise<void> {
    await git.init({ ...this.#local(), bare: true, defaultBranch: "main" });
    await git.addRemote({ ...this.#local(), remote: "origin", url: this.#remote.url, force: true });
    await writeFile(this.#path(UNFINISHED), "");
    const fetched = await git.fetch({
      ...this.#local(),
      ...this.#server(),
      remote: "origin",
      ref: branch,
      remoteRef: `refs/heads/${branch}`,
      singleBranch: true,
      tags: false,
    });
    for (const pack of await packs(this.#remote.dir)) await this.#refuseDamaged(pack);
    const value = fetched.fetchHead;
    if (value === null || !(await this.#readable(value))) {
      throw new AppError("malformed", `the server names a head of ${branch} and does not send it`);
    }
    // Without this ref the next fetch offers no `have`, and everything travels again.
    await git.writeRef({ ...this.#local(), ref: `refs/heads/${branch}`, value, force: true });
    await rm(this.#path(UNFINISHED));
  }

  /** isomorphic-git takes the last 20 bytes for the pack's checksum without checking it. */
  async #refuseDamaged(pack: string): Promise<void> {
    const bytes = await readFile(pack);
    const sum = createHash("sha1").update(bytes.subarray(0, -20)).digest();
    if (!sum.equals(bytes.subarray(-20))) throw new AppError("malformed", "the server sent a pack that is not whole");
  }

  async #files(commit: string): Promise<ReadonlyMap<string, string>> {
    if (this.#tree?.commit !== commit) {
      const { commit: parsed } = await git.readCommit({ ...this.#local(), oid: commit });
      const files = new Map<string, string>();
      await this.#walk(parsed.tree, "", files);
      this.#tree = { commit, files };
    }
    return this.#tree.files;
  }

  async #walk(oid: string, prefix: string, files: Map<string, string>): Promise<void> {
    const { tree } = await git.readTree({ ...this.#local(), oid });
    for (const entry of tree) {
      const path = `${prefix}${entry.path}`;
      if (entry.type === "tree") await this.#walk(entry.oid, `${path}/`, files);
      else if (entry.type === "blob") files.set(path, entry.oid);
    }
  }

  /** Forgets everything that was fetched. */
  async discard(): Promise<void> {
    this.#cache = {};
    this.#tree = undefined;
    await rm(this.#remote.dir, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.#remote.dir, name);
  }

  #local() {
    return { fs, gitdir: this.#remote.dir, cache: this.#cache };
  }

  #server() {
    const { url, authorization } = this.#remote;
    return { http: this.#http, url, headers: authorization === undefined ? {} : { Authorization: authorization } };
  }
}

async function packs(dir: string): Promise<string[]> {
  const folder = join(dir, "objects", "pack");
  const names = fs.existsSync(folder) ? await fs.promises.readdir(folder) : [];
  return names.filter((name) => name.endsWith(".pack")).map((name) => join(folder, name));
}
