import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { KUBE_CLASSES, type KubeClass } from "../../../agent/apply/kube.ts";
import { type Answer, classify, TABLE } from "../../../agent/apply/rest-errors.ts";

/** What Kubernetes 1.36.3 answered, byte for byte (`test/k8s/record-kube-errors.ts`). Values that must not be passed on hold the word `hunter2`. */
const recorded = JSON.parse(
  readFileSync(new URL("../../golden/kube-errors/answers.json", import.meta.url), "utf8"),
) as Record<string, Omit<Answer, "retryAfter"> & { retryAfter?: number }>;

const MEANING: Record<string, [KubeClass, string[]]> = {
  "unknown field": ["manifest", ['.spec.template.spec.containers[name="main"].imagePullPolice']],
  "two unknown fields": ["manifest", ['.spec.template.spec.containers[name="main"].foo']],
  "wrong type": ["manifest", [".data.pin"]],
  "duplicate list key": ["manifest", ['.spec.template.spec.containers[name="main"].env']],
  "bad quantity": ["manifest", []],
  "bad base64": ["manifest", []],
  "bad YAML": ["manifest", []],
  "name mismatch": ["manifest", []],
  "kind mismatch": ["manifest", []],
  "namespace mismatch": ["manifest", []],
  "no apiVersion": ["manifest", []],
  "managedFields given": ["manifest", []],
  "namespace missing": ["missing-namespace", []],
  "group missing": ["wait", []],
  "kind missing": ["missing-kind", []],
  "object missing": ["wait", []],
  RBAC: ["forbidden", []],
  "RBAC, cluster": ["forbidden", []],
  "RBAC, path": ["forbidden", []],
  "bad token": ["forbidden", []],
  "granting more than held": ["forbidden", []],
  quota: ["quota", []],
  "quota, limit not given": ["policy", []],
  "Pod Security": ["policy", []],
  LimitRange: ["policy", []],
  conflict: ["conflict", [".data.a", ".data.b"]],
  "stale resourceVersion": ["conflict", []],
  "DELETE, wrong UID": ["conflict", []],
  "apply, wrong UID": ["conflict", ["metadata.uid"]],
  "apply, UID of an absent object": ["conflict", []],
  "immutable, Deployment selector": ["immutable", ["spec.selector"]],
  "immutable beside invalid": ["manifest", ["spec.replicas", "spec.selector"]],
  "immutable, Service clusterIP": ["immutable", ["spec.clusterIPs[0]"]],
  "immutable, Job template": ["immutable", ["spec.template"]],
  "immutable, suspended Job template": ["immutable", ["spec.template.spec"]],
  "immutable, StatefulSet": ["immutable", ["spec"]],
  "immutable, DaemonSet selector": ["immutable", ["spec.selector"]],
  "immutable, ConfigMap": ["immutable", ["data"]],
  "immutable, Secret type": ["immutable", ["type"]],
  "immutable, immutable Secret": ["immutable", ["data"]],
  "immutable, PersistentVolumeClaim": ["immutable", ["spec"]],
  "immutable, RoleBinding roleRef": ["immutable", ["roleRef"]],
  "immutable, StorageClass": ["immutable", ["provisioner"]],
  "immutable, PriorityClass": ["immutable", ["value"]],
  "immutable, Pod": ["immutable", ["spec"]],
  ValidatingAdmissionPolicy: ["policy", []],
  "ValidatingAdmissionPolicy, Forbidden": ["policy", []],
  "webhook down": ["wait", []],
  "name invalid": ["manifest", ["metadata.name"]],
  "required field missing": [
    "manifest",
    ["spec.selector", "spec.template.metadata.labels", "spec.template.spec.containers"],
  ],
  "ConfigMap over 1 MiB": ["manifest", []],
  "body over 3 MiB": ["manifest", []],
  "etcd too large": ["manifest", []],
  "list, resourceVersion too large": ["expired", []],
  "method not allowed": ["missing-kind", []],
  "no apply patch": ["manifest", []],
  "nodePort taken": ["manifest", ["spec.ports[0].nodePort"]],
  "fresh definition": ["wait", []],
  "webhook, slow": ["wait", []],
  "webhook, its Service missing": ["wait", []],
  "webhook with side effects, in a dry run": ["no-dry-run", []],
  "conversion webhook down": ["wait", []],
  "media type": ["manifest", []],
  "JSON patch, its test fails": ["manifest", []],
  "etcd, larger than its request": ["manifest", []],
  "watch, expired": ["expired", []],
  throttled: ["throttled", []],
  "custom resource, unknown field": ["manifest", [".spec.sice"]],
  "custom resource, wrong type": ["manifest", [".spec.size"]],
  "custom resource, its own rule": ["manifest", ["spec.size"]],
  "immutable, CRD scope": ["immutable", ["spec.scope"]],
  "definition terminating": ["terminating", []],
  "just started, paths not installed": ["server", []],
  "just started, roles not read": ["forbidden", []],
  "namespace terminating": ["terminating", ["metadata.namespace"]],
};

function status(code: number, rest: object): Answer {
  const body = JSON.stringify({ kind: "Status", apiVersion: "v1", code, ...rest });
  return { status: code, contentType: "application/json", retryAfter: undefined, body };
}

describe("recorded answers", () => {
  test("each has a meaning here", () =>
    expect(Object.keys(recorded).toSorted()).toEqual(Object.keys(MEANING).toSorted()));

  test.each(Object.entries(MEANING))("%s", (name, [kubeClass, fields]) => {
    const error = classify({ retryAfter: undefined, ...recorded[name] } as Answer, "v1 ConfigMap golden/a");
    expect({ class: error.kubeClass, fields: error.fields }).toEqual({ class: kubeClass, fields });
    expect(error.status).toBe(recorded[name]?.status);
    expect(JSON.stringify({ ...error, message: error.message, cause: error.cause })).not.toMatch(/hunter2|aGh1bnRlcjI/);
  });
});

describe("answers that are hard to provoke", () => {
  const immutable = (message: string, field = "spec.selector") => ({
    message: "",
    reason: "Invalid",
    details: { causes: [{ reason: "FieldValueInvalid", message, field }] },
  });

  test.each<[string, Answer, KubeClass]>([
    ["a store without a leader", status(500, { message: "etcdserver: request timed out" }), "server"],
    ["a store out of reach", status(500, { message: "rpc error: code = Unavailable desc = no leader" }), "server"],
    ["a webhook that says no", status(400, { message: 'admission webhook "a.b" denied the request: no' }), "policy"],
    [
      "two writers on one quota",
      status(409, { reason: "Conflict", message: "the object has been modified", details: { kind: "resourcequotas" } }),
      "wait",
    ],
    [
      "throttled by the API",
      status(429, { reason: "TooManyRequests", details: { retryAfterSeconds: 5 } }),
      "throttled",
    ],
    ["an unavailable server", status(503, { reason: "ServiceUnavailable" }), "server"],
    [
      "an admission plugin that has not read its objects",
      status(403, { reason: "Forbidden", message: 'pods "a" is forbidden: not yet ready to handle request' }),
      "wait",
    ],
    [
      "a Status that is none",
      { status: 500, contentType: "application/json", retryAfter: undefined, body: "[1" },
      "server",
    ],
    ["a page of a proxy", { status: 502, contentType: "text/html", retryAfter: undefined, body: "<html>" }, "server"],
    [
      "words of immutability inside a value",
      status(422, immutable('Invalid value: ": field is immutable": bad')),
      "manifest",
    ],
    ["no causes at all", status(422, { reason: "Invalid", message: "field is immutable" }), "manifest"],
  ])("%s", (_, answer, kubeClass) => {
    expect(classify(answer, "x").kubeClass).toBe(kubeClass);
  });

  test("the Retry-After of the header counts, else that of the details", () => {
    const answer = status(429, { details: { retryAfterSeconds: 5 } });
    expect(classify(answer, "x").retryAfter).toBe(5);
    expect(classify({ ...answer, retryAfter: 2 }, "x").retryAfter).toBe(2);
    expect(classify({ ...answer, retryAfter: 604_800 }, "x").retryAfter).toBe(300);
  });

  test("a thousand causes leave a short error", () => {
    const causes = Array.from({ length: 1000 }, (_, n) => ({ reason: "x", message: "bad", field: `spec.f${n}` }));
    const error = classify(status(422, { reason: "Invalid", details: { causes } }), "x");
    expect(error.fields).toHaveLength(16);
    expect(error.message.length).toBeLessThan(200);
  });
});

test("the recording has every class but one", () => {
  const seen = new Set(Object.values(MEANING).map(([kubeClass]) => kubeClass));
  const unseen = KUBE_CLASSES.filter((each) => !seen.has(each));
  expect(unseen).toEqual(["unreachable"]);
});

test("each row of the table is what a recorded answer means, but for those that no server gives at will", () => {
  const said = Object.values(recorded).map((answer) => classify({ retryAfter: undefined, ...answer }, "x").message);
  const unsaid = TABLE.filter(({ words }) => !said.some((each) => each.startsWith(words)));
  expect(unsaid.map(({ status, class: kubeClass }) => `${status} ${kubeClass}`)).toEqual(["403 wait", "409 wait"]);
});
