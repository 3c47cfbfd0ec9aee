/** Bare Git repositories, made and written without a work tree. */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A bare repository with `HEAD` on `main`. Returns its path. */
export function createRepository(root: string, name: string): string {
  const path = join(root, name);
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", path]);
  return path;
}

/** Puts exactly these files on a branch, as a commit after the branch's last one, or (`anew`) as one without a parent. */
export function commitFiles(repository: string, branch: string, files: Files, subject: string, anew = false): void {
  const ref = `refs/heads/${branch}`;
  const known = spawnSync("git", ["-C", repository, "rev-parse", "--verify", "--quiet", ref]).status === 0;
  const data = (content: string | Uint8Array) => {
    const bytes = Buffer.from(content);
    return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from("\n")]);
  };
  const stream = [
    Buffer.from(`${anew ? `reset ${ref}\n\n` : ""}commit ${ref}\ncommitter Lab <lab@example.com> 1700000000 +0000\n`),
    data(subject),
    Buffer.from(`${known && !anew ? `from ${ref}^0\n` : ""}deleteall\n`),
    ...Object.entries(files).flatMap(([path, file]) => [Buffer.from(`M 100644 inline ${path}\n`), data(file)]),
  ];
  execFileSync("git", ["-C", repository, "fast-import", "--quiet", "--force"], { input: Buffer.concat(stream) });
}
