import { describe, expect, it } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import { BUNDLE_LABEL, render } from "../../../shared/render/render.ts";
import { deployment, IMAGE, OTHER, object, overlaid, refusal, rendered } from "./sample.ts";

/** As a patch of the deployment. */
const pod = (spec: JsonObject): JsonObject => ({ spec: { template: { spec } } });
const container = (change: JsonObject): JsonObject => pod({ containers: [{ name: "till", ...change }] });

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

  it("that is nested too deep to be walked is refused", () => {
    let deep: Json = "x";
    for (let level = 0; level < 20_000; level += 1) deep = [deep];
    const overlays = [{ sites: {}, patch: "b", type: "strategic" }];
    const files = [
      { path: "a", object: deployment() },
      { path: "b", object: { ...deployment(), deep } },
    ];
    const bundle = { manifest: { name: "pos", images: [], overlays }, delegation: {}, files };
    const found = refusal(() => render(bundle as never, { record: { id: "s-1", labels: {}, values: {} }, hub: {} }));
    expect(found).toMatchObject({ code: "malformed", where: "files/b" });
  });

  it("cannot let a value name what it patches, or how", () => {
    const variables: Bundle["variables"] = { A: { default: "replace" }, T: { default: "till" } };
    expect(
      refusal(() => overlaid("strategic", pod({ containers: [{ $patch: "${A}", name: "till" }] }), { variables })).code,
    ).toBe("patch");
    const added = overlaid("strategic", pod({ containers: [{ name: "${T}", image: IMAGE }] }), { variables });
    expect(
      JSON.stringify(added.objects[0]?.object).match(/"name":"till","image"|"image":"[^"]*","name":"till"/g),
    ).toHaveLength(2);
    expect(
      refusal(() => overlaid("json", { patch: [{ op: "add", path: "/spec/${A}", value: 1 }] }, { variables })).code,
    ).toBe("variable");
  });
});
