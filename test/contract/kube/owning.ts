import { expect, test } from "vitest";
import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import { configMap, failure, metaOf, OURS, service, THEIRS } from "./objects.ts";
import type { Ground } from "./suite.ts";

const LAST = "kubectl.kubernetes.io/last-applied-configuration";

export function owning(ground: Ground): void {
  test("fields that change their owner go with the next apply that leaves them out", async () => {
    const { kube, namespace } = ground;
    await kube.apply(configMap(namespace, "owner", { theirs: "1" }), THEIRS);
    const { object } = await kube.apply(configMap(namespace, "owner", { ours: "1" }), OURS);
    const managedFields = [{ ...ours(object), fieldsV1: { "f:data": { "f:ours": {}, "f:theirs": {} } } }];
    const owned = await kube.reown(object, { managedFields, drop: [] });
    expect(owned["data"]).toEqual({ ours: "1", theirs: "1" });
    expect(entries(owned)).toEqual([{ manager: "skerry", operation: "Apply", fieldsV1: managedFields[0]?.fieldsV1 }]);
    const applied = await kube.apply(configMap(namespace, "owner", { ours: "1" }), OURS);
    expect(applied.object["data"]).toEqual({ ours: "1" });
  });

  test("an entry may be new, and without a time", async () => {
    const { kube, namespace } = ground;
    const { object } = await kube.apply(service(namespace, "owner", [80]), THEIRS);
    const fieldsV1 = {
      "f:spec": { "f:ports": { 'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:name": {}, "f:port": {} } } },
    };
    const entry = { manager: "skerry", operation: "Apply", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1 };
    const owned = await kube.reown(object, { managedFields: [entry], drop: [] });
    expect(entries(owned)).toEqual([{ manager: "skerry", operation: "Apply", fieldsV1 }]);
    const { object: after } = await kube.apply(service(namespace, "owner", [81]), OURS);
    expect((after["spec"] as { ports: { port: number }[] }).ports.map(({ port }) => port)).toEqual([81]);
  });

  test("an annotation is dropped with it, and nothing else changes", async () => {
    const { kube, namespace } = ground;
    const annotations = { [LAST]: "{}", other: "x" };
    const { object } = await kube.apply(configMap(namespace, "noted", { a: "1" }, { annotations }), THEIRS);
    const owned = await kube.reown(object, {
      managedFields: object.metadata["managedFields"] as JsonObject[],
      drop: [LAST],
    });
    expect(owned.metadata["annotations"]).toEqual({ other: "x" });
    expect(owned["data"]).toEqual({ a: "1" });
  });

  test("what was written since, or is another object, is a conflict", async () => {
    const { kube, namespace } = ground;
    const { object } = await kube.apply(configMap(namespace, "moved-on", { a: "1" }), OURS);
    const { object: newer } = await kube.apply(configMap(namespace, "moved-on", { a: "2" }), OURS);
    const managedFields = [ours(newer)];
    expect(await failure(kube.reown(object, { managedFields, drop: [] }))).toMatchObject({ kubeClass: "conflict" });
    const other = { ...newer, metadata: { ...newer.metadata, uid: "3b241101-e2bb-4255-8caf-4136c566a962" } };
    expect(await failure(kube.reown(other, { managedFields, drop: [] }))).toMatchObject({ kubeClass: "conflict" });
    expect(metaOf(newer, "uid")).toBe(metaOf(object, "uid"));
  });
}

function ours(object: KubeObject): JsonObject {
  const found = (object.metadata["managedFields"] as JsonObject[]).find(({ manager }) => manager === "skerry");
  if (found === undefined) throw new Error("no entry of ours");
  return found;
}

function entries(object: KubeObject): JsonObject[] {
  return (object.metadata["managedFields"] as JsonObject[]).map(({ manager, operation, fieldsV1 }) => ({
    manager: manager ?? null,
    operation: operation ?? null,
    fieldsV1: fieldsV1 ?? null,
  }));
}
