import { AppError } from "../../shared/errors.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { followChain, type HeldRoot } from "../../shared/verify/chain.ts";
import { notOlder, openRecord } from "../../shared/verify/record.ts";
import type { HeldRecord } from "./followed.ts";

/** `held` and what follows from it, one by one, up to the first that does not; with why it does not. */
export function extendRoots(
  held: readonly HeldRoot[],
  documents: readonly SignedBytes[],
  digest: string,
): { roots: readonly HeldRoot[]; refused: AppError | null } {
  const chain = new Map(held.map(({ root }) => [root.document.number, root]));
  const { taken, refused } = followChain(chain, documents, digest);
  return { roots: [...held, ...taken], refused };
}

/** The documents among files, with the signatures `<path>.<key>.sig` that stand beside them, by path. */
export function signedDocuments(
  files: readonly { path: string; bytes: Uint8Array }[],
): ReadonlyMap<string, SignedBytes> {
  const documents = new Map<string, { body: Uint8Array; signatures: Map<string, string> }>();
  for (const { path, bytes } of files) {
    if (path.endsWith(".json")) documents.set(path, { body: bytes, signatures: new Map() });
  }
  for (const { path, bytes } of files) {
    const [, document = "", key = ""] = /^(.+\.json)\.([^/.]+)\.sig$/.exec(path) ?? [];
    documents.get(document)?.signatures.set(key, Buffer.from(bytes).toString("latin1"));
  }
  return documents;
}

/** Site of a record's path; null for any other file. */
export function siteOf(path: string): string | null {
  return /^sites\/([^/]+)\.json$/.exec(path)?.[1] ?? null;
}

/** A record as it came from a source. Throws a refusal; one that is older than the one held is `record`. */
export function acceptRecord(site: string, document: SignedBytes, root: HeldRoot, held?: HeldRecord): HeldRecord {
  const record = openRecord(document, site, root.root);
  // Also one that does not hold any more: the site, which has seen it, goes by the same number.
  notOlder(record, held?.record ?? null, `sites/${site}.json`);
  return { record, document, root: root.root.document.number, left: null };
}

/** A held record as the newest root looks at it: it stays held, whatever that root says. */
export function judged(site: string, held: HeldRecord, newest: HeldRoot): HeldRecord {
  const { number } = newest.root.document;
  if (held.root === number || held.left?.root === number) return held;
  try {
    return acceptRecord(site, held.document, newest);
  } catch (error) {
    return { ...held, left: { root: number, error: refusal(error) } };
  }
}

/** An error that says what is wrong with the content; any other is thrown on. */
export function refusal(error: unknown): AppError {
  if (error instanceof AppError && error.code !== "unreachable" && error.code !== "internal") return error;
  throw error;
}
