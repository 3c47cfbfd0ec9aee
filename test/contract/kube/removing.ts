import { expect, test } from "vitest";
import { refOf } from "../../../shared/live.ts";
import { at, configMap, failure, gone, metaOf, OURS, THEIRS } from "./objects.ts";
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
}
