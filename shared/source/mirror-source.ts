import { type BundleFile, bundle } from "../bundle.ts";
import { AppError } from "../errors.ts";
import { short } from "../names.ts";
import { DELTA_MAX_BYTES } from "../node/delta.ts";
import { sha256Hex } from "../node/sha256.ts";
import { SIGNED_FRAME_MAX_BYTES } from "../node/signed-frame.ts";
import type { SignedBytes } from "../ports.ts";
import { mirrorBlobs } from "./mirror-blobs.ts";
import { type MirrorFiles, whole } from "./mirror-files.ts";
import { at, INDEX_MAX_BYTES, type MirrorIndex, readVersionList, unpackSigned } from "./mirror-layout.ts";
import type { Source, VersionRef } from "./source.ts";

/** A source that lies about its newest root cannot make a reader ask for more than these at once, nor hold more than that of them. */
const MAX_ROOTS = 1024;
const ROOTS_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Port `source` over a mirror's files. A head is the name of the branch that Git would have and what the index says of it,
 * with `@` in between; a version's id is its digest.
 */
export function mirrorSource(files: MirrorFiles): Source {
  /** The manifest read last: its files are asked for next. */
  let last: { id: string; files: readonly BundleFile[] } | null = null;
  const manifest = async ({ branch, id, version }: VersionRef): Promise<SignedBytes> => {
    const path = at.manifest(nameOf(branch), version);
    const found = await signed(files, path);
    if (found === null) throw new AppError("not-found", "the mirror has no such version", { where: path });
    if (sha256Hex(found.body) !== id) {
      throw new AppError("digest", "the mirror names another digest for this version", { where: path });
    }
    last = { id, files: filesNamed(found.body) };
    return found;
  };
  return {
    address: files.address,
    heads: async () => headsOf(await files.index()),
    roots: async (head, after) => {
      const newest = Number(head.split("@")[1]);
      const found: SignedBytes[] = [];
      let size = 0;
      for (let number = after + 1; number <= Math.min(newest, after + MAX_ROOTS); number += 1) {
        const document = await signed(files, at.root(number));
        if (document === null) continue;
        size += bytesOf(document);
        if (size > ROOTS_MAX_BYTES) {
          throw new AppError("too-large", `roots of more than ${ROOTS_MAX_BYTES} bytes`, { where: at.root(number) });
        }
        found.push(document);
      }
      return found;
    },
    newest: async () => signed(files, at.head),
    record: async (_, site) => signed(files, at.record(site)),
    versions: async (head) => {
      const [branch = "", , digest = ""] = head.split("@");
      const path = at.versions(nameOf(branch));
      const bytes = await read(files, path, INDEX_MAX_BYTES);
      const list = bytes === null ? [] : readVersionList(bytes, path);
      // The list may be newer than the head: what is asked for is what the head led to.
      const newest = list.findIndex((entry) => short(entry.digest) === digest);
      if (newest === -1) throw new AppError("not-found", `${branch} never led to ${digest}`, { where: path });
      return list.slice(newest).map((entry) => ({ branch, id: entry.digest, version: entry.version }));
    },
    manifest,
    blobs: async function* (ref, wanted) {
      if (last?.id !== ref.id && wanted.length > 1) await manifest(ref);
      const version = { name: nameOf(ref.branch), version: ref.version, files: last?.id === ref.id ? last.files : [] };
      yield* mirrorBlobs(files.open, version, wanted);
    },
    delta: async (head, from) => {
      const [branch = "", version = ""] = head.split("@");
      return read(files, at.delta(nameOf(branch), version, from), DELTA_MAX_BYTES);
    },
    close: () => files.close(),
  };
}

function headsOf({ bundles, sites, trust }: MirrorIndex): Map<string, string> {
  const heads = new Map<string, string>();
  if (trust !== undefined) heads.set("trust", `trust@${trust.join("@")}`);
  for (const [group, id] of Object.entries(sites)) heads.set(`sites-${group}`, `sites-${group}@${id}`);
  for (const [name, [version, digest, deltas]] of Object.entries(bundles)) {
    heads.set(`bundles/${name}`, `bundles/${name}@${version}@${digest}`);
    if (deltas > 0) heads.set(`deltas/${name}`, `deltas/${name}@${version}@${digest}`);
  }
  return heads;
}

function nameOf(branch: string): string {
  return branch.replace(/^(?:bundles|deltas)\//, "");
}

async function signed(files: MirrorFiles, path: string): Promise<SignedBytes | null> {
  const bytes = await read(files, path, SIGNED_FRAME_MAX_BYTES);
  return bytes === null ? null : unpackSigned(bytes);
}

async function read(files: MirrorFiles, path: string, maxBytes: number): Promise<Uint8Array | null> {
  const file = await files.open(path, maxBytes);
  return file === null ? null : whole(file);
}

function bytesOf({ body, signatures }: SignedBytes): number {
  return [...signatures.values()].reduce((sum, text) => sum + text.length, body.length);
}

/** What an unverified manifest says of its files: how they lie in the frame of all of them. None where it says nothing. */
function filesNamed(body: Uint8Array): BundleFile[] {
  try {
    return bundle.shape.files.parse(JSON.parse(Buffer.from(body).toString())["files"]);
  } catch {
    return [];
  }
}
