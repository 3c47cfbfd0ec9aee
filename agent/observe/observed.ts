import type { Verdict } from "../../shared/health.ts";
import { HEALTHY } from "../../shared/health.ts";
import {
  FIELD_MANAGER,
  type KubeObject,
  type LiveView,
  nameOf,
  type ObjectRef,
  type Observed,
  refOf,
} from "../../shared/live.ts";
import { BUNDLE_LABEL, type RenderedBundle } from "../../shared/render/render.ts";
import { fingerprint } from "./fingerprint.ts";
import { healthOf } from "./health.ts";

export function observe(object: KubeObject): Observed {
  const labels = object.metadata["labels"];
  const label =
    typeof labels === "object" && labels !== null && !Array.isArray(labels) ? labels[BUNDLE_LABEL] : undefined;
  return {
    ref: refOf(object),
    uid: String(object.metadata["uid"] ?? ""),
    resourceVersion: String(object.metadata["resourceVersion"] ?? ""),
    ...fingerprint(object, FIELD_MANAGER),
    verdict: healthOf(object),
    deleting: object.metadata["deletionTimestamp"] !== undefined,
    bundle: typeof label === "string" ? label : "",
  };
}

/** How a bundle is as a whole. Objects that are not there, or not seen, are not healthy. */
export interface Summary {
  total: number;
  healthy: number;
  verdict: Verdict;
}

export function summarise(rendered: RenderedBundle, live: LiveView): Summary {
  let healthy = 0;
  let progressing: Verdict | undefined;
  let failed: Verdict | undefined;
  for (const { ref } of rendered.objects) {
    const verdict = verdictOf(ref, live);
    if (verdict.health === "healthy") healthy += 1;
    else if (verdict.health === "failed") failed ??= { health: "failed", because: `${nameOf(ref)} ${verdict.because}` };
    else progressing ??= { health: "progressing", because: `${nameOf(ref)} ${verdict.because}` };
  }
  return { total: rendered.objects.length, healthy, verdict: failed ?? progressing ?? HEALTHY };
}

function verdictOf(ref: ObjectRef, live: LiveView): Verdict {
  const unseen = live.unseen.get(`${ref.apiVersion} ${ref.kind}`);
  if (unseen !== undefined) return { health: "progressing", because: `cannot be seen: ${unseen}` };
  return live.objects.get(nameOf(ref))?.verdict ?? { health: "progressing", because: "is not there" };
}
