import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sorted } from "../../../shared/canonical.ts";
import type { Json, JsonObject } from "../../../shared/live.ts";
import { strategicMerge } from "../../../shared/render/strategic.ts";
import { object, refusal } from "./sample.ts";
import { CASES } from "./strategic-cases.ts";

const GOLDEN = join(import.meta.dirname, "../../golden/render/strategic");

describe("a strategic merge patch does what kubectl 1.36.3 does", () => {
  it.each(Object.entries(CASES))("%s", (name, { object, patch }) => {
    const answer = JSON.parse(readFileSync(join(GOLDEN, `${name}.json`), "utf8")) as {
      result?: Json;
      refused?: string;
    };
    const before = sorted({ object, patch });
    if (answer.refused !== undefined) {
      expect(refusal(() => strategicMerge(object, patch, "files/p.json"))).toMatchObject({ code: "patch" });
    } else {
      expect(strategicMerge(object, patch, "files/p.json")).toEqual(answer.result);
    }
    expect(sorted({ object, patch })).toBe(before);
  });

  it("for every case that was recorded", () => {
    expect(readdirSync(GOLDEN).toSorted()).toEqual(
      Object.keys(CASES)
        .map((name) => `${name}.json`)
        .toSorted(),
    );
  });
});

describe("where kubectl would leave a mark that nothing carries out", () => {
  const merged = (spec: JsonObject, patch: JsonObject) =>
    strategicMerge(object("v1", "Pod", "shop", { spec }), { spec: patch }, "files/p.json")["spec"];

  it.each([
    ["a new item", {}, { containers: [{ name: "a", env: [{ name: "A", $patch: "delete" }], args: null }] }],
    ["a new map", {}, { containers: [{ name: "a", env: [] }], affinity: { $retainKeys: ["x"], nodeAffinity: null } }],
  ])("%s carries neither directives nor nulls", (_title, before, patch) => {
    const after = JSON.stringify(merged(before, patch));
    expect(after).not.toContain("$");
    expect(after).not.toContain("null");
  });

  it.each([
    [
      "a list that is replaced whole",
      { tolerations: [] },
      { tolerations: [{ $patch: "replace" }] },
      "/spec/tolerations/0",
    ],
    ["what replaces an object", { affinity: {} }, { affinity: { $patch: "replace", a: { $patch: "delete" } } }, "/a"],
    ["the order of a list of objects", { tolerations: [{}] }, { "$setElementOrder/tolerations": [{}] }, "/0"],
    ["a list that the directive does not name", {}, { $setElementOrder: [] }, "/spec"],
    ["no list", { containers: [] }, { containers: [{ name: "a" }, "b"] }, "/spec/containers"],
  ])("a directive in %s is refused", (_title, before, patch, at) => {
    const found = refusal(() => merged(before, patch));
    expect(found.code).toBe("patch");
    expect(found.where.startsWith("files/p.json /spec")).toBe(true);
    expect(found.where.endsWith(at)).toBe(true);
  });

  it("keys that every JavaScript object has are keys like others", () => {
    const patch = JSON.parse(
      '{"__proto__": {"a": 1}, "constructor": {"b": null, "c": 2}, "metadata": {"constructor": []}}',
    );
    const before = JSON.parse(
      '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "__proto__": {"d": 3}}',
    );
    const after = strategicMerge(before, patch, "p");
    expect(Object.hasOwn(after, "__proto__")).toBe(true);
    expect(JSON.stringify(after)).toBe(
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","constructor":[]},"__proto__":{"d":3,"a":1},"constructor":{"c":2}}',
    );
    expect(Object.getPrototypeOf(after)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)["a"]).toBeUndefined();
  });
});
