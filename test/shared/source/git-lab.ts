/** A repository, a server before it and sources of it, for the tests in this folder. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type GitSourceOptions, gitSource } from "../../../shared/source/git.ts";
import { createRepository } from "../../lab/git/repository.ts";
import { type GitServerOptions, startGitServer } from "../../lab/git/server.ts";

export const CHILD = join(import.meta.dirname, "../../../shared/source/git-child.ts");

export async function gitLab(options: Partial<GitServerOptions> = {}) {
  const root = await mkdtemp(join(tmpdir(), "skerry-git-"));
  const repository = createRepository(root, "fleet.git");
  const server = await startGitServer({ root, ...options });
  const dir = join(root, "objects");
  onTestFinished(async () => {
    await server.stop();
    await rm(root, { recursive: true });
  });
  return {
    root,
    repository,
    server,
    /** Where sources keep what they fetched. */
    dir,
    source: (given: Partial<GitSourceOptions> = {}) => sourceOf({ url: `${server.url}/fleet.git`, dir, ...given }),
  };
}

export function sourceOf(options: Omit<GitSourceOptions, "child">) {
  const source = gitSource({ child: CHILD, ...options });
  onTestFinished(() => source.close());
  return source;
}

export async function headOf(source: ReturnType<typeof gitSource>, branch: string): Promise<string> {
  return (await source.heads()).get(branch) ?? "";
}
