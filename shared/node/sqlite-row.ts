import type { SignedBytes } from "../ports.ts";

/** How rows are written and read, the same at the agent and at the hub. */

/**
 * `INSERT ... ON CONFLICT` for a row of `keys` and `rest`, bound in that order. Identical content changes nothing, so that
 * saying the same thing again costs no disk write.
 */
export function upsert(table: string, keys: readonly string[], rest: readonly string[]): string {
  const columns = [...keys, ...rest];
  const theirs = rest.map((column) => `excluded.${column}`).join(", ");
  const ours = rest.map((column) => `${table}.${column}`).join(", ");
  return (
    `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")}) ` +
    `ON CONFLICT (${keys.join(", ")}) DO UPDATE SET (${rest.join(", ")}) = (${theirs}) WHERE (${ours}) IS NOT (${theirs})`
  );
}

/** Columns of a document and its detached signatures: `[[key name, text], ...]`, sorted, so that equal is equal. */
export interface SignedRow {
  body: Buffer;
  signatures: string;
}

export function signedColumns(document: SignedBytes): [Uint8Array, string] {
  return [document.body, JSON.stringify([...document.signatures].toSorted(([a], [b]) => (a < b ? -1 : 1)))];
}

export function signedOf(row: SignedRow): SignedBytes {
  return { body: bytesOf(row.body), signatures: new Map<string, string>(JSON.parse(row.signatures)) };
}

/** A Buffer compares unlike the plain array that was stored. */
export function bytesOf(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
