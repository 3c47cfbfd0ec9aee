import { isMap, type Json, type JsonObject, type KubeObject, kindOf, member, members } from "../live.ts";
import { pointer } from "../parse.ts";
import { BUILT_IN } from "./merge-keys.ts";

/** The pod that an object runs, with the JSON pointer of its spec. */
export interface PodTemplate {
  path: string;
  spec: JsonObject;
  annotations: JsonObject;
  /** False for what looks like a part of a pod in a custom kind: what it leaves out may well be added to it. */
  isWhole: boolean;
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

/**
 * The pods of a built-in kind; of a custom one every object in it that has a list `containers`, since whoever made the kind may well make pods of
 * it. What a custom kind names otherwise (an image as plain text, a host path by another key) only its delegation can keep out.
 */
export function podTemplatesOf(object: KubeObject): PodTemplate[] {
  const steps = TEMPLATE_AT.get(kindOf(object));
  if (steps === undefined) return Object.hasOwn(BUILT_IN, object.apiVersion) ? [] : templatesIn(object, [], {});
  let template: JsonObject = object;
  for (const step of steps) template = member(template, step);
  const path = [...steps, "spec"].map((step) => `/${step}`).join("");
  const annotations = member(member(template, "metadata"), "annotations");
  return [{ path, spec: member(template, "spec"), annotations, isWhole: true }];
}

function templatesIn(value: Json, at: readonly PropertyKey[], above: JsonObject): PodTemplate[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => templatesIn(item, [...at, index], {}));
  if (!isMap(value)) return [];
  const below = Object.entries(value).flatMap(([key, item]) => templatesIn(item, [...at, key], value));
  if (!["containers", "initContainers", "ephemeralContainers"].some((key) => Array.isArray(value[key]))) return below;
  const annotations = member(member(above, "metadata"), "annotations");
  return [{ path: pointer(at), spec: value, annotations, isWhole: false }, ...below];
}

/** Every container of a pod, of all three sorts, with its pointer below the pod's spec. */
export function containersOf(spec: JsonObject): { path: string; container: JsonObject }[] {
  return ["initContainers", "containers", "ephemeralContainers"].flatMap((key) =>
    members(spec, key).map((container, index) => ({ path: `/${key}/${index}`, container })),
  );
}
