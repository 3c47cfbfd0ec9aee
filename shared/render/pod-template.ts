import type { Json, JsonObject, KubeObject } from "../live.ts";

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
  const group = object.apiVersion.includes("/") ? `.${object.apiVersion.split("/")[0] ?? ""}` : "";
  const steps = TEMPLATE_AT.get(`${object.kind}${group}`);
  if (steps === undefined) return null;
  let template: JsonObject = object;
  for (const step of steps) template = member(template, step);
  const path = [...steps, "spec"].map((step) => `/${step}`).join("");
  return { path, spec: member(template, "spec"), annotations: member(member(template, "metadata"), "annotations") };
}

/** A member that is an object, or an empty one where it is anything else. */
export function member(of: JsonObject, key: string): JsonObject {
  const value: Json | undefined = of[key];
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

/** Members of a list that are objects. */
export function members(of: JsonObject, key: string): JsonObject[] {
  const value: Json | undefined = of[key];
  if (!Array.isArray(value)) return [];
  return value.filter((item): item is JsonObject => typeof item === "object" && item !== null && !Array.isArray(item));
}

/** Every container of a pod, of all three sorts, with its pointer below the pod's spec. */
export function containersOf(spec: JsonObject): { path: string; container: JsonObject }[] {
  return ["initContainers", "containers", "ephemeralContainers"].flatMap((key) =>
    members(spec, key).map((container, index) => ({ path: `/${key}/${index}`, container })),
  );
}
