import { describe, expect, it } from "vitest";
import { compileHealthRules } from "../../../shared/render/health-rules.ts";
import { configMap } from "../../support/fleet.ts";
import { refusal, rendered } from "./sample.ts";

const TILL = { apiVersion: "example.com/v1", kind: "Till", cel: "object.status.open" };

const of = (...rules: (typeof TILL)[]) => refusal(() => compileHealthRules(rules));

describe("the health rules of a bundle", () => {
  it("are compiled with it, each for its kind and version alone", () => {
    const health = { holdFor: "1s", deadline: "10s", rules: [TILL, { ...TILL, apiVersion: "example.com/v2" }] };
    const { health: compiled } = rendered([configMap("till")], {}, { health });
    expect([...compiled].map(([kind, { source }]) => [kind, source])).toEqual([
      ["example.com/v1 Till", "object.status.open"],
      ["example.com/v2 Till", "object.status.open"],
    ]);
  });

  it("are no part of a bundle without them", () => {
    expect(rendered([configMap("till")]).health.size).toBe(0);
  });

  it("that are no CEL keep a site from opening the bundle, with their pointer", () => {
    const health = { holdFor: "1s", deadline: "10s", rules: [TILL, { ...TILL, kind: "Drawer", cel: "object." }] };
    expect(refusal(() => rendered([configMap("till")], {}, { health }))).toMatchObject({
      code: "schema",
      where: "bundle.json /health/rules/1/cel",
    });
  });

  it.each([
    ["no CEL", "object.status.", "schema"],
    ["neither true nor false", "size(object.status)", "schema"],
    ["another variable", "self.status.open", "schema"],
    ["what can run for seconds", "object.status.phase.matches('(a+)+$')", "unsupported"],
    ["too long", `object.status.open || ${"true || ".repeat(600)}true`, "too-large"],
    ["too many parts", `${"true || ".repeat(500)}true`, "too-large"],
  ])("are refused where one is %s", (_, cel, code) => {
    expect(of({ ...TILL, cel })).toMatchObject({ code, where: "bundle.json /health/rules/0/cel" });
  });

  it("are one for a kind", () => {
    expect(of(TILL, { ...TILL, cel: "true" })).toEqual({
      code: "schema",
      where: "bundle.json /health/rules/1",
      words: "a second health rule for example.com/v1 Till",
    });
  });

  it("are at most 64", () => {
    const many = Array.from({ length: 65 }, (_, index) => ({ ...TILL, kind: `Till${index}` }));
    expect(of(...many)).toMatchObject({ code: "too-large", words: "65 health rules, at most 64" });
    expect(compileHealthRules(many.slice(1)).size).toBe(64);
  });

  it("do not look into Secrets", () => {
    expect(of({ apiVersion: "v1", kind: "Secret", cel: "object.data.a == 'b'" })).toMatchObject({ code: "schema" });
  });
});
