import { expect, test } from "vitest";
import { refOf } from "../../../shared/live.ts";
import { at, definition, failure, gone, metaOf, OURS, patiently, thing, until } from "./objects.ts";
import type { Ground } from "./suite.ts";

export function defining(ground: Ground): void {
  test("a kind is there once its definition is, and goes with it", async () => {
    const { kube, namespace } = ground;
    const group = `${namespace}.example`;
    const one = thing(group, namespace, "one", { size: 1 });
    expect((await failure(kube.apply(one, OURS))).kubeClass).toBe("missing-kind");
    const { object: defined } = await kube.apply(definition(group), OURS);
    await until("it is established", async () => {
      const conditions = at((await kube.get(refOf(defined))) ?? undefined, "status", "conditions");
      const found = Array.isArray(conditions) ? conditions : [];
      return found.some((each) => at(each, "type") === "Established" && at(each, "status") === "True");
    });
    const { object } = await patiently(() => kube.apply(one, OURS));
    expect(object["spec"]).toEqual({ size: 1 });

    const unknown = await failure(kube.apply(thing(group, namespace, "one", { sice: 1 }), OURS));
    expect(unknown).toMatchObject({ kubeClass: "manifest", fields: [".spec.sice"] });
    const wrong = await failure(kube.apply(thing(group, namespace, "one", { size: "hunter2" }), OURS));
    expect(wrong).toMatchObject({ kubeClass: "manifest", fields: [".spec.size"] });
    expect(wrong.message).not.toContain("hunter2");

    await kube.remove(refOf(defined), { uid: metaOf(defined, "uid"), propagation: "Background" });
    await gone(kube, refOf(defined));
    await until("the kind is gone", async () => {
      const error = await failure(kube.apply(one, OURS));
      return error.kubeClass === "missing-kind";
    });
    expect(await kube.get(refOf(one))).toBeNull();
  });
}
