import { HEALTHY, type Verdict } from "../../shared/health.ts";
import { kindOf, nameOf } from "../../shared/live.ts";
import type { RenderedBundle } from "../../shared/render/render.ts";
import type { JobRecord } from "../cache/cache.ts";
import { failed } from "./status.ts";

/**
 * How Jobs are of which it is known without a look at the cluster: one that is done is deleted, and one that this move does not run is not there.
 * `run`: whether the move that led to `rendered` runs them.
 */
export function jobVerdicts(
  rendered: Pick<RenderedBundle, "objects" | "digest">,
  jobs: { run: boolean; records: readonly JobRecord[] },
): Map<string, Verdict> {
  const known = new Map<string, Verdict>();
  for (const { ref } of rendered.objects) {
    if (kindOf(ref) !== "Job.batch") continue;
    const name = nameOf(ref);
    const record = jobs.records.find(({ object, digest }) => digest === rendered.digest && nameOf(object) === name);
    if (record === undefined && !jobs.run) known.set(name, HEALTHY);
    if (record?.result === "complete") known.set(name, HEALTHY);
    if (record?.result === "failed") known.set(name, failed("has failed"));
  }
  return known;
}
