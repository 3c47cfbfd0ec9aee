import { expect, it } from "vitest";
import { definitionsOf, schemaProblem } from "../../../agent/prepare/definitions.ts";
import type { JsonObject, KubeObject } from "../../../shared/live.ts";

const SCHEMA: JsonObject = {
  type: "object",
  required: ["apiVersion", "spec"],
  properties: {
    apiVersion: { type: "string" },
    metadata: { type: "object" },
    spec: {
      type: "object",
      required: ["mode", "size"],
      properties: {
        mode: { type: "string", enum: ["day", "night"] },
        size: { type: "integer", default: 1 },
        ratio: { type: "number" },
        on: { type: "boolean" },
        port: { "x-kubernetes-int-or-string": true },
        note: { type: "string", nullable: true },
        tags: { type: "object", additionalProperties: { type: "string" } },
        any: { type: "object", additionalProperties: true },
        free: {
          type: "object",
          "x-kubernetes-preserve-unknown-fields": true,
          properties: { known: { type: "integer" } },
        },
        inner: { type: "object", "x-kubernetes-embedded-resource": true, properties: { spec: { type: "object" } } },
        drawers: {
          type: "array",
          items: { type: "object", required: ["id"], properties: { id: { type: "integer" } } },
        },
      },
    },
  },
};
const till = (spec: unknown, more: JsonObject = {}) =>
  ({ apiVersion: "example.com/v1", kind: "Till", metadata: { name: "a", labels: {} }, spec, ...more }) as KubeObject;

it.each<[string, unknown, string | null]>([
  ["all is there", { mode: "day", size: 2 }, null],
  ["a default stands for what is required", { mode: "day" }, null],
  ["something required is missing", { size: 1 }, "/spec/mode is required"],
  ["a value outside its enum", { mode: "dusk" }, '/spec/mode must be one of ["day","night"]'],
  ["a wrong type", { mode: "day", size: "2" }, "/spec/size must be of type integer"],
  ["a fraction for an integer", { mode: "day", size: 1.5 }, "/spec/size must be of type integer"],
  ["a whole number for a number", { mode: "day", ratio: 2 }, null],
  ["text for a boolean", { mode: "day", on: "yes" }, "/spec/on must be of type boolean"],
  ["integer or text", { mode: "day", port: "http" }, null],
  ["neither integer nor text", { mode: "day", port: 1.5 }, "/spec/port must be an integer or a string"],
  ["null where it may be", { mode: "day", note: null }, null],
  ["null where a default takes its place", { mode: "day", size: null }, null],
  ["null where it may not be", { mode: "day", on: null }, "/spec/on may not be null"],
  ["a field that the schema does not have", { mode: "day", zzz: 1 }, "/spec/zzz is not in the schema"],
  ["keys of a map", { mode: "day", tags: { a: "b" } }, null],
  ["a wrong value in a map", { mode: "day", tags: { a: 1 } }, "/spec/tags/a must be of type string"],
  ["a map of anything", { mode: "day", any: { a: [1] } }, null],
  ["unknown fields that are kept", { mode: "day", free: { zzz: 1 } }, null],
  [
    "a known field beside those that are kept",
    { mode: "day", free: { known: "1" } },
    "/spec/free/known must be of type integer",
  ],
  ["an object in an object", { mode: "day", inner: { apiVersion: "v1", kind: "Pod", metadata: {}, spec: {} } }, null],
  ["a list", { mode: "day", drawers: [{ id: 1 }] }, null],
  ["a wrong item of a list", { mode: "day", drawers: [{ id: 1 }, {}] }, "/spec/drawers/1/id is required"],
  ["no list where one must be", { mode: "day", drawers: {} }, "/spec/drawers must be of type array"],
  ["a key of every object's nature", { mode: "day", constructor: 1 }, "/spec/constructor is not in the schema"],
])("%s", (_title, spec, expected) => {
  expect(schemaProblem(till(spec), SCHEMA)).toBe(expected);
});

it("looks at the root, but for what every object has", () => {
  const { spec: _, ...bare } = till({});
  expect(schemaProblem(bare as KubeObject, SCHEMA)).toBe("/spec is required");
  expect(schemaProblem(till({ mode: "day" }, { status: {} }), SCHEMA)).toBe("/status is not in the schema");
  expect(schemaProblem(till(null), null)).toBe(null);
});

it("are read from the definitions of the bundle, those versions that are served", () => {
  const definition: KubeObject = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "tills.example.com" },
    spec: {
      group: "example.com",
      names: { kind: "Till", plural: "tills" },
      versions: [
        { name: "v1", served: true, schema: { openAPIV3Schema: SCHEMA } },
        { name: "v1beta1", served: false, schema: { openAPIV3Schema: SCHEMA } },
        { name: "v2", served: true },
      ],
    },
  };
  expect([...definitionsOf([definition, till({})])]).toEqual([
    ["example.com/v1 Till", SCHEMA],
    ["example.com/v2 Till", null],
  ]);
});
