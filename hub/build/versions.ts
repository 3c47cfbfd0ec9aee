import { join } from "node:path";
import { BUNDLE_NAMESPACE, type Bundle } from "../../shared/bundle.ts";
import type { Pair } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { delegationFor } from "../../shared/root.ts";
import type { TrustedRoot } from "../../shared/verify/root.ts";
import { gitLine } from "./git.ts";
import { readHistory } from "./history.ts";
import { filesAt, type Repository, readBlobs } from "./repository.ts";
import { namesIn } from "./signed-files.ts";
import { signersOf } from "./signers.ts";
import { readStaged } from "./stage.ts";

/** A version of which this repository has the content: published, as last fetched, or built here and not published. */
export interface KnownVersion {
  state: "published" | "built";
  digest: string;
  manifest: Bundle;
  document: SignedBytes;
  files: { path: string; bytes: Uint8Array }[];
}

export interface VersionLine {
  name: string;
  version: string;
  pair: Pair;
  state: "published" | "built" | "published, content no longer carried";
  digest: string;
}

/** Bundles with a branch or something built, sorted. */
export async function bundleNames({ folder, origin }: Repository): Promise<string[]> {
  const base = origin === "" ? "refs/heads/bundles/" : "refs/remotes/origin/bundles/";
  const refs = await gitLine(folder, ["for-each-ref", "--format=%(refname)", base]);
  const branches = refs.split("\n").flatMap((ref) => (ref === "" ? [] : [ref.slice(base.length)]));
  const built = (await namesIn(join(folder, ".skerry"))).filter((name) => !name.startsWith("."));
  return [...new Set([...branches, ...built])].toSorted();
}

/** Versions of a bundle, the newest first; what is built and not published before all. */
export async function versionsOf(repository: Repository, name: string): Promise<VersionLine[]> {
  const { versions, earlier } = await readHistory(repository, name);
  const published = [
    ...versions.map(({ manifest, digest }) => ({ ...lineOf(manifest), state: "published" as const, digest })),
    ...earlier.map((each) => ({ name, ...each, state: "published, content no longer carried" as const })),
  ];
  const names = (await namesIn(join(repository.folder, ".skerry", name))).filter((each) => !each.startsWith("."));
  const staged = await Promise.all(names.map((version) => readStaged(repository.folder, name, version)));
  const built = staged.map(({ manifest, document }) => {
    return { ...lineOf(manifest), state: "built" as const, digest: sha256Hex(document.body) };
  });
  return [...built.filter(({ digest }) => published.every((each) => each.digest !== digest)), ...published];
}

function lineOf({ name, version, epoch, seq }: Bundle): Pick<VersionLine, "name" | "version" | "pair"> {
  return { name, version, pair: [epoch, seq] };
}

/** What was published under a version, else what was built here. Throws `not-found`. */
export async function findVersion(repository: Repository, name: string, version: string): Promise<KnownVersion> {
  const { versions } = await readHistory(repository, name);
  const published = versions.find(({ manifest }) => manifest.version === version);
  if (published === undefined) {
    const staged = await readStaged(repository.folder, name, version);
    return { state: "built", digest: sha256Hex(staged.document.body), ...staged };
  }
  const { folder } = repository;
  const { manifest, digest, commit } = published;
  const listed = await filesAt(folder, commit, ".");
  const bytes = await readBlobs(
    folder,
    listed.map(({ oid }) => oid),
  );
  const content = new Map(listed.map(({ path }, index): [string, Buffer] => [path, bytes[index] ?? Buffer.alloc(0)]));
  const named = [...content].flatMap(([path, text]): [string, string][] => {
    const key = /^bundle\.json\.(.+)\.sig$/.exec(path)?.[1];
    return key === undefined ? [] : [[key, text.toString()]];
  });
  const document = { body: content.get("bundle.json") ?? Buffer.alloc(0), signatures: new Map(named) };
  const files = manifest.files.map(({ path }) => ({ path, bytes: content.get(`files/${path}`) ?? Buffer.alloc(0) }));
  return { state: "published", digest, manifest, document, files };
}

/** Names of the keys whose signature of it holds, among those that may sign it; and how many it takes. */
export function signedBy(
  { manifest, document }: KnownVersion,
  root: TrustedRoot,
): { keys: string[]; threshold: number } {
  const delegation = delegationFor(root.document, manifest.name);
  if (delegation === undefined) return { keys: [], threshold: 0 };
  const named = [...root.keys].filter(([name]) => delegation.keys.includes(name));
  const keys = signersOf(document, BUNDLE_NAMESPACE, named);
  return { keys, threshold: delegation.threshold };
}
