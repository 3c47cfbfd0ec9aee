import { join } from "node:path";
import { canonicalJson, parseCanonical, sorted } from "../../shared/canonical.ts";
import { AppError, inWords } from "../../shared/errors.ts";
import { type FleetHead, fleetHead, HEAD_MAX_BYTES } from "../../shared/head.ts";
import { comparePairs, type Pair } from "../../shared/names.ts";
import { parseAs } from "../../shared/parse.ts";
import type { Journal } from "../../shared/ports.ts";
import { openManifest } from "../../shared/verify/bundle.ts";
import type { TrustedRoot } from "../../shared/verify/root.ts";
import { type PublishedVersion, readHistory, signedManifest } from "./history.ts";
import { branchHead, filesAt, type Repository, readBlobs } from "./repository.ts";
import { readSigned, writeUnsigned } from "./signed-files.ts";
import { bundleNames } from "./versions.ts";

export interface WrittenHead {
  file: string;
  head: FleetHead;
  /** Published versions that are above what the head names, and do not hold: one line each, for the person. */
  leftOut: string[];
}

/**
 * Writes `head.json`: what is newest among the versions that were published and hold under the root, as last fetched. A head of
 * the same day (UTC) that says the same already stays, so that a second run or a second signer signs the same bytes. The number is
 * above that of the work tree's and of the published head, so that a machine of its own, with a fresh checkout, can do it from a timer.
 */
export async function writeHead(
  repository: Repository,
  root: TrustedRoot,
  createdAt: string,
  journal: Journal,
): Promise<WrittenHead> {
  const file = join(repository.folder, "head.json");
  const before = [await presentHead(file), await publishedHead(repository)].filter((each) => each !== null);
  const leftOut: string[] = [];
  const newest: Record<string, Pair> = {};
  for (const name of await bundleNames(repository)) {
    const found = await newestOf(repository, name, root, leftOut);
    if (found !== null) newest[name] = found;
  }
  const { fleet, number: rootNumber } = root.document;
  const last = before.toSorted((a, b) => b.number - a.number)[0];
  const head: FleetHead = { fleet, number: (last?.number ?? 0) + 1, createdAt, root: rootNumber, newest };
  const isSame =
    last !== undefined && last.createdAt.slice(0, 10) === createdAt.slice(0, 10) && says(last) === says(head);
  const next = isSame ? last : head;
  journal("build.write", "before");
  await writeUnsigned(file, canonicalJson(parseAs(fleetHead, next, file)));
  journal("build.write", "after");
  return { file, head: next, leftOut };
}

/** All but when it was said. */
function says({ fleet, root, newest }: FleetHead): string {
  return sorted({ fleet, root, newest });
}

async function presentHead(file: string): Promise<FleetHead | null> {
  const document = await readSigned(file);
  return document === null ? null : read(document.body, file, "restore it with `git checkout`, or delete it");
}

async function publishedHead(repository: Repository): Promise<FleetHead | null> {
  const trust = await branchHead(repository, "trust");
  const [found] = trust === null ? [] : await filesAt(repository.folder, trust, "head.json");
  const [body] = found === undefined ? [] : await readBlobs(repository.folder, [found.oid]);
  return body === undefined ? null : read(body, "trust head.json", "look at what was published on the branch `trust`");
}

function read(body: Uint8Array, where: string, fix: string): FleetHead {
  try {
    return parseAs(fleetHead, parseCanonical(body, where, HEAD_MAX_BYTES), where);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, `the last head cannot be read, and so its number is not known: ${error.message}`, {
      where,
      fix,
      cause: error,
    });
  }
}

/** The highest pair whose manifest holds. Whoever can push to a branch can put any number there. */
async function newestOf(
  repository: Repository,
  name: string,
  root: TrustedRoot,
  leftOut: string[],
): Promise<Pair | null> {
  const { versions } = await readHistory(repository, name);
  for (const version of versions.toSorted((a, b) => comparePairs(pairOf(b), pairOf(a)))) {
    try {
      openManifest(await signedManifest(repository.folder, version.commit), name, root);
      return pairOf(version);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      leftOut.push(`${name}@${version.manifest.version}: ${inWords(error)}`);
    }
  }
  return null;
}

function pairOf({ manifest }: PublishedVersion): Pair {
  return [manifest.epoch, manifest.seq];
}
