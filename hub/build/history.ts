import { BUNDLE_MAX_BYTES, type Bundle, bundle } from "../../shared/bundle.ts";
import { parseCanonical } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import type { Pair } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { parseAs } from "../../shared/parse.ts";
import { gitLine } from "./git.ts";
import { branchHead, filesAt, type Repository, readBlobs } from "./repository.ts";

export interface PublishedVersion {
  commit: string;
  digest: string;
  manifest: Bundle;
}

/** A version from before its branch was begun anew: its content is no longer there, its name stays taken. */
export interface EarlierVersion {
  version: string;
  pair: Pair;
  digest: string;
}

/** A bundle's branch as this repository knows it: its commit, and its versions, the newest first. */
export interface History {
  head: string | null;
  versions: PublishedVersion[];
  earlier: EarlierVersion[];
}

export async function readHistory(repository: Repository, name: string): Promise<History> {
  const head = await branchHead(repository, `bundles/${name}`);
  if (head === null) return { head, versions: [], earlier: [] };
  const { folder } = repository;
  const commits = (await gitLine(folder, ["rev-list", "--first-parent", head])).split("\n");
  const versions = await Promise.all(commits.map((commit) => readVersion(folder, commit, name)));
  const words = await gitLine(folder, ["show", "-s", "--format=%b", commits.at(-1) ?? head]);
  return { head, versions, earlier: earlierIn(words) };
}

/** The message of a commit that begins a branch anew: a version, and those before it that the branch no longer has. */
export function messageOf(version: string, earlier: readonly EarlierVersion[]): string {
  if (earlier.length === 0) return version;
  const lines = earlier.map((each) => `${each.version} ${each.pair.join(".")} ${each.digest}`);
  return [version, "", "Published before, begun anew since:", ...lines].join("\n");
}

function earlierIn(body: string): EarlierVersion[] {
  return body.split("\n").flatMap((line) => {
    const [, version, epoch, seq, digest] = /^(\S+) (\d+)\.(\d+) ([0-9a-f]{64})$/.exec(line) ?? [];
    if (version === undefined || digest === undefined) return [];
    return [{ version, pair: [Number(epoch), Number(seq)] as Pair, digest }];
  });
}

async function readVersion(folder: string, commit: string, name: string): Promise<PublishedVersion> {
  const where = `bundles/${name} ${commit.slice(0, 12)} bundle.json`;
  const [file] = await filesAt(folder, commit, "bundle.json");
  const [body] = file === undefined ? [] : await readBlobs(folder, [file.oid]);
  if (body === undefined) throw new AppError("malformed", "a version without its manifest", { where });
  const manifest = parseAs(bundle, parseCanonical(body, where, BUNDLE_MAX_BYTES), where);
  return { commit, digest: sha256Hex(body), manifest };
}
