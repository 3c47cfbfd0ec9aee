import type { Bundle } from "../../shared/bundle.ts";
import { changedFiles, DELTA_MAX_BYTES, packDelta } from "../../shared/node/delta.ts";
import { signedFrame } from "../../shared/node/signed-frame.ts";
import { zstd } from "../../shared/node/zstd.ts";
import { deltaName } from "../../shared/source/source.ts";
import type { LeftOut } from "./publish-documents.ts";
import type { StagedBundle } from "./stage.ts";

/** Deltas are made from so many versions; a site that has none of them fetches the whole. */
export const DELTAS = 3;

/** A published version that a delta starts from. */
export interface OldVersion {
  digest: string;
  manifest: Bundle;
  body: Uint8Array;
  /** Content by path, of those of the paths that the version has. */
  read(paths: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
}

/** The frames that lead to a version, by file name: those that are smaller than the version itself. */
export async function deltasTo(
  { manifest, document, files }: StagedBundle,
  older: readonly OldVersion[],
): Promise<{ frames: { path: string; bytes: Uint8Array }[]; leftOut: LeftOut }> {
  if (older.length === 0) return { frames: [], leftOut: [] };
  const contents = new Map(files.map((file) => [file.path, file]));
  const whole = zstd(signedFrame(document)).length + zstd(Buffer.concat(files.map(({ bytes }) => bytes))).length;
  const frames: { path: string; bytes: Uint8Array }[] = [];
  const leftOut: LeftOut = [];
  for (const old of older) {
    const changed = changedFiles(old.manifest, manifest).flatMap(({ path }) => contents.get(path) ?? []);
    const held = await old.read(changed.map(({ path }) => path));
    const frame = packDelta({ body: old.body, file: (path) => held.get(path) ?? null }, { document, changed });
    if (frame !== null && frame.length < whole) frames.push({ path: deltaName(old.digest), bytes: frame });
    else {
      const why = frame === null ? `larger than ${DELTA_MAX_BYTES} bytes` : "no smaller than all of the version";
      leftOut.push(`the delta from ${manifest.name} ${old.manifest.version}: ${why}`);
    }
  }
  return { frames, leftOut };
}
