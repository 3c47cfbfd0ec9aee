import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import type { Selector } from "../../../shared/names.ts";
import { renderForBuild, type UnsignedBundle } from "../../../shared/render/build.ts";
import { couldMeet } from "../../../shared/render/could-meet.ts";
import { valuesToTry } from "../../../shared/render/placeholder.ts";
import { selects } from "../../../shared/selector.ts";
import type { Variable } from "../../../shared/variable.ts";
import { object, refusal } from "./sample.ts";

const image = (digit: number) => `registry.example/till@sha256:${String(digit).repeat(64)}`;

function pod(spec: JsonObject): KubeObject {
  return object("v1", "Pod", "shop", { spec });
}

/** Files named `0.json`, `1.json`; those after the first are patches, each for its sites. */
function unsigned(
  files: readonly KubeObject[],
  manifest: Partial<UnsignedBundle["manifest"]> = {},
  sites: readonly Selector[] = [],
): UnsignedBundle {
  const delegation = { pattern: "pos", keys: ["pos"], threshold: 1, epoch: 1, namespaces: ["shop"], kinds: ["*"] };
  const overlays: Bundle["overlays"] = sites.map((selector, index) => ({
    sites: selector,
    patch: `${files.length - sites.length + index}.json`,
    type: Array.isArray(files[files.length - sites.length + index]?.["patch"]) ? "json" : "strategic",
  }));
  return {
    manifest: { name: "pos", overlays, ...manifest },
    delegation,
    files: files.map((each, index) => ({ path: `${index}.json`, object: each })),
  };
}

const containers = (written: string) => ({ containers: [{ name: "till", image: written }] });

describe("before it is signed, a bundle", () => {
  it("names every image of every rendering, sorted", () => {
    const files = [pod(containers("${IMAGE}")), pod(containers(image(3))), pod(containers(image(4)))];
    const variables = { IMAGE: { enum: [image(2), image(1)] } };
    const north = unsigned(files, { variables }, [{ region: "north" }, { region: "south" }]);
    expect(renderForBuild(north).images).toEqual([1, 2, 3, 4].map(image));
  });

  it("is refused for an image without a digest, with what made it so", () => {
    const variables = { TAG: { default: image(1).slice(21), enum: [image(1).slice(21), ":latest"] } };
    const found = refusal(() =>
      renderForBuild(unsigned([pod(containers("registry.example/till${TAG}"))], { variables })),
    );
    expect(found.code).toBe("image");
    expect(found.where).toBe("files/0.json v1 Pod shop/till /spec/containers/0/image");
    expect(found.words).toContain('(with TAG=":latest")');
  });

  it.each<[string, Variable, string]>([
    ["a value of an enum", { enum: ["RuntimeDefault", "Unconfined"] }, 'A="Unconfined"'],
    [
      "a value of a label's enum",
      { label: "x", default: "Localhost", enum: ["Localhost", "Unconfined"] },
      "Unconfined",
    ],
    ["a default", { default: "Unconfined" }, "forbids seccomp"],
    ["what a pattern allows", { pattern: "^Unconfine(?:d|D)$" }, "forbids seccomp"],
  ])("is refused for %s that a site would refuse", (_title, variable, words) => {
    const risky = pod({ securityContext: { seccompProfile: { type: "${A}" } }, containers: [] });
    const found = refusal(() => renderForBuild(unsigned([risky], { variables: { A: variable } })));
    expect(found.code).toBe("privilege");
    expect(found.words).toContain(words);
  });

  it("is tried with both booleans, and with both ends of a range", () => {
    const of = (variable: Variable, spec: JsonObject) =>
      refusal(() => renderForBuild(unsigned([pod({ containers: [], ...spec })], { variables: { A: variable } }))).words;
    expect(of({ type: "boolean", default: false }, { hostPID: "${A}" })).toContain("(with A=true)");
    const port = { containers: [{ name: "a", image: image(1), ports: [{ hostPort: "${A}" }] }] };
    expect(of({ type: "integer", default: 0, min: 0, max: 9 }, port)).toContain("(with A=9)");
  });

  it("has each overlay applied alone, with every value", () => {
    const files = [pod({ containers: [] }), pod({ hostPID: "${A}" })];
    const variables = { A: { type: "boolean", default: false } } as const;
    const found = refusal(() => renderForBuild(unsigned(files, { variables }, [{ ring: "lab" }])));
    expect(found).toMatchObject({ code: "privilege", where: "files/0.json v1 Pod shop/till /spec/hostPID" });
    expect(found.words).toContain("(with A=true, overlay 1.json)");
  });

  const operation = (op: JsonObject) => object("v1", "Pod", "shop", { patch: [op] });
  const adds = operation({ op: "add", path: "/spec/hostPID", value: false });
  const turns = operation({ op: "replace", path: "/spec/hostPID", value: true });
  const tested = operation({ op: "test", path: "/spec/hostPID", value: "no" });

  it("has overlays applied together where one site can have both", () => {
    const files = [pod({ containers: [], hostPID: false }), adds, operation({ op: "remove", path: "/spec/hostPID" })];
    const twice = [...files, operation({ op: "remove", path: "/spec/hostPID" })];
    expect(renderForBuild(unsigned(files, {}, [{}, {}])).images).toEqual([]);
    expect(renderForBuild(unsigned(twice, {}, [{ r: "a" }, { r: "b" }, { r: "c" }])).images).toEqual([]);
    const found = refusal(() => renderForBuild(unsigned(twice, {}, [{ r: "a" }, { r: "b" }, { s: "c" }])));
    expect(found).toMatchObject({ code: "patch", where: "files/3.json /patch/0" });
    expect(found.words).toContain("(with overlay 2.json, overlay 3.json)");
  });

  it("is refused for a patch that cannot be applied, and for one that names nothing", () => {
    expect(refusal(() => renderForBuild(unsigned([pod({ containers: [] }), turns], {}, [{}]))).code).toBe("patch");
    expect(refusal(() => renderForBuild(unsigned([pod({ containers: [] }), tested], {}, [{}]))).code).toBe("patch");
    const manifest: Partial<Bundle> = { overlays: [{ sites: {}, patch: "none.json", type: "json" }] };
    expect(refusal(() => renderForBuild(unsigned([pod({})], manifest)))).toMatchObject({
      code: "patch",
      where: "bundle.json /overlays/0/patch",
    });
  });

  it("is refused for a declaration that contradicts itself, or that nothing can be tried with", () => {
    const of = (A: Variable) => refusal(() => renderForBuild(unsigned([pod({})], { variables: { A } })));
    expect(of({ settable: "hub" })).toMatchObject({ code: "variable", where: "bundle.json /variables/A/settable" });
    const odd = of({ type: "integer", min: 0.2, max: 0.8 });
    expect(odd).toMatchObject({ code: "variable", where: "bundle.json /variables/A" });
    expect(odd.words).toContain("no value was found");
  });

  it("is held to its own rules with every value", () => {
    const checks = [{ cel: "object.data.size == 'small'", message: "small" }];
    const map = object("v1", "ConfigMap", "shop", { data: { size: "${S}" } });
    const variables = { S: { default: "small", enum: ["small", "big"] } };
    const found = refusal(() => renderForBuild(unsigned([map], { checks, variables })));
    expect(found.code).toBe("policy");
    expect(found.words).toContain('(with S="big")');
  });
});

it.each<[Variable, unknown[]]>([
  [{ default: "a" }, ["a"]],
  [{ default: "b", enum: ["a", "b"] }, ["b", "a"]],
  [{}, ["a"]],
  [{ label: "x", pattern: "^[0-9]{4}-[A-Z]+(?:\\.x|y)?$" }, ["0000-A.x"]],
  [{ pattern: "^(?:shop|lab)-\\d\\d*$" }, ["shop-00"]],
  [{ pattern: "^[^a-z]$" }, ["0"]],
  [{ type: "integer", min: 1, max: 5, default: 2 }, [2, 1, 5]],
  [{ type: "integer" }, [0]],
  [{ type: "number", min: 0.5 }, [0.5, 1]],
  [{ type: "boolean" }, [false, true]],
])("%j is tried with %j", (variable, values) => {
  expect(valuesToTry(variable)).toEqual(values);
});

describe("two selectors", () => {
  const expression = (
    key: string,
    operator: "In" | "NotIn" | "Exists" | "DoesNotExist",
    ...values: string[]
  ): Selector => ({
    matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }],
  });
  const some = fc.oneof(
    fc.dictionary(fc.constantFrom("r", "s"), fc.constantFrom("a", "b"), { maxKeys: 2 }),
    fc
      .tuple(
        fc.constantFrom("r", "s"),
        fc.constantFrom("In", "NotIn", "Exists", "DoesNotExist" as const),
        fc.subarray(["a", "b"]),
      )
      .map(([key, operator, values]) => expression(key, operator as "In", ...values)),
  );

  it("could meet exactly where some site has both", () => {
    const values = [undefined, "a", "b", "c"];
    const sites = values.flatMap((r) => values.map((s) => ({ ...(r && { r }), ...(s && { s }) })));
    fc.assert(
      fc.property(fc.array(some, { maxLength: 4 }), (selectors) => {
        const found = sites.some((labels) => selectors.every((selector) => selects(selector as Selector, labels)));
        expect(couldMeet(selectors as Selector[])).toBe(found);
      }),
    );
  });
});
