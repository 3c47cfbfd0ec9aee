import * as z from "zod/mini";
import { name, number, pair, time } from "./names.ts";

/** `skerry-head@v1`, signed daily by the role `head`: what is newest, so that a site can tell "nothing new" from "kept from me". */

export const HEAD_NAMESPACE = "skerry-head@v1";
export const HEAD_MAX_BYTES = 256 * 1024;

export const fleetHead = z.strictObject({
  fleet: name,
  number,
  createdAt: time,
  /** Number of the newest root. */
  root: number,
  /** Highest pair by bundle. */
  newest: z.record(name, pair),
});

export type FleetHead = z.infer<typeof fleetHead>;
