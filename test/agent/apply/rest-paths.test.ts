import { expect, test } from "vitest";
import { Paths } from "../../../agent/apply/rest-paths.ts";

const CONFIG_MAP = { apiVersion: "v1", kind: "ConfigMap" };

/** Discovery of the resources that are in `served` at the time: path of the group version to its kinds. */
function discovery(served: Record<string, string[]>): { paths: Paths; asked: string[] } {
  const asked: string[] = [];
  const paths = new Paths(async (path) => {
    asked.push(path);
    const answer = { contentType: "application/json", retryAfter: undefined };
    const kinds = served[path];
    if (kinds === undefined) return { ...answer, status: 404, body: "404 page not found" };
    const resources = kinds.map((kind) => ({ kind, name: `${kind.toLowerCase()}s`, namespaced: kind !== "Node" }));
    const scale = { kind: "ConfigMap", name: "things/scale", namespaced: true };
    return { ...answer, status: 200, body: JSON.stringify({ resources: [scale, ...resources] }) };
  });
  return { paths, asked };
}

test("core and named groups, namespaced and not", async () => {
  const { paths } = discovery({ "/api/v1": ["ConfigMap", "Node"], "/apis/apps/v1": ["Deployment"] });
  expect(await paths.object({ ...CONFIG_MAP, namespace: "shop", name: "a" })).toBe(
    "/api/v1/namespaces/shop/configmaps/a",
  );
  expect(await paths.object({ apiVersion: "v1", kind: "Node", namespace: "", name: "n1" })).toBe("/api/v1/nodes/n1");
  const deployment = { apiVersion: "apps/v1", kind: "Deployment" };
  expect(await paths.collection(deployment, "shop")).toBe("/apis/apps/v1/namespaces/shop/deployments");
  expect(await paths.collection(deployment, undefined)).toBe("/apis/apps/v1/deployments");
});

test("a group version is read once, by all who ask together", async () => {
  const { paths, asked } = discovery({ "/api/v1": ["ConfigMap", "Node"] });
  await Promise.all(Array.from({ length: 10 }, () => paths.collection(CONFIG_MAP, "shop")));
  await paths.collection({ apiVersion: "v1", kind: "Node" }, undefined);
  expect(asked).toEqual(["/api/v1"]);
});

test("a kind that is missing is looked for again each time, once for all who miss it together", async () => {
  const served: Record<string, string[]> = { "/api/v1": ["ConfigMap"] };
  const { paths, asked } = discovery(served);
  const late = { apiVersion: "v1", kind: "Late" };
  await paths.collection(CONFIG_MAP, "shop");
  const missed = await Promise.allSettled(Array.from({ length: 10 }, () => paths.collection(late, "shop")));
  expect(missed.every((each) => each.status === "rejected" && each.reason.kubeClass === "missing-kind")).toBe(true);
  expect(asked).toHaveLength(2);
  served["/api/v1"] = ["ConfigMap", "Late"];
  expect(await paths.collection(late, "shop")).toBe("/api/v1/namespaces/shop/lates");
  expect(asked).toHaveLength(3);
});

test("a group that is missing is looked for again", async () => {
  const served: Record<string, string[]> = {};
  const { paths } = discovery(served);
  await expect(paths.collection(CONFIG_MAP, "shop")).rejects.toMatchObject({ kubeClass: "missing-kind", status: 404 });
  served["/api/v1"] = ["ConfigMap"];
  expect(await paths.collection(CONFIG_MAP, "shop")).toBe("/api/v1/namespaces/shop/configmaps");
});

test("what was forgotten is read again", async () => {
  const served: Record<string, string[]> = { "/api/v1": ["ConfigMap"] };
  const { paths } = discovery(served);
  await paths.collection(CONFIG_MAP, "shop");
  delete served["/api/v1"];
  paths.forget("v1");
  await expect(paths.collection(CONFIG_MAP, "shop")).rejects.toMatchObject({ kubeClass: "missing-kind" });
});

test.each(["", "a/b/c", "../v1", "a%2fb/v1"])("apiVersion %j is never asked for", async (apiVersion) => {
  const { paths, asked } = discovery({});
  await expect(paths.collection({ apiVersion, kind: "A" }, "shop")).rejects.toMatchObject({ kubeClass: "manifest" });
  expect(asked).toEqual([]);
});
