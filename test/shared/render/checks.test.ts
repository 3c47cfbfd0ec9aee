import { describe, expect, it } from "vitest";
import { checkPolicy, compileChecks } from "../../../shared/render/checks.ts";
import { object, refusal } from "./sample.ts";

const till = object("apps/v1", "Deployment", "shop", { spec: { replicas: 2, template: { spec: {} } } });

describe("the checks of a bundle", () => {
  it("let pass what all of them hold for", () => {
    const checks = compileChecks([
      { cel: "object.kind != 'Pod'", message: "no bare pods" },
      { cel: "object.metadata.namespace == 'shop'", message: "only in shop" },
    ]);
    expect(() => checkPolicy(till, checks, "00-till.json")).not.toThrow();
    expect(() => checkPolicy(till, compileChecks(undefined), "00-till.json")).not.toThrow();
  });

  it("refuse an object that one does not hold for, and name file, object, check and message", () => {
    const checks = compileChecks([
      { cel: "true", message: "always" },
      { cel: "object.kind != 'Pod'", message: "no bare pods" },
    ]);
    expect(refusal(() => checkPolicy(object("v1", "Pod", "shop"), checks, "00-till.json"))).toEqual({
      code: "policy",
      where: "files/00-till.json v1 Pod shop/till",
      words: "check 1 of the bundle (no bare pods) does not hold",
    });
  });

  it("refuse an object that one has no answer for", () => {
    const checks = compileChecks([{ cel: "object.spec.replicas > 1", message: "two tills at least" }]);
    expect(refusal(() => checkPolicy(object("v1", "ConfigMap", "shop"), checks, "01-till.json"))).toEqual({
      code: "policy",
      where: "files/01-till.json v1 ConfigMap shop/till",
      words: "check 0 of the bundle (two tills at least) has no answer here: No such key: spec",
    });
  });

  it("refuse an object too big to be read, with its place", () => {
    const checks = compileChecks([{ cel: "true", message: "always" }]);
    const big = object("v1", "ConfigMap", "shop", { list: Array.from({ length: 100_000 }, () => 1) });
    expect(refusal(() => checkPolicy(big, checks, "02-till.json"))).toEqual({
      code: "too-large",
      where: "files/02-till.json v1 ConfigMap shop/till",
      words: "more than 100000 values are too many for CEL",
    });
  });

  it("are refused with their pointer where they are no CEL, or too many", () => {
    const broken = [
      { cel: "true", message: "always" },
      { cel: "object.", message: "what" },
    ];
    expect(refusal(() => compileChecks(broken))).toMatchObject({ code: "schema", where: "bundle.json /checks/1/cel" });
    const many = Array.from({ length: 65 }, () => ({ cel: "true", message: "always" }));
    expect(refusal(() => compileChecks(many))).toMatchObject({ code: "too-large", where: "bundle.json /checks" });
  });
});
