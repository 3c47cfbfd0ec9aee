import { BUNDLE_MAX_BYTES, type Bundle, bundle } from "../../shared/bundle.ts";
import { parseCanonical } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { parseAs } from "../../shared/parse.ts";
import { gitLine } from "./git.ts";
import { branchHead, filesAt, type Repository, readBlobs } from "./repository.ts";

export interface PublishedVersion {
  commit: string;
  digest: string;
  manifest: Bundle;
}

/** A bundle's branch as this repository knows it: its commit, and its versions, the newest first. */
export interface History {
  head: string | null;
  versions: PublishedVersion[];
}

export async function readHistory(repository: Repository, name: string): Promise<History> {
  const head = await branchHead(repository, `bundles/${name}`);
  if (head === null) return { head, versions: [] };
  const { folder } = repository;
  const commits = (await gitLine(folder, ["rev-list", "--first-parent", head])).split("\n");
  const versions = await Promise.all(commits.map((commit) => readVersion(folder, commit, name)));
  return { head, versions };
}

async function readVersion(folder: string, commit: string, name: string): Promise<PublishedVersion> {
  const where = `bundles/${name} ${commit.slice(0, 12)} bundle.json`;
  const [file] = await filesAt(folder, commit, "bundle.json");
  const [body] = file === undefined ? [] : await readBlobs(folder, [file.oid]);
  if (body === undefined) throw new AppError("malformed", "a version without its manifest", { where });
  const manifest = parseAs(bundle, parseCanonical(body, where, BUNDLE_MAX_BYTES), where);
  return { commit, digest: sha256Hex(body), manifest };
}
