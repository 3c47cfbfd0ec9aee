import { AppError, inWords } from "../shared/errors.ts";
import type { Log } from "../shared/ports.ts";
import type { HeldRoot } from "../shared/verify/chain.ts";
import { acceptRecord, extendRoots, judged } from "./follow/documents.ts";
import type { HeldRecord } from "./follow/followed.ts";
import type { HubState } from "./registry/store.ts";

/**
 * The stored documents, verified once more: a start needs no network, and takes nothing on trust that somebody wrote into the
 * database. Records are read under the root that they were accepted under, and then judged by the newest. Throws `config` where
 * the pinned root is another.
 */
export function reopen(
  { roots: documents, records: stored }: Pick<HubState, "roots" | "records">,
  digest: string,
  log: Log,
): { roots: readonly HeldRoot[]; records: ReadonlyMap<string, HeldRecord> } {
  if (documents.length === 0) return { roots: [], records: new Map() };
  const { roots, refused } = extendRoots([], documents, digest);
  if (refused !== null) {
    throw new AppError("config", `the stored roots do not hold: ${inWords(refused)}`, {
      where: "root.digest",
      cause: refused,
      fix: "correct the digest, or give the hub of another fleet another dataDir",
    });
  }
  const newest = roots.at(-1);
  const records = new Map<string, HeldRecord>();
  if (newest === undefined) return { roots, records };
  for (const { site, root, document } of stored) {
    try {
      const held = roots.find((each) => each.root.document.number === root);
      if (held === undefined) throw new AppError("root-chain", `its root ${root} is not stored`, { where: site });
      records.set(site, judged(site, acceptRecord(site, document, held), newest));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      log.error({ site, code: error.code }, `a stored record does not hold and is left out: ${inWords(error)}`);
    }
  }
  return { roots, records };
}
