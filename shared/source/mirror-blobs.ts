import type { BundleFile } from "../bundle.ts";
import { AppError } from "../errors.ts";
import { unzstdChunks } from "../node/zstd.ts";
import type { Open } from "./mirror-files.ts";
import { at, packedMaxBytes } from "./mirror-layout.ts";
import type { BlobChunk } from "./source.ts";

/** Files that are fetched before they are asked for, so that a line's latency is not paid for each. */
const AHEAD = 4;

/**
 * The wanted files of a version in the order asked: cut out of the frame of all `files` where most of it is wanted, else
 * one by one.
 */
export async function* mirrorBlobs(
  open: Open,
  version: { name: string; version: string; files: readonly BundleFile[] },
  wanted: readonly BundleFile[],
): AsyncGenerator<BlobChunk> {
  const { files } = version;
  const path = at.all(version.name, version.version);
  const all = isMost(files, wanted) ? await open(path, packedMaxBytes(bytesOf(files))) : null;
  if (all === null) yield* oneByOne(open, wanted);
  else yield* cutOut(all, files, wanted, path);
}

/** True where at least half of all bytes are wanted, in the order in which they lie there. */
export function isMost(files: readonly BundleFile[], wanted: readonly BundleFile[]): boolean {
  let next = 0;
  for (const file of files) {
    const sought = wanted[next];
    if (sought?.path === file.path && sought.sha256 === file.sha256 && sought.size === file.size) next += 1;
  }
  return wanted.length > 1 && next === wanted.length && bytesOf(wanted) > 0 && 2 * bytesOf(wanted) >= bytesOf(files);
}

async function* cutOut(
  frame: AsyncIterable<Uint8Array>,
  files: readonly BundleFile[],
  wanted: readonly BundleFile[],
  where: string,
): AsyncGenerator<BlobChunk> {
  const paths = new Set(wanted.map(({ path }) => path));
  const unpacked = unzstdChunks(frame)[Symbol.asyncIterator]();
  try {
    let rest: Uint8Array = new Uint8Array();
    for (const { path, size } of files) {
      for (let left = size; ; ) {
        const bytes = rest.subarray(0, left);
        rest = rest.subarray(bytes.length);
        left -= bytes.length;
        if (paths.has(path) && (bytes.length > 0 || left === 0)) yield { path, bytes, last: left === 0 };
        if (left === 0) break;
        const next = await unpacked.next();
        if (next.done === true) throw new AppError("malformed", "has fewer bytes than the manifest names", { where });
        rest = next.value;
      }
      paths.delete(path);
      if (paths.size === 0) return;
    }
  } finally {
    await unpacked.return?.(undefined);
  }
}

async function* oneByOne(open: Open, wanted: readonly BundleFile[]): AsyncGenerator<BlobChunk> {
  const coming: Promise<Uint8Array[]>[] = [];
  let next = 0;
  try {
    for (const { path } of wanted) {
      for (; coming.length < AHEAD && next < wanted.length; next += 1) {
        const file = collect(open, wanted[next] as BundleFile);
        file.catch(() => {});
        coming.push(file);
      }
      const chunks = (await coming.shift()) ?? [];
      for (const [index, bytes] of chunks.entries()) yield { path, bytes, last: index === chunks.length - 1 };
    }
  } finally {
    await Promise.allSettled(coming);
  }
}

/** At least one chunk; ends with the first that has surplus bytes. */
async function collect(open: Open, { path, sha256, size }: BundleFile): Promise<Uint8Array[]> {
  const where = at.blob(sha256);
  const frame = await open(where, packedMaxBytes(size));
  if (frame === null) throw new AppError("not-found", `the mirror has no file ${path}`, { where });
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of unzstdChunks(frame)) {
    chunks.push(chunk);
    received += chunk.length;
    if (received > size) break;
  }
  return chunks.length === 0 ? [new Uint8Array()] : chunks;
}

function bytesOf(files: readonly BundleFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
