import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../shared/live.ts";
import { object, refusal, rendered } from "./sample.ts";

const CORE = (namespace: string | null) => object("v1", "ConfigMap", namespace);
const namespaceNamed = (name: string): KubeObject => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
const RBAC = "rbac.authorization.k8s.io";
const ADMISSION = "admissionregistration.k8s.io";

/** What the delegation allows, the object, and whether it may be there. */
const CASES: [string, string[], string[], KubeObject, boolean][] = [
  ["its namespace", ["*"], ["shop"], CORE("shop"), true],
  ["another namespace", ["*"], ["shop"], CORE("kube-system"), false],
  ["a longer namespace", ["*"], ["shop"], CORE("shop-2"), false],
  ["a namespace of the prefix", ["*"], ["shop-*"], CORE("shop-2"), true],
  ["not of the prefix", ["*"], ["shop-*"], CORE("shop"), false],
  ["any namespace", ["*"], ["*"], CORE("whatever"), true],
  ["no namespace at all", ["*"], [], CORE("shop"), false],
  ["the agent's own home by `*`", ["*"], ["*"], CORE("skerry-system"), false],
  ["the agent's own home by a prefix", ["*"], ["skerry-*"], CORE("skerry-system"), false],
  ["the agent's own home by name", ["*"], ["skerry-system"], CORE("skerry-system"), true],
  ["the home's Namespace object by `*`", ["Namespace"], ["*"], namespaceNamed("skerry-system"), false],
  ["a Namespace object, by its name", ["*"], ["shop"], namespaceNamed("shop"), true],
  ["another Namespace object", ["*"], ["shop"], namespaceNamed("kube-system"), false],
  ["a Namespace object that says it lies in one", ["*"], ["shop"], inShop(namespaceNamed("kube-system")), false],
  ["a kind by name", ["ConfigMap"], ["shop"], CORE("shop"), true],
  ["another kind", ["Secret"], ["shop"], CORE("shop"), false],
  ["a kind of the same name in another group", ["ConfigMap"], ["shop"], object("x.io/v1", "ConfigMap", "shop"), false],
  ["a group by wildcard", ["*.apps"], ["shop"], object("apps/v1", "Lease", "shop"), true],
  ["another group", ["*.apps"], ["shop"], object("batch/v1", "Job", "shop"), false],
  ["a group that only ends the same", ["*.apps"], ["shop"], object("notapps/v1", "X", "shop"), false],
  ["the core group by a group's wildcard", ["*.apps"], ["shop"], CORE("shop"), false],
  ["a role by `*`", ["*"], ["shop"], object(`${RBAC}/v1`, "Role", "shop"), false],
  ["a role by its group's wildcard", [`*.${RBAC}`], ["shop"], object(`${RBAC}/v1`, "Role", "shop"), false],
  ["a role by name", [`Role.${RBAC}`], ["shop"], object(`${RBAC}/v1`, "Role", "shop"), true],
  ["a cluster role by `*`", ["*"], ["*"], object(`${RBAC}/v1`, "ClusterRole", null), false],
  ["a cluster role by name", [`ClusterRole.${RBAC}`], [], object(`${RBAC}/v1`, "ClusterRole", null), true],
  ["an admission webhook by `*`", ["*"], ["*"], object(`${ADMISSION}/v1`, "MutatingWebhookConfiguration", null), false],
  [
    "an admission policy by its group's wildcard",
    [`*.${ADMISSION}`],
    ["*"],
    object(`${ADMISSION}/v1`, "ValidatingAdmissionPolicy", null),
    false,
  ],
  ["an API service by `*`", ["*"], ["*"], object("apiregistration.k8s.io/v1", "APIService", null), false],
  [
    "a certificate request by `*`",
    ["*"],
    ["*"],
    object("certificates.k8s.io/v1", "CertificateSigningRequest", null),
    false,
  ],
  ["a cluster-wide object by `*`", ["*"], ["*"], object("storage.k8s.io/v1", "StorageClass", null), false],
  [
    "a cluster-wide object by name",
    ["StorageClass.storage.k8s.io"],
    [],
    object("storage.k8s.io/v1", "StorageClass", null),
    true,
  ],
  ["a namespaced object without its namespace", ["*"], ["*"], CORE(null), false],
  ["a namespace that is no text", ["*"], ["*"], numbered(), false],
];

describe("a delegation", () => {
  it.each(CASES)("%s: kinds %j, namespaces %j", (_title, kinds, namespaces, given, allowed) => {
    if (allowed) {
      expect(rendered([given], { kinds, namespaces }).objects).toHaveLength(1);
      return;
    }
    const found = refusal(() => rendered([given], { kinds, namespaces }));
    expect(found.code).toBe("privilege");
    expect(found.where).toContain(`${given.kind} `);
    expect(found.words).toContain("delegation pos*");
  });
});

function inShop(given: KubeObject): KubeObject {
  return { ...given, metadata: { ...given.metadata, namespace: "shop" } };
}

function numbered(): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "till", namespace: 7 } };
}
