import { describe, expect, it } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import { BUNDLE_LABEL } from "../../../shared/render/render.ts";
import { siteDocument } from "../../support/fleet.ts";
import { deployment, HOLDERS, IMAGE, OTHER, object, overlaid, refusal, rendered } from "./sample.ts";

/**
 * Every way in which something could be carried past the checks, which look at what came out: a value from each source, a pod in each
 * place, and metadata that is not the owners' to write. Patches are in `overlay.test.ts`.
 */

describe("a value", () => {
  type Case = [string, Json, { code: string; at: string }];
  const CASES: Case[] = [
    ["an image", { containers: [{ name: "till", image: "${A}" }] }, { code: "image", at: "/containers/0/image" }],
    [
      "a part of an image",
      { containers: [{ name: "till", image: "till@${A}" }] },
      { code: "image", at: "/containers/0/image" },
    ],
    [
      "a mounted image",
      { volumes: [{ name: "v", image: { reference: "${A}" } }] },
      { code: "image", at: "/reference" },
    ],
    ["a capability", cap("${A}"), { code: "privilege", at: "/securityContext/capabilities/add" }],
    [
      "a profile",
      { securityContext: { seccompProfile: { type: "${A}" } } },
      { code: "privilege", at: "/seccompProfile/type" },
    ],
  ];
  const SOURCES = ["a record", "the hub", "a label", "a default"] as const;
  const VALUE = "Unconfined";

  it.each(SOURCES.flatMap((source) => CASES.map((each) => [source, ...each] as const)))(
    "of %s that is %s is looked at like what was signed",
    (source, _title, spec, { code, at }) => {
      const record = siteDocument({
        labels: { size: VALUE },
        values: source === "a record" ? { pos: { A: VALUE } } : {},
      });
      const variables: Bundle["variables"] = {
        A:
          source === "a label"
            ? { label: "size" }
            : source === "a default"
              ? { default: VALUE }
              : { pattern: "^[A-Za-z]{1,20}$", settable: "hub" },
      };
      const hub = source === "the hub" ? { A: VALUE } : {};
      const found = refusal(() => rendered([deployment(spec as JsonObject)], {}, { variables }, { record, hub }));
      expect(found.code).toBe(code);
      expect(found.where.endsWith(at)).toBe(true);
    },
  );

  it.each([
    ["hostNetwork", { hostNetwork: "${ON}" }],
    ["privileged", { containers: [{ name: "a", image: IMAGE, securityContext: { privileged: "${ON}" } }] }],
    ["hostPort", { containers: [{ name: "a", image: IMAGE, ports: [{ hostPort: "${PORT}" }] }] }],
  ])("of type boolean or integer sets %s, and is refused", (_title, spec) => {
    const variables: Bundle["variables"] = {
      ON: { type: "boolean", default: true },
      PORT: { type: "integer", default: 80 },
    };
    expect(refusal(() => rendered([deployment(spec)], {}, { variables })).code).toBe("privilege");
  });

  it("cannot bring a variable, a key or another object with it", () => {
    const record = siteDocument({ values: { pos: { A: 'x"}, "kind": "Secret", "${B}": {"' } } });
    const [only] = rendered(
      [object("v1", "ConfigMap", "shop", { data: { a: "${A}" } })],
      {},
      { variables: { A: {}, B: { default: "b" } } },
      { record, hub: {} },
    ).objects;
    expect(only?.object).toMatchObject({ kind: "ConfigMap", data: { a: 'x"}, "kind": "Secret", "${B}": {"' } });
  });
});

function cap(add: string): JsonObject {
  return { containers: [{ name: "till", image: IMAGE, securityContext: { capabilities: { add: [add] } } }] };
}

describe("a pod", () => {
  it.each(Object.entries(HOLDERS))("in a %s is looked at after an overlay, too", (_kind, { at, holds }) => {
    const patch = { patch: [{ op: "add", path: `${at}/hostPID`, value: true }] };
    const found = refusal(() => overlaid("json", patch, {}, holds({ containers: [] })));
    expect(found.code).toBe("privilege");
    expect(found.where.endsWith(`${at}/hostPID`)).toBe(true);
  });

  const custom = (spec: JsonObject) => object("example.com/v1", "Till", "shop", { spec });
  it.each<[string, KubeObject, string, string]>([
    [
      "an image",
      custom({ template: { spec: { containers: [{ image: OTHER }] } } }),
      "image",
      "/spec/template/spec/containers/0/image",
    ],
    [
      "an init image",
      custom({ a: [{ initContainers: [{ image: "x" }] }] }),
      "image",
      "/spec/a/0/initContainers/0/image",
    ],
    [
      "the host's network",
      custom({ pods: { containers: [], hostNetwork: true } }),
      "privilege",
      "/spec/pods/hostNetwork",
    ],
    [
      "an annotation",
      custom({
        template: {
          metadata: { annotations: { "seccomp.security.alpha.kubernetes.io/pod": "unconfined" } },
          spec: { containers: [] },
        },
      }),
      "privilege",
      "/spec/template/spec",
    ],
    [
      "a version that Kubernetes 1.36 does not have",
      object("batch/v9", "Batch", "shop", { spec: { x: { containers: [{ image: "x" }] } } }),
      "image",
      "/image",
    ],
  ])("in a custom kind is found by its containers: %s", (_title, given, code, at) => {
    const found = refusal(() => rendered([given]));
    expect(found.code).toBe(code);
    expect(found.where.endsWith(at)).toBe(true);
  });

  it("of which a custom kind has a part only need not name what restricted asks for", () => {
    const part = custom({ containers: [{ name: "a", image: IMAGE }] });
    expect(rendered([part], { podSecurity: "restricted" }).objects).toHaveLength(1);
    expect(rendered([custom({ containers: ["a"], image: "x" })]).objects).toHaveLength(1);
  });
});

describe("an object", () => {
  const SERVERS = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generateName",
    "generation",
  ].concat(["managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid"]);
  it.each(SERVERS)("carries no metadata.%s", (key) => {
    const given = (value: Json) =>
      object("v1", "ConfigMap", "shop", { metadata: { name: "till", namespace: "shop", [key]: value } });
    const found = refusal(() => rendered([given("x")]));
    expect(found).toMatchObject({ code: "schema", where: `files/0-till.json v1 ConfigMap shop/till /metadata/${key}` });
    expect(rendered([given(null)]).objects).toHaveLength(1);
  });

  it("may have finalizers, annotations and a status", () => {
    const metadata = { name: "till", namespace: "shop", finalizers: ["x.io/a"], annotations: { a: "b" } };
    expect(rendered([object("x.io/v1", "Till", "shop", { metadata, status: {} })]).objects).toHaveLength(1);
  });

  it.each(["v1", "example.com/v1"])("is no list of others: %s", (apiVersion) => {
    const list = object(apiVersion, "TillList", "shop", { items: [deployment({ hostPID: true })] });
    expect(refusal(() => rendered([list])).code).toBe("unsupported");
  });

  it.each<[string, KubeObject]>([
    ["a pod's template", object("v1", "Pod", "shop", { spec: { metadata: { labels: { [BUNDLE_LABEL]: "other" } } } })],
    [
      "labels that somebody may hand on",
      object("x.io/v1", "Till", "shop", { spec: { labels: { [BUNDLE_LABEL]: "pos" } } }),
    ],
    [
      "a claim's template",
      object("apps/v1", "StatefulSet", "shop", { spec: { a: [{ metadata: { labels: { [BUNDLE_LABEL]: "pos" } } }] } }),
    ],
  ])("says whose it is by itself only, and never by %s", (_title, given) => {
    expect(refusal(() => rendered([given]))).toMatchObject({ code: "schema" });
  });

  it("may select by our label", () => {
    const selector = { podSelector: { matchLabels: { [BUNDLE_LABEL]: "pos" } } };
    expect(
      rendered([object("networking.k8s.io/v1", "NetworkPolicy", "shop", { spec: selector })]).objects,
    ).toHaveLength(1);
  });

  it("is held to the bundle's own rules as it came out", () => {
    const checks = [{ cel: "object.kind != 'ConfigMap' || object.data.size == 'small'", message: "small ones only" }];
    const given = object("v1", "ConfigMap", "shop", { data: { size: "${S}" } });
    const of = (size: string) => rendered([given], {}, { checks, variables: { S: { default: size } } });
    expect(of("small").objects).toHaveLength(1);
    expect(refusal(() => of("big")).code).toBe("policy");
  });

  it("with keys that would be a prototype is an object like others", () => {
    const text = '{"__proto__": {"hostNetwork": true}, "a": "${A}", "constructor": {"prototype": {"x": 1}}}';
    const [only] = rendered(
      [object("example.com/v1", "Till", "shop", { spec: JSON.parse(text) })],
      {},
      { variables: { A: { default: "b" } } },
    ).objects;
    expect(JSON.stringify(only?.object["spec"])).toBe(text.replaceAll(" ", "").replace("${A}", "b"));
    expect(({} as Record<string, unknown>)["hostNetwork"]).toBeUndefined();
    const labels = JSON.parse(`{"__proto__": "x", "constructor": "y"}`) as JsonObject;
    const [labelled] = rendered([
      object("v1", "ConfigMap", "shop", { metadata: { name: "till", namespace: "shop", labels } }),
    ]).objects;
    expect(JSON.stringify(labelled?.object.metadata["labels"])).toContain(`"${BUNDLE_LABEL}":"pos"`);
  });
});
