import type { Json } from "../../../shared/live.ts";
import { isMap } from "./schema.ts";

type Record = { [key: string]: Json };

/** Sets what is absent. */
export function fill(target: Record, values: Record): void {
  for (const [key, value] of Object.entries(values)) target[key] ??= structuredClone(value);
}

/** The map below a key; made where `make` says so. */
export function mapAt(target: Record, key: string): Record | null {
  const value = target[key];
  return isMap(value) ? value : null;
}

export function madeMap(target: Record, key: string): Record {
  const value = mapAt(target, key) ?? {};
  target[key] = value;
  return value;
}

export function mapsAt(target: Record, key: string): Record[] {
  const value = target[key];
  return Array.isArray(value) ? value.filter(isMap) : [];
}

/** Defaults of a pod template, in place. After kubernetes `pkg/apis/core/v1/defaults.go`. */
export function defaultPodSpec(spec: Record, restartPolicy = "Always"): void {
  fill(spec, {
    restartPolicy,
    dnsPolicy: "ClusterFirst",
    schedulerName: "default-scheduler",
    terminationGracePeriodSeconds: 30,
    securityContext: {},
  });
  const account = spec["serviceAccountName"];
  if (account !== undefined) spec["serviceAccount"] ??= account;
  for (const container of [...mapsAt(spec, "initContainers"), ...mapsAt(spec, "containers")])
    defaultContainer(container);
  for (const volume of mapsAt(spec, "volumes")) {
    for (const source of ["configMap", "secret", "downwardAPI", "projected"]) {
      const held = mapAt(volume, source);
      if (held !== null) fill(held, { defaultMode: 420 });
    }
    for (const source of mapsAt(mapAt(volume, "projected") ?? {}, "sources")) {
      const token = mapAt(source, "serviceAccountToken");
      if (token !== null) fill(token, { expirationSeconds: 3600 });
      for (const item of mapsAt(mapAt(source, "downwardAPI") ?? {}, "items")) defaultFieldRef(item);
    }
    for (const item of mapsAt(mapAt(volume, "downwardAPI") ?? {}, "items")) defaultFieldRef(item);
    const host = mapAt(volume, "hostPath");
    if (host !== null) fill(host, { type: "" });
  }
}

function defaultFieldRef(holder: Record): void {
  const ref = mapAt(holder, "fieldRef");
  if (ref !== null) fill(ref, { apiVersion: "v1" });
}

function defaultContainer(container: Record): void {
  fill(container, {
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: pullPolicy(String(container["image"] ?? "")),
    resources: {},
  });
  for (const port of mapsAt(container, "ports")) fill(port, { protocol: "TCP" });
  for (const variable of mapsAt(container, "env")) defaultFieldRef(mapAt(variable, "valueFrom") ?? {});
  const resources = mapAt(container, "resources") ?? {};
  const limits = mapAt(resources, "limits");
  if (limits !== null) fill(madeMap(resources, "requests"), limits);
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"]) {
    const probe = mapAt(container, name);
    if (probe === null) continue;
    fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
    defaultHandler(probe);
  }
  const lifecycle = mapAt(container, "lifecycle") ?? {};
  for (const hook of ["postStart", "preStop"]) defaultHandler(mapAt(lifecycle, hook) ?? {});
}

function defaultHandler(handler: Record): void {
  const get = mapAt(handler, "httpGet");
  if (get !== null) fill(get, { path: "/", scheme: "HTTP" });
  const grpc = mapAt(handler, "grpc");
  if (grpc !== null) fill(grpc, { service: "" });
}

function pullPolicy(image: string): string {
  if (image.includes("@")) return "IfNotPresent";
  const tag = /:([^/:]+)$/.exec(image)?.[1] ?? "latest";
  return tag === "latest" ? "Always" : "IfNotPresent";
}
