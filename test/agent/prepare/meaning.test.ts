import { expect, it } from "vitest";
import { KUBE_CLASSES, type KubeClass, KubeError } from "../../../agent/apply/kube.ts";
import { bringsOf, seenBy } from "../../../agent/prepare/brings.ts";
import { meaningOf } from "../../../agent/prepare/meaning.ts";
import type { KubeObject } from "../../../shared/live.ts";

const cluster = (kind: string, spec: object, apiVersion = "v1"): KubeObject =>
  ({ apiVersion, kind, metadata: { name: "shop" }, ...spec }) as KubeObject;
const NAMESPACE = cluster("Namespace", {});
const DEFINITION = cluster("CustomResourceDefinition", {
  spec: { group: "example.com", names: { kind: "Till" }, versions: [{ name: "v1", served: true }] },
});
const WEBHOOK = cluster("ValidatingWebhookConfiguration", {
  webhooks: [{ rules: [{ apiGroups: ["apps"], resources: ["deployments", "networkpolicies"] }] }],
});
const at = (apiVersion: string, kind: string, namespace = "shop") => ({ apiVersion, kind, namespace, name: "x" });
const TILL = at("example.com/v1", "Till");
const MAP = at("v1", "ConfigMap");

const said = (kubeClass: KubeClass, status = 422) => new KubeError(kubeClass, "words", { status, reason: "" });

it.each<[string, KubeError, ReturnType<typeof at>, KubeObject[], string]>([
  ["its namespace comes with the bundle", said("missing-namespace", 404), MAP, [NAMESPACE], "not-checked"],
  ["its namespace comes with nobody", said("missing-namespace", 404), MAP, [], "refused"],
  ["another namespace comes", said("missing-namespace", 404), at("v1", "ConfigMap", "depot"), [NAMESPACE], "refused"],
  ["its definition comes with the bundle", said("missing-kind", 404), TILL, [DEFINITION], "not-checked"],
  ["its definition changes with the bundle", said("manifest", 500), TILL, [DEFINITION], "not-checked"],
  ["its definition comes with nobody", said("missing-kind", 404), TILL, [], "refused"],
  ["a server that does not serve it yet", said("wait", 404), TILL, [DEFINITION], "not-checked"],
  ["a webhook is away, the bundle brings one", said("wait", 500), MAP, [WEBHOOK], "not-checked"],
  ["a webhook of others is away", said("wait", 500), MAP, [], "again"],
  ["a webhook takes no part", said("no-dry-run", 400), MAP, [], "not-checked"],
  ["not valid", said("manifest"), MAP, [NAMESPACE, DEFINITION, WEBHOOK], "refused"],
])("%s", (_title, error, ref, objects, expected) => {
  expect(meaningOf(error, ref, bringsOf(objects)).is).toBe(expected);
});

it("of every class: what is the content's fault is refused with its words, the rest is asked again", () => {
  const meanings = KUBE_CLASSES.map((each) => [each, meaningOf(said(each), MAP, bringsOf([])).is]);
  expect(Object.fromEntries(meanings)).toMatchObject({ policy: "refused", forbidden: "refused", throttled: "again" });
  expect(meaningOf(said("policy"), MAP, bringsOf([]))).toEqual({
    is: "refused",
    code: "kube",
    words: "words",
  });
  expect(() => meaningOf(new Error("a bug"), MAP, bringsOf([]))).toThrow("a bug");
});

it("a bundle's webhook sees the kinds that its rules name", () => {
  const { webhooks } = bringsOf([WEBHOOK]);
  expect(seenBy(webhooks, at("apps/v1", "Deployment"))).toBe(true);
  expect(seenBy(webhooks, at("apps/v1", "NetworkPolicy"))).toBe(true);
  expect(seenBy(webhooks, at("apps/v1", "StatefulSet"))).toBe(false);
  expect(seenBy(webhooks, at("v1", "Deployment"))).toBe(false);
  const all = bringsOf([
    cluster("MutatingWebhookConfiguration", { webhooks: [{ rules: [{ apiGroups: ["*"], resources: ["*"] }] }] }),
  ]);
  expect(seenBy(all.webhooks, MAP)).toBe(true);
});
