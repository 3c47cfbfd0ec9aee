/** What the child process answers: branches of one server, each in a folder of its own. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { BUNDLE_MAX_BYTES } from "../bundle.ts";
import { AppError } from "../errors.ts";
import type { SignedBytes } from "../ports.ts";
import { type Files, GitBranch } from "./git-branch.ts";
import type { GitCalls, GitRemote } from "./git-messages.ts";
import { GitServer } from "./git-server.ts";
import { BRANCHES } from "./git-wire.ts";

const MAX_SIGNATURES = 64;
const SIGNATURE_MAX_BYTES = 16 * 1024;
/** Of one answer to the parent, which holds it whole. */
const DOCUMENTS_MAX_BYTES = 2 * BUNDLE_MAX_BYTES;
const MAX_OBJECTS = 100_000;
/** What may come out of one pack, one object after the other: a limit of time, not of memory. */
const PACK_MAX_BYTES = 1024 * 1024 * 1024;

type Ask<C extends keyof GitCalls> = GitCalls[C]["ask"];
type Answer<C extends keyof GitCalls> = Promise<GitCalls[C]["answer"]>;

export class GitFolder {
  readonly #remote: GitRemote;
  readonly #server: GitServer;
  readonly #branches = new Map<string, GitBranch>();

  constructor(remote: GitRemote) {
    this.#remote = remote;
    this.#server = new GitServer(remote);
  }

  async heads({ only }: Ask<"heads">): Answer<"heads"> {
    const heads = await this.#server.heads(only ?? BRANCHES);
    const kept = new Set([...heads.keys()].map(folderOf));
    const gone = (await readdir(this.#remote.dir).catch(() => [])).filter((name) => !kept.has(name));
    for (const name of gone) await rm(join(this.#remote.dir, name), { recursive: true, force: true });
    return heads;
  }

  documents({ branch, commit, folder, names }: Ask<"documents">): Answer<"documents"> {
    return this.#branch(branch).at(commit, async (files) => {
      const prefix = folder === "" ? "" : `${folder}/`;
      const all = [...files.keys()].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
      const wanted = names === "all" ? all.flatMap((path) => /^([^/]+)\.json$/.exec(path)?.[1] ?? []) : names;
      const found: [string, SignedBytes][] = [];
      let size = 0;
      for (const name of wanted) {
        if (!files.has(`${prefix}${name}.json`)) continue;
        const body = await this.#whole(branch, files, `${prefix}${name}.json`, BUNDLE_MAX_BYTES);
        const signatures = await this.#signatures(branch, files, all, prefix, `${name}.json.`);
        size += [...signatures.values()].reduce((sum, text) => sum + text.length, body.length);
        if (size > DOCUMENTS_MAX_BYTES) throw tooLarge(folder, size, DOCUMENTS_MAX_BYTES);
        found.push([name, { body, signatures }]);
      }
      return found;
    });
  }

  log({ branch, commit }: Ask<"log">): Answer<"log"> {
    return this.#branch(branch).at(commit, () => this.#branch(branch).log(commit));
  }

  changed({ branch, commit, paths }: Ask<"changed">): Answer<"changed"> {
    return this.#branch(branch).at(commit, () => this.#branch(branch).changed(commit, paths));
  }

  file({ branch, commit, path, maxBytes }: Ask<"file">): Answer<"file"> {
    return this.#branch(branch).at(commit, async (files) => {
      const oid = files.get(path);
      return oid === undefined ? null : (await this.#branch(branch).blob(oid)).subarray(0, maxBytes);
    });
  }

  list({ branch, commit, folder }: Ask<"list">): Answer<"list"> {
    return this.#branch(branch).at(commit, async (files) =>
      [...files.keys()].filter((path) => path.startsWith(`${folder}/`)).toSorted(),
    );
  }

  async #signatures(branch: string, files: Files, all: readonly string[], prefix: string, stem: string) {
    const paths = all.filter((path) => path.startsWith(stem) && /^[a-z0-9-]{1,63}\.sig$/.test(path.slice(stem.length)));
    const signatures = new Map<string, string>();
    for (const path of paths.toSorted().slice(0, MAX_SIGNATURES)) {
      const armored = await this.#whole(branch, files, `${prefix}${path}`, SIGNATURE_MAX_BYTES);
      signatures.set(path.slice(stem.length, -".sig".length), Buffer.from(armored).toString());
    }
    return signatures;
  }

  async #whole(branch: string, files: Files, path: string, maxBytes: number): Promise<Uint8Array> {
    const blob = await this.#branch(branch).blob(files.get(path) ?? "");
    if (blob.length > maxBytes) throw tooLarge(path, blob.length, maxBytes);
    return blob;
  }

  #branch(branch: string): GitBranch {
    const { dir, maxResponseBytes } = this.#remote;
    const known = this.#branches.get(branch);
    const found =
      known ??
      new GitBranch({
        branch,
        dir: join(dir, folderOf(branch)),
        server: this.#server,
        maxBytes: maxResponseBytes,
        limits: { objectBytes: maxResponseBytes / 2, totalBytes: PACK_MAX_BYTES, objects: MAX_OBJECTS },
      });
    this.#branches.set(branch, found);
    return found;
  }
}

/** No name of a branch has a `+`. */
function folderOf(branch: string): string {
  return branch.replace("/", "+");
}

function tooLarge(where: string, size: number, maxBytes: number): AppError {
  return new AppError("too-large", `${size} bytes, at most ${maxBytes} are read`, { where });
}
