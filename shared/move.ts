import * as z from "zod/mini";
import { name, number, sha256 } from "./names.ts";

/** `skerry-move@v1`, role `move`: with that role in the root, the hub takes no rollout file without it. */

export const MOVE_NAMESPACE = "skerry-move@v1";
export const MOVE_MAX_BYTES = 16 * 1024;

export const move = z.strictObject({
  fleet: name,
  /** Of the rollout: `rollouts/<name>.yaml`. */
  name,
  /** Rises with every change of the file; an older one is never taken again. */
  number,
  /** Of the exact bytes of the file. */
  sha256,
});

export type Move = z.infer<typeof move>;
