/** Writes commits without touching the work tree or its index. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { git, gitLine } from "./git.ts";

export interface TreeFile {
  path: string;
  oid: string;
}

/** A branch of `origin` that shall lead to a commit, if it still leads where it did. */
export interface BranchUpdate {
  branch: string;
  commit: string;
  /** Null where the branch must not exist yet. */
  expected: string | null;
}

/** Stores blobs; their ids in order. */
export async function writeBlobs(folder: string, contents: readonly Uint8Array[]): Promise<string[]> {
  const marks = contents.map((bytes, index) =>
    Buffer.concat([Buffer.from(`blob\nmark :${index + 1}\ndata ${bytes.length}\n`), bytes, Buffer.from("\n")]),
  );
  const asked = contents.map((_, index) => `get-mark :${index + 1}\n`).join("");
  const input = Buffer.concat([...marks, Buffer.from(`${asked}done\n`)]);
  const printed = await gitLine(folder, ["fast-import", "--quiet", "--done", "--cat-blob-fd=1"], { input });
  return printed === "" ? [] : printed.split("\n");
}

/** Id of a tree with exactly these files. */
export async function writeTree(folder: string, files: readonly TreeFile[]): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), "skerry-index-"));
  try {
    const env = { GIT_INDEX_FILE: join(scratch, "index") };
    const input = files.map(({ path, oid }) => `100644 ${oid}\t${path}\0`).join("");
    await git(folder, ["update-index", "-z", "--index-info"], { input, env });
    return await gitLine(folder, ["write-tree"], { env });
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** Id of a commit. Author and date are fixed by the content, so that the same content is the same commit. */
export function writeCommit(
  folder: string,
  commit: { tree: string; parent: string | null; message: string; at: string },
): Promise<string> {
  const env = {
    GIT_AUTHOR_NAME: "skerry",
    GIT_AUTHOR_EMAIL: "skerry@localhost",
    GIT_AUTHOR_DATE: commit.at,
    GIT_COMMITTER_NAME: "skerry",
    GIT_COMMITTER_EMAIL: "skerry@localhost",
    GIT_COMMITTER_DATE: commit.at,
  };
  const parent = commit.parent === null ? [] : ["-p", commit.parent];
  return gitLine(folder, ["commit-tree", "--no-gpg-sign", ...parent, "-m", commit.message, commit.tree], { env });
}
