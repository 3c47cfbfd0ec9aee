import { BUNDLE_MAX_BYTES, type Bundle, bundle } from "../../shared/bundle.ts";
import { parseCanonical } from "../../shared/canonical.ts";
import { AppError, inWords } from "../../shared/errors.ts";
import type { Pair } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { parseAs } from "../../shared/parse.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { openManifest } from "../../shared/verify/bundle.ts";
import type { TrustedRoot } from "../../shared/verify/root.ts";
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

/**
 * The history that the owners signed: from the newest version that holds under a root of theirs, each is the one that the next names by
 * its digest. Whoever can push to the branch can put anything between; what is built must not follow that. `leftOut`: what is newer, and why;
 * `all`: the branch as it is.
 */
export async function readSignedHistory(
  repository: Repository,
  name: string,
  chain: readonly TrustedRoot[],
): Promise<{ signed: History; all: History; leftOut: string[] }> {
  const all = await readHistory(repository, name);
  const leftOut: string[] = [];
  let next: string | null | undefined;
  const versions: PublishedVersion[] = [];
  for (const version of all.versions) {
    const { digest, manifest, commit } = version;
    if (next === undefined) {
      const why = whyNot(await signedManifest(repository.folder, commit), name, chain);
      if (why !== null) leftOut.push(`${name}@${manifest.version}: ${inWords(why)}`);
      else next = digest;
    }
    if (digest !== next) continue;
    versions.push(version);
    next = manifest.prev;
  }
  return { signed: { ...all, versions }, all, leftOut };
}

/** Null where it holds under one of the roots: keys that left since signed in their time. Else why it does not under the newest. */
function whyNot(document: SignedBytes, name: string, chain: readonly TrustedRoot[]): AppError | null {
  let why: AppError | null = null;
  for (const root of chain) {
    try {
      openManifest(document, name, root);
      return null;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      why = error;
    }
  }
  return why;
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

/** The manifest of a published version, with its signatures. */
export async function signedManifest(folder: string, commit: string): Promise<SignedBytes> {
  const names = (await gitLine(folder, ["ls-tree", "--full-tree", "--name-only", commit])).split("\n");
  const signatures = names.filter((name) => /^bundle\.json\.[^.]+\.sig$/.test(name));
  const files = await Promise.all(["bundle.json", ...signatures].map((name) => filesAt(folder, commit, name)));
  const [body = Buffer.alloc(0), ...texts] = await readBlobs(
    folder,
    files.flat().map(({ oid }) => oid),
  );
  const keyOf = (name: string) => name.slice("bundle.json.".length, -".sig".length);
  return { body, signatures: new Map(signatures.map((name, index) => [keyOf(name), String(texts[index] ?? "")])) };
}
