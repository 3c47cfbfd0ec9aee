import { isDeepStrictEqual } from "node:util";
import type { Json, KubeObject } from "../../../shared/live.ts";
import { mapAt, mapsAt } from "./defaults-pod.ts";
import { type Kind, resourceOf } from "./kinds.ts";
import { isMap } from "./schema.ts";
import { labelsOf } from "./selectors.ts";
import type { FieldFault } from "./status.ts";

type Record = { [key: string]: Json };

const MEBIBYTE = 1024 * 1024;
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
/** Kinds whose names are only path segments: `system:node` is one. */
const FREE_NAMES = /\.rbac\.authorization\.k8s\.io$/;

/** What Kubernetes's validation would refuse with 422; only the rules that Skerry's engine meets. */
export function validate(kind: Kind, object: KubeObject): FieldFault[] {
  const faults: FieldFault[] = [];
  const name = object.metadata.name;
  if (!FREE_NAMES.test(resourceOf(kind)) && (!NAME.test(name) || name.length > 253)) {
    const words =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
      "and must start and end with an alphanumeric character";
    faults.push({ type: "Invalid", field: "metadata.name", value: name, words });
  }
  const spec = mapAt(object, "spec") ?? {};
  RULES[resourceOf(kind)]?.(faults, spec, object);
  return faults;
}

type Rule = (faults: FieldFault[], spec: Record, object: KubeObject) => void;

const RULES: { [resource: string]: Rule } = {
  configmaps: (faults, _spec, object) => {
    checkSize(faults, [mapAt(object, "data"), mapAt(object, "binaryData")], "[]");
  },
  secrets: (faults, _spec, object) => {
    checkSize(faults, [mapAt(object, "data")], "data");
  },
  services: checkServicePorts,
  pods: (faults, spec) => {
    checkPodSpec(faults, spec, "spec");
  },
  "deployments.apps": checkWorkload,
  "replicasets.apps": checkWorkload,
  "statefulsets.apps": checkWorkload,
  "daemonsets.apps": checkWorkload,
  "jobs.batch": (faults, spec) => {
    const template = mapAt(mapAt(spec, "template") ?? {}, "spec") ?? {};
    if (template["restartPolicy"] === "Always") {
      const words = 'supported values: "OnFailure", "Never"';
      faults.push({ type: "Unsupported", field: "spec.template.spec.restartPolicy", value: "Always", words });
    }
    checkPodSpec(faults, template, "spec.template.spec");
  },
};

function checkSize(faults: FieldFault[], maps: (Record | null)[], field: string): void {
  let size = 0;
  for (const map of maps) for (const value of Object.values(map ?? {})) size += Buffer.byteLength(String(value));
  if (size > MEBIBYTE) faults.push({ type: "TooLong", field, words: `may not be more than ${MEBIBYTE} bytes` });
}

function checkServicePorts(faults: FieldFault[], spec: Record): void {
  const ports = mapsAt(spec, "ports");
  const names = new Set<Json>();
  for (const [index, port] of ports.entries()) {
    const field = `spec.ports[${index}].name`;
    const name = port["name"];
    if (ports.length > 1 && name === undefined) faults.push({ type: "Required", field, words: "" });
    if (name !== undefined && names.has(name)) faults.push({ type: "Duplicate", field, value: name, words: "" });
    if (name !== undefined) names.add(name);
  }
}

function checkWorkload(faults: FieldFault[], spec: Record): void {
  const selector = mapAt(spec, "selector");
  const template = mapAt(spec, "template") ?? {};
  const metadata = mapAt(template, "metadata") ?? {};
  const replicas = spec["replicas"];
  if (typeof replicas === "number" && replicas < 0) {
    const words = "must be greater than or equal to 0";
    faults.push({ type: "Invalid", field: "spec.replicas", value: replicas, words });
  }
  if (selector === null) faults.push({ type: "Required", field: "spec.selector", words: "" });
  const wanted = Object.entries(mapAt(selector ?? {}, "matchLabels") ?? {});
  const labels = labelsOf({ apiVersion: "v1", kind: "Pod", metadata: { name: "", ...metadata } });
  if (wanted.some(([key, value]) => labels[key] !== value)) {
    const words = "`selector` does not match template `labels`";
    faults.push({ type: "Invalid", field: "spec.template.metadata.labels", value: labels, words });
  }
  checkPodSpec(faults, mapAt(template, "spec") ?? {}, "spec.template.spec");
}

function checkPodSpec(faults: FieldFault[], spec: Record, field: string): void {
  const containers = mapsAt(spec, "containers");
  if (containers.length === 0) faults.push({ type: "Required", field: `${field}.containers`, words: "" });
  for (const [index, container] of containers.entries()) {
    const here = `${field}.containers[${index}]`;
    if (container["image"] === undefined) faults.push({ type: "Required", field: `${here}.image`, words: "" });
    for (const [n, variable] of mapsAt(container, "env").entries()) {
      const both = variable["valueFrom"] !== undefined && (variable["value"] ?? "") !== "";
      const words = "may not be specified when `value` is not empty";
      if (both) faults.push({ type: "Invalid", field: `${here}.env[${n}].valueFrom`, value: "", words });
    }
    for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"]) {
      const held = Object.keys(mapAt(container, probe) ?? {});
      const handlers = ["exec", "httpGet", "tcpSocket", "grpc"].filter((handler) => held.includes(handler));
      const second = handlers[1];
      const words = "may not specify more than 1 handler type";
      if (second !== undefined) faults.push({ type: "Forbidden", field: `${here}.${probe}.${second}`, words });
    }
  }
  for (const [index, volume] of mapsAt(spec, "volumes").entries()) {
    const second = Object.keys(volume).filter((key) => key !== "name" && isMap(volume[key]))[1];
    const words = "may not specify more than 1 volume type";
    if (second !== undefined) faults.push({ type: "Forbidden", field: `${field}.volumes[${index}].${second}`, words });
  }
}

export function isSame(a: Json | undefined, b: Json | undefined): boolean {
  return isDeepStrictEqual(a ?? null, b ?? null);
}
