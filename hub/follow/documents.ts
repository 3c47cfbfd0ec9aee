import { AppError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { openRecord } from "../../shared/verify/record.ts";
import { nextRoot, pinRoot } from "../../shared/verify/root.ts";
import type { HeldRecord, HeldRoot } from "./followed.ts";

/** `held` and what follows from it, one by one, up to the first that does not; with why it does not. */
export function extendRoots(
  held: readonly HeldRoot[],
  documents: readonly SignedBytes[],
  digest: string,
): { roots: readonly HeldRoot[]; refused: AppError | null } {
  const roots = [...held];
  for (const document of documents) {
    const last = roots.at(-1);
    // Roots before the pinned one are history.
    if (last === undefined && sha256Hex(document.body) !== digest) continue;
    try {
      const root = last === undefined ? pinRoot(document, digest) : nextRoot(last.root, document);
      roots.push({ root, document });
    } catch (error) {
      return { roots, refused: refusal(error) };
    }
  }
  if (roots.length > 0) return { roots, refused: null };
  const refused = new AppError("root-chain", "the repository has no root with the pinned digest", {
    where: "trust",
    fix: "compare `root.digest` of the configuration with `skerry root show`",
  });
  return { roots, refused };
}

/** The signed documents `sites/<id>.json` among the files of a branch, by id. */
export function recordDocuments(
  files: readonly { path: string; bytes: Uint8Array }[],
): ReadonlyMap<string, SignedBytes> {
  const documents = new Map<string, { body: Uint8Array; signatures: Map<string, string> }>();
  for (const { path, bytes } of files) {
    const id = /^sites\/([^/]+)\.json$/.exec(path)?.[1];
    if (id !== undefined) documents.set(id, { body: bytes, signatures: new Map() });
  }
  for (const { path, bytes } of files) {
    const [, id = "", key = ""] = /^sites\/([^/]+)\.json\.([^/]+)\.sig$/.exec(path) ?? [];
    documents.get(id)?.signatures.set(key, Buffer.from(bytes).toString("latin1"));
  }
  return documents;
}

/** A record as it came from a source. Throws a refusal; one older than the one held is `record`. */
export function acceptRecord(site: string, document: SignedBytes, root: HeldRoot, held?: HeldRecord): HeldRecord {
  const record = openRecord(document, site, root.root);
  if (held === undefined || record.number >= held.record.number) {
    return { record, document, root: root.root.document.number };
  }
  throw new AppError("record", `record ${record.number} is older than record ${held.record.number}, which is held`, {
    where: `sites/${site}.json`,
  });
}

/** An error that says what is wrong with the content; any other is thrown on. */
export function refusal(error: unknown): AppError {
  if (error instanceof AppError && error.code !== "unreachable" && error.code !== "internal") return error;
  throw error;
}
