import { AppError } from "../../shared/errors.ts";
import type { Journal } from "../../shared/ports.ts";
import { readFleet } from "./fleet.ts";
import { git } from "./git.ts";
import { bundleUpdate, verifyStaged } from "./publish-bundle.ts";
import type { LeftOut } from "./publish-documents.ts";
import { trustUpdates } from "./publish-trust.ts";
import { fetchOrigin, type Repository } from "./repository.ts";
import { readStaged } from "./stage.ts";
import type { BranchUpdate } from "./tree.ts";

export interface Published {
  /** Branches that changed. */
  branches: string[];
  leftOut: LeftOut;
}

/**
 * Brings the trust part, and a version where one is named, to `origin`, in one push: all of it or nothing. Nothing is
 * written to branches of this repository, so what stops half-way leaves nothing that anybody could take for published.
 */
export async function publish(
  repository: Repository,
  version: { name: string; version: string } | null,
  journal: Journal,
): Promise<Published> {
  const fleet = await readFleet(repository.folder);
  const staged = version === null ? null : await readStaged(repository.folder, version.name, version.version);
  if (staged !== null) verifyStaged(staged, fleet.newest);
  await fetchOrigin(repository);
  journal("publish.commit", "before");
  const { updates, leftOut } = await trustUpdates(repository, fleet);
  const bundle = staged === null ? null : await bundleUpdate(repository, staged, fleet.chain);
  if (bundle !== null) updates.push(bundle);
  journal("publish.commit", "after");
  if (updates.length > 0) await push(repository, updates, journal);
  return { branches: updates.map(({ branch }) => branch), leftOut };
}

async function push({ folder, origin }: Repository, updates: readonly BranchUpdate[], journal: Journal): Promise<void> {
  const leases = updates.map(({ branch, expected }) => `--force-with-lease=refs/heads/${branch}:${expected ?? ""}`);
  const refspecs = updates.map(({ branch, commit }) => `${commit}:refs/heads/${branch}`);
  journal("publish.push", "before");
  try {
    const args = ["push", "--quiet", "--atomic", "--no-verify", ...leases, "origin", ...refspecs];
    await git(folder, args, { failure: "unreachable" });
  } catch (cause) {
    if (!(cause instanceof AppError) || !cause.message.includes("stale info")) throw cause;
    throw new AppError("busy", "somebody else published at the same time", {
      where: origin,
      fix: "run this again",
      cause,
    });
  }
  journal("publish.push", "after");
}
