import * as z from "zod/mini";
import { rolloutFile } from "../../shared/rollout.ts";

/** For editors: `docs/rollout.schema.json`. What spans several keys is said by `skerry rollout plan` and the hub alone. */
export function rolloutJsonSchema(): object {
  return { ...z.toJSONSchema(rolloutFile, { target: "draft-7", io: "input" }), title: "Rollout/v1 of Skerry" };
}
