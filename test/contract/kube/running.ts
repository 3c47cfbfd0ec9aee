import { expect, test } from "vitest";
import type { WatchEvent } from "../../../agent/apply/kube.ts";
import { refOf } from "../../../shared/live.ts";
import { at, DEPLOYMENT, deployment, gone, metaOf, OURS, until, watch } from "./objects.ts";
import type { Ground } from "./suite.ts";

/** What the lab's kubelet and the real one of the tests leave unready. */
const STUCK = { "skerry.dev/test": "stuck" };

export function running(ground: Ground, canBeStuck: boolean): void {
  const isAvailable = (name: string) => (event: WatchEvent) =>
    "object" in event && event.object.metadata.name === name && at(event.object, "status", "availableReplicas") === 1;

  test("a Deployment becomes available", async () => {
    const { kube, namespace } = ground;
    const watched = watch(kube, DEPLOYMENT, { namespace });
    await kube.apply(deployment(namespace, "well"), OURS);
    const event = await watched.first("available", isAvailable("well"));
    expect(at("object" in event ? event.object : null, "status", "observedGeneration")).toBe(1);
    await watched.stop();
  });

  if (canBeStuck) {
    test("one whose pods are stuck does not, though another that came later does", async () => {
      const { kube, namespace } = ground;
      const watched = watch(kube, DEPLOYMENT, { namespace });
      const stuck = await kube.apply(deployment(namespace, "stuck", { labels: STUCK }), OURS);
      await kube.apply(deployment(namespace, "later"), OURS);
      await watched.first("available", isAvailable("later"));
      const left = await until("the stuck one has its pod", async () => {
        const object = await kube.get(refOf(stuck.object));
        return at(object ?? undefined, "status", "unavailableReplicas") === 1 ? object : null;
      });
      expect(at(left, "status", "availableReplicas") ?? 0).toBe(0);
      expect(watched.events.some(isAvailable("stuck"))).toBe(false);
      await watched.stop();
    });
  }

  test("a removed Deployment takes its pods along", async () => {
    const { kube, namespace } = ground;
    const { object } = await kube.apply(deployment(namespace, "leaving"), OURS);
    const pods = () => kube.list({ apiVersion: "v1", kind: "Pod" }, { namespace, labels: "app=leaving" });
    await until("a pod", async () => (await pods()).objects.length === 1);
    await kube.remove(refOf(object), { uid: metaOf(object, "uid"), propagation: "Foreground" });
    await gone(kube, refOf(object));
    await until("no pod", async () => (await pods()).objects.length === 0);
  });
}
