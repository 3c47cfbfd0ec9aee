import { describe, expect, it } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import { BUNDLE_LABEL } from "../../../shared/render/render.ts";
import { siteDocument } from "../../support/fleet.ts";
import { HOLDERS, IMAGE, object, refusal, rendered } from "./sample.ts";

/**
 * Every way in which something could be carried past the checks, which look at what came out: a value from each source, a patch of each
 * sort, a pod in each place, and metadata that is not the owners' to write.
 */

const OTHER = `registry.example/till@sha256:${"2".repeat(64)}`;

function deployment(spec: JsonObject = {}, rest: JsonObject = {}): KubeObject {
  const pod = { containers: [{ name: "till", image: IMAGE }], ...spec };
  return object("apps/v1", "Deployment", "shop", { spec: { template: { spec: pod } }, ...rest });
}

/** As a patch of the deployment. */
const pod = (spec: JsonObject): JsonObject => ({ spec: { template: { spec } } });
const container = (change: JsonObject): JsonObject => pod({ containers: [{ name: "till", ...change }] });

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

/** The deployment, as the overlay leaves it: the second file is the patch. */
function overlaid(type: "strategic" | "json", patch: JsonObject, more: Partial<Bundle> = {}, target = deployment()) {
  const overlays: Bundle["overlays"] = [{ sites: { ring: "lab" }, patch: "1-till.json", type }];
  const { apiVersion, kind, metadata } = target;
  const own = typeof patch["metadata"] === "object" ? (patch["metadata"] as JsonObject) : {};
  const file = { apiVersion, kind, ...patch, metadata: { ...metadata, ...own } } as KubeObject;
  return rendered([target, file], {}, { overlays, ...more });
}

const RISKY: [string, JsonObject, string, Partial<Bundle>?][] = [
  ["a host path", pod({ volumes: [{ name: "v", hostPath: { path: "/" } }] }), "privilege"],
  [
    "a host path in place of another source",
    pod({ volumes: [{ name: "v", emptyDir: null, hostPath: { path: "/" } }] }),
    "privilege",
  ],
  ["a privileged container", container({ securityContext: { privileged: true } }), "privilege"],
  ["the host's network", pod({ hostNetwork: true }), "privilege"],
  ["another image", container({ image: OTHER }), "image"],
  ["an image without a digest", container({ image: "till:latest" }), "image"],
  ["another container", pod({ containers: [{ name: "b", image: OTHER }] }), "image"],
  ["all of its containers", pod({ containers: [{ $patch: "replace" }, { name: "b", image: OTHER }] }), "image"],
  ["an init container", pod({ initContainers: [{ name: "b", image: OTHER }] }), "image"],
  ["an ephemeral container", pod({ ephemeralContainers: [{ name: "b", image: OTHER }] }), "image"],
  ["a mounted image", pod({ volumes: [{ name: "v", image: { reference: OTHER } }] }), "image"],
  [
    "a profile by annotation",
    {
      spec: {
        template: {
          metadata: { annotations: { "container.apparmor.security.beta.kubernetes.io/till": "unconfined" } },
        },
      },
    },
    "privilege",
  ],
  ["an owner", { metadata: { ownerReferences: [{ uid: "1" }] } }, "schema"],
  ["our label on its pods", { spec: { template: { metadata: { labels: { [BUNDLE_LABEL]: "other" } } } } }, "schema"],
  [
    "an image by a value",
    container({ image: "till@${D}" }),
    "image",
    { variables: { D: { default: OTHER.slice(-71) } } },
  ],
];

/** The same as operations: each member of the spec's pod set whole. */
function operations(patch: JsonObject): Json[] {
  const set = (at: string, value: Json): Json[] =>
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    ["", "/spec", "/spec/template", "/spec/template/spec", "/metadata"].includes(at)
      ? Object.entries(value).flatMap(([key, item]) => set(`${at}/${key.replaceAll("/", "~1")}`, item))
      : [{ op: "add", path: at, value }];
  return set("", patch);
}

describe("an overlay", () => {
  it("that selects the site is applied, one that does not is not", () => {
    expect(overlaid("strategic", { spec: { replicas: 3 } }).objects).toHaveLength(1);
    expect(overlaid("strategic", { spec: { replicas: 3 } }).objects[0]?.object["spec"]).toMatchObject({ replicas: 3 });
    const overlays: Bundle["overlays"] = [{ sites: { ring: "shop" }, patch: "1-till.json", type: "strategic" }];
    const [only] = rendered([deployment(), deployment({ hostNetwork: true })], {}, { overlays }).objects;
    expect(only?.object["spec"]).toEqual(deployment()["spec"]);
  });

  it("brings values with it, and follows those before it", () => {
    const overlays: Bundle["overlays"] = [
      { sites: {}, patch: "1-till.json", type: "strategic" },
      { sites: {}, patch: "2-till.json", type: "json" },
    ];
    const map = (rest: JsonObject) => object("v1", "ConfigMap", "shop", rest);
    const files = [
      map({ data: { a: "1" } }),
      map({ data: { b: "${N}", c: "n=${N}" } }),
      map({
        patch: [
          { op: "test", path: "/data/b", value: "${N}" },
          { op: "move", from: "/data/b", path: "/data/d" },
        ],
      }),
    ];
    const [only] = rendered(files, {}, { overlays, variables: { N: { type: "integer", default: 2 } } }).objects;
    expect(only?.object["data"]).toEqual({ a: "1", c: "n=2", d: 2 });
  });

  it.each(RISKY)("of the strategic sort cannot bring %s", (_title, patch, code, more = {}) => {
    expect(refusal(() => overlaid("strategic", patch, more)).code).toBe(code);
  });

  it.each(RISKY.filter(([, patch]) => !JSON.stringify(patch).includes("$patch")))(
    "of JSON operations cannot bring %s",
    (_title, patch, code, more = {}) => {
      const base = deployment({}, {});
      const spec = base["spec"] as JsonObject;
      (spec["template"] as JsonObject)["metadata"] = {};
      const file: JsonObject = { patch: operations(patch) };
      expect(refusal(() => overlaid("json", file, more, base)).code).toBe(code);
    },
  );

  it.each<[string, "strategic" | "json", JsonObject]>([
    ["its kind", "json", { patch: [{ op: "replace", path: "/kind", value: "Secret" }] }],
    ["its version", "json", { patch: [{ op: "replace", path: "/apiVersion", value: "v1" }] }],
    ["its name", "json", { patch: [{ op: "replace", path: "/metadata/name", value: "other" }] }],
    ["its namespace", "json", { patch: [{ op: "replace", path: "/metadata/namespace", value: "kube-system" }] }],
    ["all of it", "json", { patch: [{ op: "replace", path: "", value: { kind: "List", items: [] } }] }],
    ["its namespace by taking it away", "json", { patch: [{ op: "remove", path: "/metadata/namespace" }] }],
    ["its metadata by taking it away", "json", { patch: [{ op: "remove", path: "/metadata" }] }],
    ["that it is there", "strategic", { $patch: "delete" }],
    ["its metadata by replacing it", "strategic", { metadata: { $patch: "delete" } }],
  ])("cannot change %s", (_title, type, patch) => {
    expect(refusal(() => overlaid(type, patch))).toMatchObject({ code: "patch", where: "files/1-till.json" });
  });

  it("that replaces at the root is still looked at", () => {
    const whole = deployment({ hostPID: true });
    expect(refusal(() => overlaid("strategic", { ...whole, $patch: "replace" })).code).toBe("privilege");
    expect(overlaid("strategic", { ...deployment(), $patch: "replace" }).objects[0]?.object).not.toHaveProperty(
      "$patch",
    );
  });

  it.each<[string, KubeObject, string]>([
    ["no object of the bundle", object("v1", "ConfigMap", "shop"), "the bundle has no object v1 ConfigMap shop/till"],
    ["another namespace", object("apps/v1", "Deployment", "bank"), "Deployment bank/till to patch"],
    ["no namespace", object("apps/v1", "Deployment", null), "Deployment till to patch"],
    [
      "another patch",
      { ...deployment(), metadata: { name: "patch", namespace: "shop" } },
      "Deployment shop/patch to patch",
    ],
  ])("of %s is refused", (_title, patch, words) => {
    const overlays: Bundle["overlays"] = [{ sites: {}, patch: `1-${patch.metadata.name}.json`, type: "strategic" }];
    const found = refusal(() => rendered([deployment(), patch], {}, { overlays }));
    expect(found).toMatchObject({ code: "patch", where: `files/1-${patch.metadata.name}.json` });
    expect(found.words).toContain(words);
  });

  it.each<[string, JsonObject]>([
    ["other keys", { patch: [], spec: {} }],
    ["other metadata", { patch: [], metadata: { labels: {} } }],
    ["operations that are no list", { patch: {} }],
    ["no operations", {}],
  ])("of JSON operations with %s is refused", (_title, file) => {
    expect(refusal(() => overlaid("json", file))).toMatchObject({ code: "patch", where: "files/1-till.json /patch" });
  });

  it("cannot let a value name what it patches, or how", () => {
    const variables: Bundle["variables"] = { A: { default: "replace" }, T: { default: "till" } };
    expect(
      refusal(() => overlaid("strategic", pod({ containers: [{ $patch: "${A}", name: "till" }] }), { variables })).code,
    ).toBe("patch");
    const added = overlaid("strategic", pod({ containers: [{ name: "${T}", image: IMAGE }] }), { variables })
      .objects[0];
    const spec = ((added?.object["spec"] as JsonObject)["template"] as JsonObject)["spec"] as JsonObject;
    expect(spec["containers"]).toHaveLength(2);
    expect(
      refusal(() => overlaid("json", { patch: [{ op: "add", path: "/spec/${A}", value: 1 }] }, { variables })).code,
    ).toBe("variable");
  });
});

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
