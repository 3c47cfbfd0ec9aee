import { describe, expect, it } from "vitest";
import { heldByHand } from "../../shared/by-hand.ts";
import { type Fields, fieldWords, leavesOf, minus, pathTo, type Spot, union, without } from "../../shared/fields.ts";
import type { JsonObject, KubeObject } from "../../shared/live.ts";

const ITEM = 'k:{"name":"A"}';

describe("two sets of fields in one", () => {
  it.each<[string, Fields, Fields, Fields]>([
    ["beside each other", { "f:a": {} }, { "f:b": {} }, { "f:a": {}, "f:b": {} }],
    ["below each other", { "f:a": { "f:x": {} } }, { "f:a": { "f:y": {} } }, { "f:a": { "f:x": {}, "f:y": {} } }],
    ["whole, and in part", { "f:a": {} }, { "f:a": { "f:y": {} } }, { "f:a": { ".": {}, "f:y": {} } }],
    ["in part, and whole", { "f:a": { "f:y": {} } }, { "f:a": {} }, { "f:a": { ".": {}, "f:y": {} } }],
    ["the same", { "f:a": {} }, { "f:a": {} }, { "f:a": {} }],
    [
      "called as every JavaScript object is",
      { "f:constructor": {} },
      { "f:x": {} },
      { "f:constructor": {}, "f:x": {} },
    ],
  ])("%s", (_title, a, b, both) => expect(union(a, b)).toEqual(both));
});

describe("a set without a path", () => {
  it.each<[string, Fields, string[], Fields]>([
    [
      "and what owned nothing else",
      { "f:a": { "f:b": { "f:c": {} } }, "f:d": {} },
      ["f:a", "f:b", "f:c"],
      { "f:d": {} },
    ],
    ["and what owned more", { "f:a": { "f:b": {}, "f:c": {} } }, ["f:a", "f:b"], { "f:a": { "f:c": {} } }],
    ["that is not there", { "f:a": {} }, ["f:b"], { "f:a": {} }],
    ["below what is owned whole", { "f:a": {} }, ["f:a", "f:b"], { "f:a": {} }],
  ])("%s", (_title, fields, path, left) => expect(minus(fields, path)).toEqual(left));
});

describe("a spot", () => {
  const fields: Fields = {
    "f:spec": {
      "f:args": {},
      "f:env": { [ITEM]: { ".": {}, "f:name": {}, "f:value": {} } },
      "f:ports": { 'k:{"port":80,"protocol":"TCP"}': { "f:port": {} } },
      "f:set": { 'v:"x"': {} },
    },
  };
  it.each<[string, Spot, string[] | null]>([
    ["of a member", ["spec", "args"], ["f:spec", "f:args"]],
    ["inside of what is owned whole is all of that", ["spec", "args", { item: "a" }], ["f:spec", "f:args"]],
    [
      "through an item",
      ["spec", "env", { item: { name: "A", value: "1" } }, "value"],
      ["f:spec", "f:env", ITEM, "f:value"],
    ],
    [
      "through an item whose keys the server fills in",
      ["spec", "ports", { item: { port: 80 } }, "port"],
      ["f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:port"],
    ],
    ["through an item of another key", ["spec", "ports", { item: { port: 80, protocol: "UDP" } }], null],
    ["of an item of a set", ["spec", "set", { item: "x" }], ["f:spec", "f:set", 'v:"x"']],
    ["that nobody owns", ["spec", "other"], null],
  ])("%s", (_title, spot, path) => {
    expect(pathTo(fields, spot)).toEqual(path);
    expect(without(fields, [spot])).toEqual(path === null ? fields : minus(fields, path));
  });

  it("is told by names and keys, never by a value", () => {
    expect(leavesOf(fields).map(fieldWords)).toEqual([
      ".spec.args",
      '.spec.env[name="A"].name',
      '.spec.env[name="A"].value',
      '.spec.ports[port=80,protocol="TCP"].port',
      ".spec.set[]",
    ]);
  });
});

describe("what hands hold", () => {
  const object = (entry: JsonObject): KubeObject => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "till",
      managedFields: [{ operation: "Update", apiVersion: "v1", fieldsV1: { "f:spec": { "f:type": {} } }, ...entry }],
    },
  });
  it.each(["kubectl", "kubectl-edit", "kubectl-client-side-apply", "kubectl-label", "helm", "before-first-apply"])(
    "is what %s owns",
    (manager) =>
      expect(heldByHand(object({ manager }), []).map(({ paths }) => paths)).toEqual([[["f:spec", "f:type"]]]),
  );
  it.each<[string, JsonObject]>([
    ["a controller's", { manager: "operator" }],
    ["ours", { manager: "skerry", operation: "Apply" }],
    ["a restart's", { manager: "kubectl-rollout" }],
    ["of a subresource", { manager: "kubectl", subresource: "scale" }],
    ["in terms of another version", { manager: "kubectl", apiVersion: "v2" }],
    ["a finalizer", { manager: "kubectl", fieldsV1: { "f:metadata": { "f:finalizers": { 'v:"x"': {} } } } }],
    [
      "an address that the server gave",
      { manager: "before-first-apply", fieldsV1: { "f:spec": { "f:clusterIP": {} } } },
    ],
  ])("is nothing that is %s", (_title, entry) => expect(heldByHand(object(entry), [])).toEqual([]));

  it("is of another version what every version has: labels and annotations", () => {
    const fieldsV1 = { "f:spec": { "f:type": {} }, "f:metadata": { "f:labels": { ".": {}, "f:team": {} } } };
    const found = heldByHand(object({ manager: "kubectl-client-side-apply", apiVersion: "v2", fieldsV1 }), []);
    expect(found.map(({ paths }) => paths)).toEqual([[["f:metadata", "f:labels", "f:team"]]]);
  });

  it("nor what the bundle ignores", () => {
    expect(heldByHand(object({ manager: "kubectl" }), [["spec", "type"]])).toEqual([]);
  });
});
