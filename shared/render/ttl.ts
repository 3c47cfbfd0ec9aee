import { type KubeObject, kindOf, member } from "../live.ts";

/**
 * A Job without `ttlSecondsAfterFinished`: a site deletes a Job by itself once how it ended is on record. One that the cluster deleted before
 * that might have run or not, and nobody could tell.
 */
export function withoutTtl(object: KubeObject): KubeObject {
  if (kindOf(object) !== "Job.batch") return object;
  const { ttlSecondsAfterFinished: ttl, ...spec } = member(object, "spec");
  return ttl === undefined ? object : { ...object, spec };
}
