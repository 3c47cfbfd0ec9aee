import { type LiveView, nameOf, type ObjectRef, unseenBecause } from "../../shared/live.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { InventoryRow } from "../cache/cache.ts";

/**
 * Hash of all that a rehearsal compares with and that is watched: what lives of these objects, and what we last made of them. null where
 * some of it is not seen, as after a start.
 */
export function basisOf(
  wanted: readonly ObjectRef[],
  inventory: readonly InventoryRow[],
  live: LiveView,
): string | null {
  const rows = new Map(inventory.map((row) => [nameOf(row.object), row]));
  if (inventory.some(({ object }) => unseenBecause(live, object) !== undefined)) return null;
  const names = [...new Set([...rows.keys(), ...wanted.map(nameOf)])].toSorted();
  const lines = names.map((name) => {
    const [row, seen] = [rows.get(name), live.objects.get(name)];
    return [name, row?.desired, row?.state, seen?.uid, seen?.fields, seen?.live, seen?.bundle, seen?.deleting].join(
      "\t",
    );
  });
  return sha256Hex(lines.join("\n"));
}

/** Whether an object is just as it was last applied, for this very text: an apply of it would not be sent. */
export function isSettled(
  { ref, hash }: { ref: ObjectRef; hash: string },
  row: InventoryRow | undefined,
  live: LiveView,
): boolean {
  const seen = live.objects.get(nameOf(ref));
  return (
    row?.desired === hash &&
    row.state === "applied" &&
    seen?.uid === row.uid &&
    seen.fields === row.fields &&
    seen.live === row.live &&
    !seen.deleting &&
    unseenBecause(live, ref) === undefined
  );
}
