import { expect, test } from "vitest";
import { refOf } from "../../../shared/live.ts";
import { CONFIG_MAP, configMap, failure, isAbout, metaOf, OURS, told, watch } from "./objects.ts";
import type { Ground } from "./suite.ts";

export function watching(ground: Ground): void {
  const labelled = (name: string, app: string, data = {}) =>
    configMap(ground.namespace, name, data, { labels: { app } });

  test("a list selects by label and namespace, and says its resource version", async () => {
    const { kube, namespace } = ground;
    await kube.apply(labelled("listed-a", "listed"), OURS);
    await kube.apply(labelled("listed-b", "listed"), OURS);
    await kube.apply(labelled("listed-c", "other"), OURS);
    const { objects, resourceVersion } = await kube.list(CONFIG_MAP, { namespace, labels: "app=listed" });
    expect(objects.map((object) => object.metadata.name).toSorted()).toEqual(["listed-a", "listed-b"]);
    expect(objects.every(({ apiVersion, kind }) => apiVersion === "v1" && kind === "ConfigMap")).toBe(true);
    expect(resourceVersion).toMatch(/^\d+$/);
    const named = await kube.list(CONFIG_MAP, { namespace, name: objects[0]?.metadata.name ?? "" });
    expect(named.objects.map((object) => object.metadata.name)).toEqual([objects[0]?.metadata.name]);
    const everywhere = await kube.list(CONFIG_MAP, { labels: "app in (listed, other), app!=other" });
    expect(everywhere.objects.map((object) => object.metadata.name).toSorted()).toEqual(["listed-a", "listed-b"]);
    expect((await kube.list(CONFIG_MAP, { namespace: `${namespace}-none` })).objects).toEqual([]);
  });

  test("a list of any length is whole", async () => {
    const { kube, namespace } = ground;
    const names = Array.from({ length: 520 }, (_, n) => `many-${n}`);
    await Promise.all(names.map((name) => kube.apply(labelled(name, "many"), OURS)));
    const { objects } = await kube.list(CONFIG_MAP, { namespace, labels: "app=many" });
    expect(objects.map((object) => object.metadata.name).toSorted()).toEqual(names.toSorted());
  });

  test("initial events, their end, then what happens", async () => {
    const { kube, namespace } = ground;
    const { object } = await kube.apply(labelled("told-a", "told"), OURS);
    await kube.apply(labelled("told-b", "told"), OURS);
    const watched = watch(kube, CONFIG_MAP, { namespace, labels: "app=told" });
    const synced = await watched.first("synced", (event) => event.type === "synced");
    expect("resourceVersion" in synced && synced.resourceVersion).toMatch(/^\d+$/);
    expect(told(watched.events).toSorted()).toEqual(["added told-a", "added told-b", "synced"]);
    await kube.apply(labelled("told-a", "told", { a: "1" }), OURS);
    await kube.remove(refOf(object), { uid: metaOf(object, "uid"), propagation: "Background" });
    await kube.apply(labelled("told-c", "told"), OURS);
    await watched.first("the last event", isAbout("added", "told-c"));
    expect(told(watched.events).slice(3)).toEqual(["modified told-a", "deleted told-a", "added told-c"]);
    await watched.stop();
  });

  test("it says when the server has accepted it, also where nothing happens", async () => {
    const { kube, namespace } = ground;
    const { resourceVersion } = await kube.list(CONFIG_MAP, { namespace, labels: "app=nobody" });
    const abort = new AbortController();
    const opened = new Promise<void>((resolve, reject) => {
      const options = { namespace, labels: "app=nobody", resourceVersion, signal: abort.signal };
      kube.watch(CONFIG_MAP, { ...options, onEvent: () => {}, onOpen: resolve }).catch(reject);
    });
    await opened;
    abort.abort();
  });

  test("a set without objects is synced too", async () => {
    const { kube, namespace } = ground;
    const watched = watch(kube, CONFIG_MAP, { namespace, labels: "app=nobody" });
    await watched.first("synced", (event) => event.type === "synced");
    expect(told(watched.events)).toEqual(["synced"]);
    await watched.stop();
  });

  test("it resumes after a resource version, with what was missed and nothing else", async () => {
    const { kube, namespace } = ground;
    await kube.apply(labelled("resumed-a", "resumed"), OURS);
    const { resourceVersion } = await kube.list(CONFIG_MAP, { namespace, labels: "app=resumed" });
    await kube.apply(labelled("resumed-a", "resumed", { a: "1" }), OURS);
    await kube.apply(labelled("resumed-b", "resumed"), OURS);
    const watched = watch(kube, CONFIG_MAP, { namespace, labels: "app=resumed", resourceVersion });
    await watched.first("the missed events", isAbout("added", "resumed-b"));
    expect(told(watched.events)).toEqual(["modified resumed-a", "added resumed-b"]);
    await watched.stop();
  });

  test("a resource version that the server has forgotten is expired", async () => {
    const { kube, under } = ground;
    const { kind, resourceVersion } = await under.expired();
    const signal = AbortSignal.timeout(10_000);
    const error = await failure(kube.watch(kind, { resourceVersion, signal, onEvent: () => {} }));
    expect(error).toMatchObject({ kubeClass: "expired", status: 410 });
  });

  test("an object that loses its label is deleted for who selects by it", async () => {
    const { kube, namespace } = ground;
    await kube.apply(labelled("moved", "mover"), OURS);
    const watched = watch(kube, CONFIG_MAP, { namespace, labels: "app=mover" });
    await watched.first("synced", (event) => event.type === "synced");
    await kube.apply(labelled("moved", "elsewhere"), OURS);
    await watched.first("deleted", isAbout("deleted", "moved"));
    await kube.apply(labelled("moved", "mover"), OURS);
    await watched.first("added again", () => told(watched.events).length > 3);
    expect(told(watched.events)).toEqual(["added moved", "synced", "deleted moved", "added moved"]);
    await watched.stop();
  });

  test("a kind that does not exist cannot be listed or watched", async () => {
    const { kube } = ground;
    const kind = { apiVersion: "v1", kind: "Unheard" };
    expect((await failure(kube.list(kind, {}))).kubeClass).toBe("missing-kind");
    const signal = new AbortController().signal;
    expect((await failure(kube.watch(kind, { signal, onEvent: () => {} }))).kubeClass).toBe("missing-kind");
  });
}
