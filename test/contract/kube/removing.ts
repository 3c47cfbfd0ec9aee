import { expect, test } from "vitest";
import { type KubeObject, refOf } from "../../../shared/live.ts";
import { at, configMap, failure, gone, metaOf, OURS, THEIRS, until } from "./objects.ts";
import type { Ground } from "./suite.ts";

export function removing(ground: Ground): void {
  test("an object goes, and going twice is gone", async () => {
    const { kube, namespace } = ground;
    const { object } = await kube.apply(configMap(namespace, "short", {}), OURS);
    const options = { uid: metaOf(object, "uid"), propagation: "Background" } as const;
    expect(await kube.remove(refOf(object), options)).toBe("gone");
    expect(await kube.get(refOf(object))).toBeNull();
    expect(await kube.remove(refOf(object), options)).toBe("gone");
  });

  test("an object with another UID stays", async () => {
    const { kube, namespace } = ground;
    const { object } = await kube.apply(configMap(namespace, "guarded", {}), OURS);
    const options = { uid: "11111111-2222-3333-4444-555555555555", propagation: "Background" } as const;
    expect(await failure(kube.remove(refOf(object), options))).toMatchObject({ kubeClass: "conflict", status: 409 });
    expect(await kube.get(refOf(object))).toEqual(object);
  });

  test("a finalizer holds it until it is released", async () => {
    const { kube, namespace } = ground;
    await kube.apply(configMap(namespace, "held", {}, { finalizers: ["skerry.dev/hold"] }), THEIRS);
    const { object } = await kube.apply(configMap(namespace, "held", { a: "1" }), OURS);
    const options = { uid: metaOf(object, "uid"), propagation: "Background" } as const;
    expect(await kube.remove(refOf(object), options)).toBe("deleting");
    expect(await kube.remove(refOf(object), options)).toBe("deleting");
    // An apply still answers an object, but one that is on its way out.
    const late = await kube.apply(configMap(namespace, "held", { a: "2" }), OURS);
    expect(at(late.object, "metadata", "deletionTimestamp")).toBeTypeOf("string");
    await kube.apply(configMap(namespace, "held", {}, { finalizers: [] }), THEIRS);
    await gone(kube, refOf(object));
  });

  async function ownerAndDependent(name: string): Promise<{ owner: KubeObject; dependent: KubeObject }> {
    const { kube, namespace } = ground;
    const { object: owner } = await kube.apply(configMap(namespace, name, {}), OURS);
    const reference = { apiVersion: "v1", kind: "ConfigMap", name, uid: metaOf(owner, "uid") };
    const ownerReferences = [{ ...reference, blockOwnerDeletion: true }];
    const { object: dependent } = await kube.apply(
      configMap(namespace, `${name}-dependent`, {}, { ownerReferences }),
      OURS,
    );
    return { owner, dependent };
  }

  test.each(["Background", "Foreground"] as const)("%s: what it owns goes too", async (propagation) => {
    const { kube } = ground;
    const { owner, dependent } = await ownerAndDependent(`owner-${propagation.toLowerCase()}`);
    await kube.remove(refOf(owner), { uid: metaOf(owner, "uid"), propagation });
    await gone(kube, refOf(dependent));
    await gone(kube, refOf(owner));
  });

  test("Orphan: what it owns stays, and owes it nothing", async () => {
    const { kube } = ground;
    const { owner, dependent } = await ownerAndDependent("owner-orphan");
    await kube.remove(refOf(owner), { uid: metaOf(owner, "uid"), propagation: "Orphan" });
    await gone(kube, refOf(owner));
    const left = await until("the dependent has no owner", async () => {
      const object = await kube.get(refOf(dependent));
      return at(object ?? undefined, "metadata", "ownerReferences") === undefined ? object : null;
    });
    expect(metaOf(left, "uid")).toBe(metaOf(dependent, "uid"));
  });

  test("a namespace that is being deleted takes nothing new, and then is missing", async () => {
    const { kube, namespace } = ground;
    const name = `${namespace}-short`;
    const { object } = await kube.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } }, OURS);
    const held = configMap(name, "held", {}, { finalizers: ["skerry.dev/hold"] });
    await kube.apply(held, OURS);
    const options = { uid: metaOf(object, "uid"), propagation: "Background" } as const;
    expect(await kube.remove(refOf(object), options)).toBe("deleting");
    const error = await failure(kube.apply(configMap(name, "late", {}), OURS));
    expect(error).toMatchObject({ kubeClass: "terminating", status: 403 });
    await kube.apply(configMap(name, "held", {}), OURS);
    await gone(kube, refOf(object));
    expect((await failure(kube.apply(configMap(name, "late", {}), OURS))).kubeClass).toBe("missing-namespace");
  }, 60_000);
}
