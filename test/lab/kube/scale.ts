import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import { mapAt } from "./defaults-pod.ts";
import { isMap } from "./schema.ts";
import { badRequest } from "./status.ts";

/** `autoscaling/v1` Scale of a workload. */
export function getScale(object: KubeObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const labels = mapAt(mapAt(mapAt(object, "spec") ?? {}, "selector") ?? {}, "matchLabels") ?? {};
  const selector = Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      name,
      namespace: namespace ?? "",
      uid: uid ?? "",
      resourceVersion: resourceVersion ?? "",
      creationTimestamp: creationTimestamp ?? null,
    },
    spec: { replicas: mapAt(object, "spec")?.["replicas"] ?? 0 },
    status: { replicas: mapAt(object, "status")?.["replicas"] ?? 0, selector: selector.toSorted().join(",") },
  };
}

/** The workload as a Scale wants it: nothing but `spec.replicas` changes. */
export function scaleChange(live: KubeObject, scale: Json): Json {
  const replicas = isMap(scale) ? mapAt(scale, "spec")?.["replicas"] : undefined;
  if (typeof replicas !== "number") throw badRequest("spec.replicas is no number");
  return { ...live, spec: { ...mapAt(live, "spec"), replicas } };
}
