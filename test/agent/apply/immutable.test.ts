import { expect, it } from "vitest";
import { isImmutable } from "../../../agent/apply/immutable.ts";

const FIXED = 'Invalid value: {"a":"b"}: field is immutable';

it.each<[string, string, string, boolean]>([
  ["Deployment.apps", "spec.selector", FIXED, true],
  ["Deployment.apps", "spec.replicas", FIXED, false],
  ["Deployment.apps", "metadata.uid", FIXED, false],
  ["Deployment.apps", "spec.selector", 'Invalid value: "field is immutable": must match', false],
  ["Job.batch", "spec.template", FIXED, true],
  ["Job.batch", "spec.template.spec", FIXED, true],
  ["Job.batch", "spec.parallelism", FIXED, false],
  ["Service", "spec.clusterIPs[0]", 'Invalid value: ["None"]: may not change once set', true],
  ["Service", "spec.ports[0].nodePort", "Invalid value: 1: may not change once set", false],
  ["Secret", "type", 'Invalid value: "x": field is immutable', true],
  ["Secret", "data", "Forbidden: field is immutable when `immutable` is set", true],
  ["ConfigMap", "data", "Forbidden: field is immutable when `immutable` is set", true],
  ["ConfigMap", "type", FIXED, false],
  ["RoleBinding.rbac.authorization.k8s.io", "roleRef", "Invalid value: {}: cannot change roleRef", true],
  ["PriorityClass.scheduling.k8s.io", "value", "Forbidden: may not be changed in an update.", true],
  [
    "StatefulSet.apps",
    "spec",
    "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
    true,
  ],
  ["PersistentVolumeClaim", "spec", "Forbidden: spec is immutable after creation except resources.requests", true],
  ["Till.example.com", "spec.size", FIXED, false],
  ["constructor", "spec", FIXED, false],
])("%s %s: %s: %s", (kind, field, message, expected) => {
  expect(isImmutable(kind, { field, message })).toBe(expected);
});
