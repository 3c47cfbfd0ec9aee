import { assert, dictionary, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { applyBody, asKubeObject } from "../../../agent/apply/rest-body.ts";
import type { KubeObject } from "../../../shared/live.ts";

const object = (data: Record<string, string>): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", namespace: "shop" },
  data,
});

describe("the body of an apply", () => {
  test("is the object as JSON, without the characters that YAML reads otherwise", () => {
    assert(
      property(dictionary(string({ unit: "binary" }), string({ unit: "binary" })), (data) => {
        const body = applyBody(object(data));
        expect(JSON.parse(body)).toEqual(object(data));
        expect(body).not.toMatch(/[\u007f-\u009f\u2028\u2029\ufffe\uffff]/);
        expect(body.isWellFormed()).toBe(true);
      }),
    );
  });

  test("keeps astral characters raw", () => expect(applyBody(object({ a: "𝄞" }))).toContain('"𝄞"'));

  test.each([
    ["a value", object({ a: "x\ud834" }), "/data/a"],
    ["a key", object({ "\udd1e": "x" }), "/data/"],
    ["an item of a list", { ...object({}), list: [{ deep: ["ok", "\ud834\ud834"] }] }, "/list/0/deep/1"],
  ])("is refused with half a surrogate pair in %s, by its path", (_, broken, path) => {
    expect(() => applyBody(broken)).toThrow(
      expect.objectContaining({ code: "malformed", where: expect.stringContaining(`v1 ConfigMap shop/a ${path}`) }),
    );
  });
});

test("an object without a name is none; an item of a list takes the list's type", () => {
  expect(asKubeObject({ apiVersion: "v1", kind: "ConfigMap", metadata: {} })).toBeUndefined();
  expect(asKubeObject({ metadata: { name: "a" } })).toBeUndefined();
  expect(asKubeObject([])).toBeUndefined();
  const list = { apiVersion: "v1", kind: "ConfigMap" };
  expect(asKubeObject({ metadata: { name: "a" } }, list)).toEqual({ ...list, metadata: { name: "a" } });
});
