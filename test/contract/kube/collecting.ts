import { expect, test } from "vitest";
import { type KubeObject, refOf } from "../../../shared/live.ts";
import { at, configMap, failure, gone, metaOf, OURS, until } from "./objects.ts";
import type { Ground } from "./suite.ts";

export function collecting(ground: Ground): void {
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
  });
}
