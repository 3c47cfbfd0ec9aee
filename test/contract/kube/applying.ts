import { expect, test } from "vitest";
import { refOf } from "../../../shared/live.ts";
import { at, CONFIG_MAP, configMap, deployment, failure, metaOf, OURS, service, THEIRS } from "./objects.ts";
import type { Ground } from "./suite.ts";

export function applying(ground: Ground): void {
  test("what is left out is removed, what another manager set stays", async () => {
    const { kube, namespace } = ground;
    await kube.apply(configMap(namespace, "omit", { a: "1", b: "2" }), OURS);
    await kube.apply(configMap(namespace, "omit", { foreign: "x" }), THEIRS);
    const { object } = await kube.apply(configMap(namespace, "omit", { a: "1" }), OURS);
    expect(object["data"]).toEqual({ a: "1", foreign: "x" });
  });

  test("a field that two managers own goes when both have left it out", async () => {
    const { kube, namespace } = ground;
    await kube.apply(configMap(namespace, "shared", { both: "1", keep: "1" }), OURS);
    await kube.apply(configMap(namespace, "shared", { both: "1" }), { ...THEIRS, force: false });
    const first = await kube.apply(configMap(namespace, "shared", { keep: "1" }), OURS);
    expect(first.object["data"]).toEqual({ both: "1", keep: "1" });
    const second = await kube.apply({ ...CONFIG_MAP, metadata: { name: "shared", namespace } }, THEIRS);
    expect(second.object["data"]).toEqual({ keep: "1" });
  });

  test("another manager's value is a conflict that names the field; force takes it over", async () => {
    const { kube, namespace } = ground;
    await kube.apply(configMap(namespace, "contested", { a: "ours" }), OURS);
    const error = await failure(
      kube.apply(configMap(namespace, "contested", { a: "theirs" }), { ...THEIRS, force: false }),
    );
    expect(error).toMatchObject({ kubeClass: "conflict", status: 409, fields: [".data.a"] });
    await kube.apply(configMap(namespace, "contested", { a: "theirs" }), THEIRS);
    // No longer ours: leaving it out does not remove it.
    const { object } = await kube.apply(configMap(namespace, "contested", { b: "ours" }), OURS);
    expect(object["data"]).toEqual({ a: "theirs", b: "ours" });
  });

  test("managed fields say who owns what", async () => {
    const { kube, namespace } = ground;
    await kube.apply(configMap(namespace, "owned", { a: "1" }), OURS);
    const { object } = await kube.apply(configMap(namespace, "owned", { b: "1" }), THEIRS);
    const entries = object.metadata["managedFields"] as { manager: string; operation: string; fieldsV1: unknown }[];
    expect(entries.map(({ manager, operation, fieldsV1 }) => ({ manager, operation, fieldsV1 }))).toEqual(
      expect.arrayContaining([
        { manager: "skerry", operation: "Apply", fieldsV1: { "f:data": { "f:a": {} } } },
        { manager: "somebody", operation: "Apply", fieldsV1: { "f:data": { "f:b": {} } } },
      ]),
    );
  });

  test("ports of a Service are told apart by number and defaulted protocol", async () => {
    const { kube, namespace } = ground;
    await kube.apply(service(namespace, "ports", [80]), OURS);
    await kube.apply(service(namespace, "ports", [443]), THEIRS);
    const { object } = await kube.apply(service(namespace, "ports", [81]), OURS);
    const ports = at(object, "spec", "ports") as { port: number; protocol: string }[];
    expect(ports.map(({ port, protocol }) => `${port}/${protocol}`).toSorted()).toEqual(["443/TCP", "81/TCP"]);
  });

  test("ports and variables of a container are told apart by their keys", async () => {
    const { kube, namespace } = ground;
    const applied = (manager: typeof OURS, port: number, name: string) => {
      const container = { ports: [{ containerPort: port }], env: [{ name, value: "1" }] };
      return kube.apply(deployment(namespace, "keyed", { replicas: 0, container }), manager);
    };
    await applied(OURS, 80, "A");
    await applied(THEIRS, 443, "B");
    const { object } = await applied(OURS, 81, "C");
    const container = at(object, "spec", "template", "spec", "containers", 0);
    const ports = at(container, "ports") as { containerPort: number; protocol: string }[];
    expect(ports.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`).toSorted()).toEqual([
      "443/TCP",
      "81/TCP",
    ]);
    expect((at(container, "env") as { name: string }[]).map(({ name }) => name).toSorted()).toEqual(["B", "C"]);
  });

  test("an atomic list is replaced whole", async () => {
    const { kube, namespace } = ground;
    await kube.apply(deployment(namespace, "atomic", { replicas: 0, container: { args: ["a", "b"] } }), OURS);
    const { object } = await kube.apply(
      deployment(namespace, "atomic", { replicas: 0, container: { args: ["c"] } }),
      OURS,
    );
    expect(at(object, "spec", "template", "spec", "containers", 0, "args")).toEqual(["c"]);
  });

  test("a dry run answers the result and changes nothing, not even the resource version", async () => {
    const { kube, namespace } = ground;
    const { object } = await kube.apply(configMap(namespace, "dry", { a: "1" }), OURS);
    const dry = await kube.apply(configMap(namespace, "dry", { a: "2" }), { ...OURS, dryRun: true });
    expect(dry.object["data"]).toEqual({ a: "2" });
    expect(await kube.get(refOf(object))).toEqual(object);
    const anew = await kube.apply(configMap(namespace, "dry-new", { a: "1" }), { ...OURS, dryRun: true });
    expect(await kube.get({ ...refOf(object), name: "dry-new" })).toBeNull();
    expect([dry.created, anew.created]).toEqual([false, true]);
  });

  test("an answer says whether there was nothing before", async () => {
    const { kube, namespace } = ground;
    const wanted = configMap(namespace, "anew", { a: "1" });
    expect((await kube.apply(wanted, OURS)).created).toBe(true);
    expect((await kube.apply(wanted, OURS)).created).toBe(false);
    expect((await kube.apply(configMap(namespace, "anew", { a: "2" }), THEIRS)).created).toBe(false);
  });

  test("applying the same again leaves the resource version", async () => {
    const { kube, namespace } = ground;
    for (const wanted of [configMap(namespace, "same", { a: "1" }), deployment(namespace, "same", { replicas: 0 })]) {
      const first = await kube.apply(wanted, OURS);
      const again = await kube.apply(wanted, OURS);
      expect(metaOf(again.object, "uid")).toBe(metaOf(first.object, "uid"));
      expect(at(again.object, "metadata", "managedFields")).toEqual(expect.anything());
      if (wanted.kind === "ConfigMap") {
        expect(metaOf(again.object, "resourceVersion")).toBe(metaOf(first.object, "resourceVersion"));
      }
    }
  });

  test("a stale resource version is a conflict, force or not", async () => {
    const { kube, namespace } = ground;
    const first = await kube.apply(configMap(namespace, "stale", { a: "1" }), OURS);
    await kube.apply(configMap(namespace, "stale", { a: "2" }), OURS);
    const resourceVersion = metaOf(first.object, "resourceVersion");
    const error = await failure(kube.apply(configMap(namespace, "stale", { a: "3" }, { resourceVersion }), OURS));
    expect(error).toMatchObject({ kubeClass: "conflict", status: 409 });
  });

  test("a UID that is not the object's is a conflict, there or not", async () => {
    const { kube, namespace } = ground;
    const uid = "11111111-2222-3333-4444-555555555555";
    await kube.apply(configMap(namespace, "uid", { a: "1" }), OURS);
    const there = await failure(kube.apply(configMap(namespace, "uid", { a: "2" }, { uid }), OURS));
    expect(there.kubeClass).toBe("conflict");
    const absent = await failure(kube.apply(configMap(namespace, "uid-absent", { a: "2" }, { uid }), OURS));
    expect(absent.kubeClass).toBe("conflict");
  });

  test("a generation counts changes of the spec alone", async () => {
    const { kube, namespace } = ground;
    const wanted = deployment(namespace, "generation", { replicas: 0 });
    expect(at((await kube.apply(wanted, OURS)).object, "metadata", "generation")).toBe(1);
    const labelled = { ...wanted, metadata: { ...wanted.metadata, labels: { a: "b" } } };
    expect(at((await kube.apply(labelled, OURS)).object, "metadata", "generation")).toBe(1);
    const changed = deployment(namespace, "generation", { replicas: 0, container: { args: ["x"] } });
    expect(at((await kube.apply(changed, OURS)).object, "metadata", "generation")).toBe(2);
  });

  test("every character arrives as it was sent", async () => {
    const { kube, namespace } = ground;
    const odd = '\u0085|\u007f|\u009f|\ufffe|\uffff|\ufeff| \u2028 | \u2029 |𝄞😀|\t|\r\n|"\\|\u00a0|\u0001|end ';
    const { object } = await kube.apply(configMap(namespace, "odd", { odd }), OURS);
    expect(object["data"]).toEqual({ odd });
    expect((await kube.get(refOf(object)))?.["data"]).toEqual({ odd });
  });

  test("half a surrogate pair is refused before it is sent", async () => {
    const broken = configMap(ground.namespace, "surrogate", { broken: "\ud834" });
    await expect(ground.kube.apply(broken, OURS)).rejects.toMatchObject({ code: "malformed" });
  });
}
