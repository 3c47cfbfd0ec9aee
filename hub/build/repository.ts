import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../shared/errors.ts";
import { git, gitLine, gitMaybe, withoutCredentials } from "./git.ts";

/** The fleet repository: a Git work tree on the operator's machine. */
export interface Repository {
  /** Absolute path of the work tree. */
  folder: string;
  commit: string;
  /** Commit time, seconds since 1970. */
  committedAt: number;
  /** Address of `origin` without credentials; empty where there is none. */
  origin: string;
}

export async function openRepository(folder: string): Promise<Repository> {
  const top = await gitLine(folder, ["rev-parse", "--show-toplevel"]).catch(noRepository(folder));
  // `git show` would print signatures where a person's settings ask for them.
  const log = ["-c", "log.showSignature=false", "show", "-s", "--format=%H %ct", "HEAD"];
  const head = await gitMaybe(top, log);
  if (head === null) {
    throw new AppError("config", "a Git repository without a commit", { where: top, fix: "commit what there is" });
  }
  const [commit = "", seconds = ""] = head.split(" ");
  const origin = withoutCredentials((await gitMaybe(top, ["remote", "get-url", "origin"])) ?? "");
  return { folder: top, commit, committedAt: Number(seconds), origin };
}

/** With git's words: it may be a repository, and one that git refuses to touch. */
function noRepository(folder: string): (cause: unknown) => never {
  return (cause) => {
    if (!(cause instanceof AppError) || cause.code !== "storage") throw cause;
    throw new AppError("config", `no Git repository that can be read: ${cause.message}`, {
      where: folder,
      fix: "run this in your fleet repository, or name it with --repo",
      cause,
    });
  };
}

/**
 * How a manifest names a repository: host and path, whichever way it is reached. `git@git.example.com:shops/fleet.git` and
 * `https://git.example.com/shops/fleet` are one, so that people who cloned in different ways build the same bytes.
 */
export function repositoryName(origin: string): string {
  const [, host, path] =
    /^\w[\w+.-]*:\/\/(?:[^/@]*@)?([^/:]+)(?::\d+)?\/+(.*)$/.exec(origin) ??
    /^(?:[^/@:]+@)?([^/:]+):(.*)$/.exec(origin) ??
    [];
  const name = host === undefined || path === undefined ? origin : `${host.toLowerCase()}/${path.replace(/^\/+/, "")}`;
  return name.replace(/\/+$/, "").replace(/\.git$/, "");
}

/** A bundle's folder as a commit or a tree has it. */
export interface BundleFolder {
  /** Of the repository: absolute path of its work tree. */
  folder: string;
  treeish: string;
  /** From the top of the repository. */
  path: string;
}

/** A tree of what a commit made now would hold below a path: for work that comes before the commit. */
export async function treeOfWork({ folder, commit }: Repository, path: string): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), "skerry-index-"));
  try {
    const env = { GIT_INDEX_FILE: join(scratch, "index") };
    await git(folder, ["read-tree", commit], { env });
    await git(folder, ["add", "--all", "--", path], { env });
    return await gitLine(folder, ["write-tree"], { env });
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** Refuses uncommitted work below a path: what is signed must be what is in the commit that it names. */
export async function requireClean({ folder }: Repository, path: string): Promise<void> {
  const status = (await git(folder, ["status", "--porcelain", "-z", "--untracked-files=all", "--", path])).toString();
  const [first] = status.split("\0");
  if (first === undefined || first === "") return;
  throw new AppError("config", "there is work that is not committed", {
    where: first.slice(3),
    fix: "commit it, or put it away with `git stash -u`; a bundle is built from a commit, so that anybody can build it again",
  });
}

export interface CommittedFile {
  /** From the top of the repository. */
  path: string;
  /** Git's mode: `100644`, `120000` for a symbolic link. */
  mode: string;
  oid: string;
}

/** Files below a folder at a commit or tree, sorted by path. */
export async function filesAt(folder: string, treeish: string, path: string): Promise<CommittedFile[]> {
  const listing = (await git(folder, ["ls-tree", "-r", "-z", "--full-tree", treeish, "--", path])).toString();
  const files = listing.split("\0").flatMap((line) => {
    const [, mode, oid, name] = /^(\d+) blob ([0-9a-f]+)\t(.+)$/s.exec(line) ?? [];
    return mode === undefined || oid === undefined || name === undefined ? [] : [{ path: name, mode, oid }];
  });
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** The bytes of blobs, in the order asked. */
export async function readBlobs(folder: string, oids: readonly string[]): Promise<Buffer[]> {
  const output = await git(folder, ["cat-file", "--batch"], { input: oids.map((oid) => `${oid}\n`).join("") });
  const blobs: Buffer[] = [];
  let at = 0;
  for (const oid of oids) {
    const end = output.indexOf("\n", at);
    const size = Number(/^[0-9a-f]+ blob (\d+)$/.exec(output.toString("utf8", at, end))?.[1] ?? Number.NaN);
    if (!Number.isInteger(size)) throw new AppError("storage", `Git has no file ${oid}`, { where: folder });
    blobs.push(output.subarray(end + 1, end + 1 + size));
    at = end + 1 + size + 1;
  }
  return blobs;
}

/** Files with their text. Throws `malformed` for what is not UTF-8. */
export async function readTexts(
  folder: string,
  files: readonly CommittedFile[],
): Promise<{ path: string; text: string }[]> {
  const blobs = await readBlobs(
    folder,
    files.map(({ oid }) => oid),
  );
  return files.map(({ path }, index) => ({ path, text: decode(blobs[index], path) }));
}

function decode(bytes: Uint8Array | undefined, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError("malformed", "not UTF-8", { where, cause });
  }
}

/** What `origin` had for a branch when it was last fetched; without an `origin`, the local branch of that name. */
export function branchHead({ folder, origin }: Repository, branch: string): Promise<string | null> {
  const ref = origin === "" ? `refs/heads/${branch}` : `refs/remotes/origin/${branch}`;
  return gitMaybe(folder, ["rev-parse", "--verify", "--quiet", ref]);
}

export async function fetchOrigin({ folder, origin }: Repository): Promise<void> {
  if (origin === "") {
    throw new AppError("config", "the fleet repository has no remote `origin`", {
      where: folder,
      fix: "add it: `git remote add origin <the address that sites pull from>`",
    });
  }
  const refspec = "+refs/heads/*:refs/remotes/origin/*";
  await gitLine(folder, ["fetch", "--quiet", "--no-tags", "--prune", "origin", refspec], { failure: "unreachable" });
}
