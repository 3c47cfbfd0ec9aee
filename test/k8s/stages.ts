import { dump, loadAll } from "js-yaml";
import { z } from "zod";

/** Pods with this label never become ready: the sick version of the stories. The lab's kubelet reads the same label. */
export const STUCK_LABEL = "skerry.dev/test";
export const STUCK_VALUE = "stuck";

const Stage = z.looseObject({
  kind: z.literal("Stage"),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({ selector: z.looseObject({ matchExpressions: z.array(z.unknown()) }) }),
});

/**
 * kwok's stages (YAML documents) with pod-ready leaving out the stuck pods, which so stay scheduled and pending.
 * Throws a ZodError where a document is no stage, and an Error where no pod-ready is among them.
 */
export function leavingOutStuckPods(stages: string): string {
  const parsed = loadAll(stages).map((document) => Stage.parse(document));
  const ready = parsed.find((stage) => stage.metadata.name === "pod-ready");
  if (ready === undefined) throw new Error("kwok's stages have no pod-ready");
  const key = `.metadata.labels["${STUCK_LABEL}"]`;
  ready.spec.selector.matchExpressions.push({ key, operator: "NotIn", values: [STUCK_VALUE] });
  return parsed.map((stage) => dump(stage)).join("---\n");
}
