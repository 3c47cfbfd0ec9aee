import { sorted } from "../canonical.ts";
import type { Values } from "../names.ts";
import { sha256Hex } from "../node/sha256.ts";

/** How values are named on the wire and on disk: the first 8 bytes of the SHA-256 of their canonical form; none are "". */
export function valuesHash(values: Values): string {
  return Object.keys(values).length === 0 ? "" : sha256Hex(sorted(values)).slice(0, 16);
}
