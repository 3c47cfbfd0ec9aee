import { BUNDLE_MAX_BYTES, type Bundle, bundle as bundleSchema } from "../../shared/bundle.ts";
import { parseCanonical } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { changedFiles, deltaFiles, openDelta } from "../../shared/node/delta.ts";
import { parseAs } from "../../shared/parse.ts";
import type { Source } from "../../shared/source/source.ts";
import { expectFile, finish, take } from "../../shared/verify/file.ts";
import { digestOf, heldVersions, type Judge, judge, keep } from "./take.ts";

/** The publisher makes frames from so many versions back. */
const BASES = 3;

/**
 * Brings the newest version by its difference to one on disk. False where there is none that fits, or where what came out
 * was not what its owners signed: nothing is lost, and nothing refused, since the version can still be fetched whole.
 * A fault of the network is thrown.
 */
export async function pullDelta(by: Judge, source: Source, bundle: string, head: string): Promise<boolean> {
  for (const base of heldVersions(by.cache, bundle).slice(0, BASES)) {
    const frame = await frameFrom(source, head, base.digest);
    const old = by.cache.manifest(base.digest);
    if (frame !== null && old !== null) return takeFrame(by, bundle, frame, old.body);
  }
  return false;
}

async function frameFrom(source: Source, head: string, digest: string): Promise<Uint8Array | null> {
  try {
    return await source.delta(head, digest);
  } catch (error) {
    if (error instanceof AppError && error.code === "unreachable") throw error;
    if (error instanceof AppError) return null;
    throw error;
  }
}

function takeFrame(by: Judge, bundle: string, frame: Uint8Array, oldBody: Uint8Array): boolean {
  try {
    const document = openDelta(frame, oldBody);
    if (heldVersions(by.cache, bundle).some(({ digest }) => digest === digestOf(document))) return false;
    const opened = judge(by, bundle, document);
    const old: Bundle = parseAs(bundleSchema, parseCanonical(oldBody, "bundle.json", BUNDLE_MAX_BYTES), "bundle.json");
    const oldFiles = new Map(old.files.map((file) => [file.path, file.sha256]));
    const changed = changedFiles(old, opened.manifest);
    const contents = deltaFiles(frame, changed, (path) => by.cache.blob(oldFiles.get(path) ?? ""));
    for (const [index, file] of changed.entries()) {
      const incoming = expectFile(file);
      take(incoming, contents[index] ?? new Uint8Array());
      const checked = finish(incoming);
      by.cache.keepBlob(checked.sha256, checked.bytes);
    }
    keep(by, opened, document, () => {});
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code !== "storage" && error.code !== "internal") return false;
    throw error;
  }
}
