import { type JsonObject, type KubeObject, kindOf, member, members } from "../live.ts";

/** The pod that an object runs, with the JSON pointer of its spec. */
export interface PodTemplate {
  path: string;
  spec: JsonObject;
  annotations: JsonObject;
}

const TEMPLATE_AT: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    Pod: [],
    PodTemplate: ["template"],
    ReplicationController: ["spec", "template"],
    "Deployment.apps": ["spec", "template"],
    "ReplicaSet.apps": ["spec", "template"],
    "StatefulSet.apps": ["spec", "template"],
    "DaemonSet.apps": ["spec", "template"],
    "Job.batch": ["spec", "template"],
    "CronJob.batch": ["spec", "jobTemplate", "spec", "template"],
  }),
);

/** null for kinds that run no pods by themselves. */
export function podTemplateOf(object: KubeObject): PodTemplate | null {
  const steps = TEMPLATE_AT.get(kindOf(object));
  if (steps === undefined) return null;
  let template: JsonObject = object;
  for (const step of steps) template = member(template, step);
  const path = [...steps, "spec"].map((step) => `/${step}`).join("");
  return { path, spec: member(template, "spec"), annotations: member(member(template, "metadata"), "annotations") };
}

/** Every container of a pod, of all three sorts, with its pointer below the pod's spec. */
export function containersOf(spec: JsonObject): { path: string; container: JsonObject }[] {
  return ["initContainers", "containers", "ephemeralContainers"].flatMap((key) =>
    members(spec, key).map((container, index) => ({ path: `/${key}/${index}`, container })),
  );
}
