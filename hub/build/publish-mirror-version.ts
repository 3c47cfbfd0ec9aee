import { BUNDLE_MAX_BYTES, type Bundle, bundle, FILE_MAX_BYTES } from "../../shared/bundle.ts";
import { parseCanonical } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { comparePairs } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { unzstd, zstd } from "../../shared/node/zstd.ts";
import { parseAs } from "../../shared/parse.ts";
import { at, packSigned, readVersionList, unpackSigned, type VersionList } from "../../shared/source/mirror-layout.ts";
import { DELTAS, deltasTo, type OldVersion } from "./publish-delta.ts";
import { filesOf, type LeftOut } from "./publish-documents.ts";
import type { MirrorFolder } from "./publish-mirror-folder.ts";
import type { StagedBundle } from "./stage.ts";

/**
 * Puts a version into a mirror: its files, its folder, and then its line in the list of versions. Does nothing where it is
 * there already; throws `equivocation` where another one is. A version that is older than the newest is put in its place.
 */
export async function putVersion(mirror: MirrorFolder, staged: StagedBundle): Promise<LeftOut> {
  const { manifest, document, files } = staged;
  const { name, version, epoch, seq } = manifest;
  const list = await readList(mirror, name);
  const digest = sha256Hex(document.body);
  if (isListed(list, manifest, digest)) return [];
  const next = [...list, { digest, pair: [epoch, seq] as [number, number], version }].toSorted((a, b) =>
    comparePairs(b.pair, a.pair),
  );
  const older = next[0]?.digest === digest ? list.slice(0, DELTAS) : [];
  const { frames, leftOut } = await deltasTo(
    staged,
    await Promise.all(older.map((entry) => oldVersion(mirror, name, entry))),
  );
  for (const { bytes } of files) {
    const path = at.blob(sha256Hex(bytes));
    if ((await mirror.read(path)) === null) await mirror.write(path, zstd(bytes));
  }
  await mirror.putFolder(at.folder(name, version), [
    ...filesOf({ path: "bundle.json", signed: document }),
    { path: "bundle.zst", bytes: packSigned(document) },
    { path: "all.zst", bytes: zstd(Buffer.concat(files.map(({ bytes }) => bytes))) },
    ...frames,
  ]);
  await mirror.sync();
  await mirror.writeList(at.versions(name), next);
  return leftOut;
}

async function readList(mirror: MirrorFolder, name: string): Promise<VersionList> {
  const bytes = await mirror.read(at.versions(name));
  return bytes === null ? [] : readVersionList(bytes, at.versions(name));
}

/** A mirror may lack versions, as one that was begun late does; what it has must be of one history. */
function isListed(list: VersionList, manifest: Bundle, digest: string): boolean {
  const where = `bundles/${manifest.name} ${manifest.version}`;
  const same = list.find(({ version }) => version === manifest.version);
  if (same?.digest === digest) return true;
  if (same !== undefined) {
    throw new AppError("equivocation", "this version is published already, with other content", {
      where,
      fix: "give it a version of its own in bundle.yaml; what was published is never replaced",
    });
  }
  for (const entry of list) {
    const [, seq] = entry.pair;
    if (seq !== manifest.seq && (seq !== manifest.seq - 1 || entry.digest === manifest.prev)) continue;
    throw new AppError("equivocation", `built to follow another version than ${entry.version}, which lies there`, {
      where,
      fix: "publish to origin first, then build and sign it again: a version follows what is published there",
    });
  }
  return false;
}

async function oldVersion(mirror: MirrorFolder, name: string, entry: VersionList[number]): Promise<OldVersion> {
  const where = at.manifest(name, entry.version);
  const packed = await mirror.read(where);
  const body = packed === null ? Buffer.alloc(0) : unpackSigned(packed).body;
  if (sha256Hex(body) !== entry.digest) {
    throw new AppError("digest", "the mirror's own copy of this version is damaged", {
      where,
      fix: "begin the mirror anew in an empty folder",
    });
  }
  const manifest = parseAs(bundle, parseCanonical(body, where, BUNDLE_MAX_BYTES), where);
  const hashes = new Map(manifest.files.map(({ path, sha256 }) => [path, sha256]));
  return {
    digest: entry.digest,
    manifest,
    body,
    read: async (paths) => {
      const held = new Map<string, Uint8Array>();
      for (const path of paths) {
        const hash = hashes.get(path);
        const blob = hash === undefined ? null : await mirror.read(at.blob(hash));
        if (blob !== null) held.set(path, unzstd(blob, FILE_MAX_BYTES));
      }
      return held;
    },
  };
}
