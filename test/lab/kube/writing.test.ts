import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../../shared/live.ts";
import { at, Client, CONFIG_MAPS, configMap, DEPLOYMENTS, startClient, workload } from "./client.ts";

let client: Client;
beforeAll(async () => {
  client = await startClient({
    users: { limited: "limited" },
    forbid: [{ user: "limited", verb: "create", resource: "configmaps", namespace: "default" }],
  });
});
afterAll(() => client.cluster.stop());

interface Entry {
  manager: string;
  operation: string;
  subresource?: string;
  time: string;
  fieldsV1: JsonObject;
}

function managers(body: unknown): Entry[] {
  return (at(body, "metadata", "managedFields") ?? []) as Entry[];
}

test("a conflict is worded as Kubernetes words it, by manager", async () => {
  const path = `${CONFIG_MAPS}/words`;
  await client.apply(path, configMap("words", { a: "1", b: "1" }));
  const { code, body } = await client.apply(path, configMap("words", { a: "2", b: "2" }), "theirs", "");
  expect(code).toBe(409);
  expect(body["message"]).toBe('Apply failed with 2 conflicts: conflicts with "ours":\n- .data.a\n- .data.b');
  const one = await client.apply(path, configMap("words", { a: "2" }), "theirs", "");
  expect(one.body["message"]).toBe('Apply failed with 1 conflict: conflict with "ours": .data.a');
});

test("applying the same again leaves resourceVersion and the times of managedFields", async () => {
  const path = `${CONFIG_MAPS}/noop`;
  const first = await client.apply(path, configMap("noop", { a: "1" }));
  expect(first.code).toBe(201);
  const again = await client.apply(path, configMap("noop", { a: "1" }));
  expect(again.code).toBe(200);
  expect(again.body).toEqual(first.body);
});

test("an edit by a merge patch takes the field; the next forced apply takes it back", async () => {
  const path = `${CONFIG_MAPS}/edited`;
  await client.apply(path, configMap("edited", { a: "1", b: "1" }));
  const edited = await client.patch(path, "merge-patch+json", { data: { a: "2" } }, "?fieldManager=editor");
  expect(managers(edited.body).map(({ manager, operation, fieldsV1 }) => [manager, operation, fieldsV1])).toEqual([
    ["ours", "Apply", { "f:data": { "f:b": {} } }],
    ["editor", "Update", { "f:data": { "f:a": {} } }],
  ]);
  const conflict = await client.apply(path, configMap("edited", { a: "1", b: "1" }), "ours", "");
  expect(at(conflict.body, "details", "causes", 0, "message")).toMatch(/^conflict with "editor" using v1$/);
  const back = await client.apply(path, configMap("edited", { a: "1", b: "1" }));
  expect(managers(back.body).map(({ manager }) => manager)).toEqual(["ours"]);
  expect(back.body["data"]).toEqual({ a: "1", b: "1" });
});

test("managedFields can be united by a merge patch, and what they then own can be removed", async () => {
  const path = `${CONFIG_MAPS}/adopted`;
  await client.send("POST", `${CONFIG_MAPS}?fieldManager=kubectl-create`, configMap("adopted", { a: "1", b: "1" }));
  const entry = { manager: "ours", operation: "Apply", apiVersion: "v1", fieldsType: "FieldsV1" };
  const fieldsV1 = { "f:data": { ".": {}, "f:a": {}, "f:b": {} } };
  const patch = { metadata: { managedFields: [{ ...entry, time: "2026-01-01T00:00:00Z", fieldsV1 }] } };
  const united = await client.patch(path, "merge-patch+json", patch);
  expect(managers(united.body)).toEqual(patch.metadata.managedFields);
  const { body } = await client.apply(path, configMap("adopted", { a: "1" }));
  expect(body["data"]).toEqual({ a: "1" });
});

test("managedFields of one empty entry clear them; none at all keeps them", async () => {
  const path = `${CONFIG_MAPS}/cleared`;
  await client.apply(path, configMap("cleared", { a: "1" }));
  const kept = await client.patch(path, "merge-patch+json", { metadata: { managedFields: [] } });
  expect(managers(kept.body)).toHaveLength(1);
  const cleared = await client.patch(path, "merge-patch+json", { metadata: { managedFields: [{}] } });
  expect(managers(cleared.body)).toEqual([]);
});

test("status belongs to its subresource, and the spec is not written there", async () => {
  const path = `${DEPLOYMENTS}/split`;
  await client.apply(path, workload("Deployment", "split", { replicas: 0 }));
  const main = await client.apply(path, {
    ...workload("Deployment", "split", { replicas: 0 }),
    status: { replicas: 9 },
  });
  expect(at(main.body, "status", "replicas")).toBeUndefined();
  const status = { status: { collisionCount: 3 }, spec: { replicas: 7 } };
  const { body } = await client.patch(`${path}/status`, "merge-patch+json", status, "?fieldManager=prober");
  expect([at(body, "spec", "replicas"), at(body, "status", "collisionCount")]).toEqual([0, 3]);
  const entry = managers(body).find(({ manager }) => manager === "prober");
  expect(entry).toMatchObject({ subresource: "status", fieldsV1: { "f:status": { "f:collisionCount": {} } } });
});

test("replicas set through /scale are the scaler's", async () => {
  const path = `${DEPLOYMENTS}/scaled`;
  await client.apply(path, workload("Deployment", "scaled", { replicas: 1 }));
  const scale = await client.patch(`${path}/scale`, "merge-patch+json", { spec: { replicas: 2 } }, "?fieldManager=hpa");
  expect(scale.body).toMatchObject({ kind: "Scale", spec: { replicas: 2 } });
  const { code, body } = await client.apply(path, workload("Deployment", "scaled", { replicas: 1 }), "ours", "");
  expect(code).toBe(409);
  expect(at(body, "details", "causes", 0)).toEqual({
    reason: "FieldManagerConflict",
    message: 'conflict with "hpa" with subresource "scale" using apps/v1',
    field: ".spec.replicas",
  });
});

test("defaults and what Go leaves out are silent: the same apply is a no-op", async () => {
  const path = `${DEPLOYMENTS}/silent`;
  const container = {
    name: "main",
    image: "registry.example/main:1",
    env: [{ name: "EMPTY", value: "" }],
    resources: { limits: { cpu: "1000m" } },
  };
  const template = {
    metadata: { creationTimestamp: null, labels: { app: "silent" } },
    spec: { containers: [container] },
  };
  const wanted = workload("Deployment", "silent", { replicas: 0, paused: true, template });
  const first = await client.apply(path, wanted);
  const live = at(first.body, "spec", "template", "spec", "containers", 0);
  expect(at(live, "env")).toEqual([{ name: "EMPTY" }]);
  expect(at(live, "resources")).toEqual({ limits: { cpu: "1" }, requests: { cpu: "1" } });
  expect(at(live, "imagePullPolicy")).toBe("IfNotPresent");
  const generation = at((await client.apply(path, wanted)).body, "metadata", "generation");
  expect(generation).toBe(1);
});

test("a port whose number somebody changes cannot be healed by an apply: two of one name", async () => {
  const path = "/api/v1/namespaces/default/services/door";
  const wanted = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "door" },
    spec: { ports: [{ name: "http", port: 80 }] },
  };
  const first = await client.apply(path, wanted);
  expect(at(first.body, "spec", "clusterIP")).toMatch(/^10\.96\./);
  const op = { op: "replace", path: "/spec/ports/0/port", value: 81 };
  expect((await client.patch(path, "json-patch+json", [op])).code).toBe(200);
  const { code, body } = await client.apply(path, wanted);
  expect([code, at(body, "details", "causes", 0, "field")]).toEqual([422, "spec.ports[1].name"]);
});

test("a JSON patch whose test fails changes nothing", async () => {
  const path = `${CONFIG_MAPS}/tested`;
  const { body } = await client.apply(path, configMap("tested", { a: "1" }));
  const operations = [
    { op: "test", path: "/data/a", value: "other" },
    { op: "remove", path: "/data/a" },
  ];
  const failed = await client.patch(path, "json-patch+json", operations);
  expect([failed.code, failed.body["reason"]]).toEqual([422, "Invalid"]);
  expect((await client.get(path)).body).toEqual(body);
});

test("a strategic merge merges lists by key; a directive it does not know is refused", async () => {
  const path = `${DEPLOYMENTS}/strategic`;
  await client.apply(path, workload("Deployment", "strategic", { replicas: 0 }));
  const containers = [{ name: "main", image: "registry.example/main:2" }];
  const patch = { spec: { template: { spec: { containers } } } };
  const { body } = await client.patch(path, "strategic-merge-patch+json", patch);
  expect(at(body, "spec", "template", "spec", "containers")).toHaveLength(1);
  expect(at(body, "spec", "template", "spec", "containers", 0, "image")).toBe("registry.example/main:2");
  const odd = await client.patch(path, "strategic-merge-patch+json", { spec: { $patch: "merge" } });
  expect([odd.code, odd.body["reason"]]).toEqual([501, "NotImplemented"]);
});

test("PUT of a stale object is a conflict, of the current one replaces it", async () => {
  const path = `${CONFIG_MAPS}/put`;
  const first = await client.apply(path, configMap("put", { a: "1" }));
  const next = { ...first.body, data: { b: "2" } };
  const second = await client.send("PUT", path, next);
  expect([second.code, second.body["data"]]).toEqual([200, { b: "2" }]);
  expect((await client.send("PUT", path, next)).code).toBe(409);
});

test("a dry run of a create says what would be, and nothing is", async () => {
  const before = client.cluster.state().resourceVersion;
  const dry = await client.send("POST", `${CONFIG_MAPS}?dryRun=All`, configMap("dry", {}));
  expect(dry.code).toBe(201);
  expect((await client.get(`${CONFIG_MAPS}/dry`)).code).toBe(404);
  expect(client.cluster.state().resourceVersion).toBe(before);
});

test("unknown fields: 500 in an apply, 400 in a strict write, dropped in another", async () => {
  const odd = { ...configMap("odd", {}), dada: { a: "1" } };
  const applied = await client.apply(`${CONFIG_MAPS}/odd`, odd);
  expect([applied.code, applied.body["reason"]]).toEqual([500, undefined]);
  expect(applied.body["message"]).toBe(
    "failed to create typed patch object (default/odd; /v1, Kind=ConfigMap): .dada: field not declared in schema",
  );
  const strict = await client.send("POST", `${CONFIG_MAPS}?fieldValidation=Strict`, odd);
  expect(strict.body["message"]).toContain('strict decoding error: unknown field "dada"');
  const created = await client.send("POST", CONFIG_MAPS, odd);
  expect([created.code, created.body["dada"]]).toEqual([201, undefined]);
});

test("to create by an apply one needs both rights", async () => {
  const limited = new Client(client.cluster, "limited");
  const { code, body } = await limited.apply(`${CONFIG_MAPS}/mine`, configMap("mine", {}));
  expect([code, body["message"]]).toEqual([
    403,
    'configmaps "mine" is forbidden: User "limited" cannot create resource "configmaps" in API group "" ' +
      'in the namespace "default"',
  ]);
  await client.apply(`${CONFIG_MAPS}/mine`, configMap("mine", {}));
  expect((await limited.apply(`${CONFIG_MAPS}/mine`, configMap("mine", { a: "1" }))).code).toBe(200);
});

test("an applied body is read as YAML: a raw control is refused, U+0085 becomes a space", async () => {
  const path = `${CONFIG_MAPS}/yaml`;
  const text = (value: string): string => JSON.stringify(configMap("yaml", { a: value }));
  expect((await client.apply(path, text("x\u0080y"))).code).toBe(400);
  const folded = await client.apply(path, text("x\u0085y"));
  expect(folded.body["data"]).toEqual({ a: "x y" });
});

test("what is not there or not done says so", async () => {
  const group = await client.get("/apis/nothing.example/v1/things");
  expect([group.code, group.text]).toEqual([404, "404 page not found\n"]);
  expect(group.type).toMatch(/^text\/plain/);
  expect((await client.get("/api/v1/nodes")).body).toMatchObject({ reason: "NotFound", details: {} });
  expect((await client.get("/api/v1/namespaces/default/pods/x/log")).code).toBe(501);
  expect((await client.get("/openapi/v3")).code).toBe(501);
  expect((await client.send("DELETE", CONFIG_MAPS)).code).toBe(501);
  expect((await new Client(client.cluster, "nobody").get("/api")).code).toBe(401);
  const protobuf = { "content-type": "application/vnd.kubernetes.protobuf" };
  expect((await client.send("POST", CONFIG_MAPS, "k8s", protobuf)).code).toBe(415);
});

test("metadata alone, for who asks for it", async () => {
  await client.apply(`${CONFIG_MAPS}/light`, configMap("light", { a: "1" }));
  const accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
  const { body } = await client.get(`${CONFIG_MAPS}?fieldSelector=metadata.name=light`, { accept });
  expect(body["kind"]).toBe("PartialObjectMetadataList");
  expect(Object.keys(at(body, "items", 0) as JsonObject).toSorted()).toEqual(["apiVersion", "kind", "metadata"]);
});
