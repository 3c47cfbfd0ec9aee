import { expect, test } from "vitest";
import type { BuiltFile } from "../../../hub/build/manifests.ts";
import { namespaced } from "../../../hub/build/namespaced.ts";
import type { KubeObject } from "../../../shared/live.ts";

const fileOf = (object: KubeObject): BuiltFile => ({
  path: "a.json",
  bytes: Buffer.from(JSON.stringify(object)),
  object,
  where: () => "",
});
const objectOf = (apiVersion: string, kind: string, metadata = {}): KubeObject => {
  return { apiVersion, kind, metadata: { name: "a", ...metadata } };
};
const definition = (kind: string, scope: string): KubeObject => ({
  ...objectOf("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
  spec: { group: "example.com", scope, names: { kind } },
});

test.each([
  ["v1", "ConfigMap", "shop"],
  ["apps/v1", "Deployment", "shop"],
  ["rbac.authorization.k8s.io/v1", "Role", "shop"],
  ["v1", "Namespace", undefined],
  ["rbac.authorization.k8s.io/v1", "ClusterRole", undefined],
  ["admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", undefined],
  ["example.com/v1", "Till", "shop"],
  ["example.com/v2", "Till", "shop"],
  ["example.com/v1", "Fleet", undefined],
  ["other.example.com/v1", "Till", undefined],
])("%s %s without a namespace gets %s", (apiVersion, kind, namespace) => {
  const bundle = [definition("Till", "Namespaced"), definition("Fleet", "Cluster"), objectOf(apiVersion, kind)];
  const file = namespaced(bundle.map(fileOf), "shop").at(-1);
  expect(file?.object.metadata["namespace"]).toBe(namespace);
  expect(JSON.parse(Buffer.from(file?.bytes ?? []).toString())).toEqual(file?.object);
});

test("one that names its namespace keeps it", () => {
  const [file] = namespaced([fileOf(objectOf("v1", "ConfigMap", { namespace: "bank" }))], "shop");
  expect(file?.object.metadata["namespace"]).toBe("bank");
});
