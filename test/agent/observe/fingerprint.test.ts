import { describe, expect, it } from "vitest";
import { fingerprinting } from "../../../agent/observe/fingerprint.ts";
import { project } from "../../../shared/fields.ts";
import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import { fingerprint } from "../../support/secrets.ts";

const ALL = { "f:": {} };

/** A Deployment as a server has it after our apply: our fields, those that it filled in, those of controllers. */
function live(): KubeObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: "till",
      namespace: "shop",
      uid: "u-1",
      resourceVersion: "100",
      generation: 1,
      labels: { "skerry.dev/bundle": "pos", app: "till" },
      finalizers: ["example.com/keep"],
      managedFields: [
        {
          manager: "team-controller",
          operation: "Update",
          fieldsV1: { "f:metadata": { "f:labels": { "f:team": {} } } },
        },
        {
          manager: "skerry",
          operation: "Apply",
          apiVersion: "apps/v1",
          time: "2026-11-01T08:00:00Z",
          fieldsType: "FieldsV1",
          fieldsV1: {
            "f:metadata": {
              "f:labels": { "f:app": {}, "f:skerry.dev/bundle": {} },
              "f:finalizers": { 'v:"example.com/keep"': {} },
            },
            "f:spec": {
              "f:selector": {},
              "f:template": {
                "f:metadata": { "f:labels": { "f:app": {} } },
                "f:spec": {
                  "f:containers": {
                    'k:{"name":"till"}': {
                      ".": {},
                      "f:name": {},
                      "f:image": {},
                      "f:args": {},
                      "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
                      "f:env": { 'k:{"name":"A"}': { ".": {}, "f:name": {}, "f:value": {} } },
                    },
                  },
                },
              },
            },
          },
        },
        { manager: "skerry", operation: "Apply", subresource: "status", fieldsV1: { "f:status": {} } },
      ],
    },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: "till" } },
      template: {
        metadata: { labels: { app: "till" } },
        spec: {
          containers: [
            {
              name: "till",
              image: "till:1",
              args: ["serve", "--fast"],
              ports: [{ containerPort: 80, protocol: "TCP" }],
              env: [{ name: "A", value: "1" }],
              imagePullPolicy: "IfNotPresent",
            },
          ],
          restartPolicy: "Always",
        },
      },
    },
    status: { observedGeneration: 1, readyReplicas: 1 },
  };
}

/** The object with one value set (or with undefined taken away) at a path of keys and indexes. */
function edited(path: string, value: Json | undefined): KubeObject {
  const object = live();
  const steps = path.split("/");
  const last = steps.pop() ?? "";
  let at = object as unknown as Record<string, unknown>;
  for (const step of steps) at = at[step] as Record<string, unknown>;
  if (value !== undefined) at[last] = value;
  else if (Array.isArray(at)) at.splice(Number(last), 1);
  else delete at[last];
  return object;
}

const OURS = "metadata/managedFields/1/fieldsV1";
const TILL = "spec/template/spec/containers/0";
const fresh = fingerprint(live());

describe("drift is seen in an edit that", () => {
  it.each<[string, "live" | "fields", string, Json | undefined]>([
    ["changes a value", "live", `${TILL}/image`, "till:2"],
    ["takes a value away", "live", `${TILL}/image`, undefined],
    ["changes a label of ours", "live", "metadata/labels/app", "other"],
    ["changes a value inside a list item that is named by its keys", "live", `${TILL}/env/0/value`, "2"],
    ["takes such an item away", "live", `${TILL}/env/0`, undefined],
    ["gives such an item another key", "live", `${TILL}/ports/0/protocol`, "UDP"],
    ["takes a member of a set away", "live", "metadata/finalizers/0", undefined],
    ["changes a list that is one value", "live", `${TILL}/args`, ["serve"]],
    ["turns the order of a list that is one value", "live", `${TILL}/args`, ["--fast", "serve"]],
    ["adds to a map that is one value", "live", "spec/selector/matchLabels/tier", "x"],
    ["takes the list as a whole away", "live", "spec/template/spec/containers", []],
    ["puts another type in its place", "live", "spec/template/spec", "text"],
    ["takes a field from us, the value kept", "fields", `${OURS}/f:spec/f:selector`, undefined],
    ["gives us a field", "fields", `${OURS}/f:spec/f:replicas`, {}],
  ])("%s (%s)", (_title, which, path, value) => {
    expect(fingerprint(edited(path, value))[which]).not.toBe(fresh[which]);
  });

  it.each(["kubectl", "kubectl-edit", "helm"])("adds something by hand, as %s", (manager) => {
    const object = live();
    const fieldsV1 = { "f:metadata": { "f:labels": { "f:extra": {} } } };
    const entry = { manager, operation: "Update", apiVersion: "apps/v1", fieldsV1 };
    object.metadata["managedFields"] = [...(object.metadata["managedFields"] as Json[]), entry];
    const found = fingerprint(object);
    expect([found.fields === fresh.fields, found.live === fresh.live]).toEqual([false, true]);
    entry.manager = "operator";
    expect(fingerprint(object)).toEqual(fresh);
  });

  it("takes all of it from us", () => {
    const object = live();
    object.metadata["managedFields"] = [];
    expect(fingerprint(object)).toEqual({ fields: "", live: "" });
    expect(fresh.fields).not.toBe("");
  });
});

describe("no drift is", () => {
  it.each<[string, string, Json | undefined]>([
    ["a status", "status", { observedGeneration: 1, readyReplicas: 0 }],
    ["a new resourceVersion", "metadata/resourceVersion", "101"],
    ["a new generation", "metadata/generation", 2],
    ["somebody else's label", "metadata/labels/team", "x"],
    ["somebody else's annotation", "metadata/annotations", { note: "x" }],
    ["somebody else's field", "spec/replicas", 5],
    ["a field that the server fills in", "spec/template/spec/dnsPolicy", "ClusterFirst"],
    ["a field that the server fills in, in an item of ours", `${TILL}/terminationMessagePath`, "/dev/log"],
    ["an item that somebody else adds to a list of ours", `${TILL}/env/1`, { name: "B", value: "2" }],
    ["a container that somebody else adds", "spec/template/spec/containers/1", { name: "sidecar", image: "s" }],
    ["a member that somebody else adds to a set of ours", "metadata/finalizers/1", "example.com/other"],
    ["when our apply was", "metadata/managedFields/1/time", "2026-12-01T08:00:00Z"],
    ["somebody else's entry", "metadata/managedFields/0", undefined],
    ["our entry for a subresource", "metadata/managedFields/2", undefined],
  ])("%s", (_title, path, value) => {
    expect(fingerprint(edited(path, value))).toEqual(fresh);
  });

  it("what the bundle ignores, edited or taken", () => {
    const overlooked = {
      ignored: [["spec", "template", "spec", "containers", { item: { name: "till" } }, "image"]],
      empty: [],
    };
    const before = fingerprint(live(), overlooked);
    const ours = `${OURS}/f:spec/f:template/f:spec/f:containers/k:{"name":"till"}/f:image`;
    for (const [path, value] of [
      [`${TILL}/image`, "till:2"],
      [ours, undefined],
    ] as const) {
      expect(fingerprint(edited(path, value), overlooked)).toEqual(before);
      expect(fingerprint(edited(path, value))).not.toEqual(fresh);
    }
  });

  it("what others put into a map that was sent empty; that it is taken away is", () => {
    const overlooked = { ignored: [], empty: [["data"]] };
    const map = (data: Json | undefined, fields: JsonObject): KubeObject => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a", managedFields: [{ manager: "skerry", operation: "Apply", fieldsV1: fields }] },
      ...(data !== undefined && { data }),
    });
    const ours = { "f:data": {}, "f:metadata": { "f:labels": {} } };
    const before = fingerprint(map(undefined, ours), overlooked);
    expect(fingerprint(map({ theirs: "1" }, ours), overlooked)).toEqual(before);
    expect(fingerprint(map({ theirs: "2" }, ours), overlooked)).toEqual(before);
    const taken = fingerprint(map({ theirs: "1" }, { "f:metadata": { "f:labels": {} } }), overlooked);
    expect([taken.live === before.live, taken.fields === before.fields]).toEqual([true, false]);
  });

  it("another order of keys", () => {
    expect(fingerprint(turned(live()) as KubeObject)).toEqual(fresh);
  });
});

describe("a value projected on a set of fields", () => {
  it.each<[string, Json, JsonObject, Json]>([
    ["all of it", { a: 1, b: 2 }, {}, { a: 1, b: 2 }],
    ["all of it, and the thing itself", { a: 1 }, { ".": {} }, { a: 1 }],
    ["one member", { a: 1, b: 2 }, { "f:a": {} }, { a: 1 }],
    ["a member that is not there", { b: 2 }, { "f:a": {} }, {}],
    ["a member that is null", { a: null }, { "f:a": {} }, { a: null }],
    ["a member with a dot and a slash", { "a.b/c": 1 }, { "f:a.b/c": {} }, { "a.b/c": 1 }],
    ["an empty name", { "": 1 }, ALL, { "": 1 }],
    [
      "an item by two keys",
      [
        { p: 1, q: "x", z: 1 },
        { p: 1, q: "y", z: 2 },
      ],
      { 'k:{"p":1,"q":"y"}': { "f:z": {} } },
      [{ z: 2 }],
    ],
    ["an item by its value", ["a", "b"], { 'v:"b"': {} }, ["b"]],
    ["a number by its value", [1, 2], { "v:2": {} }, [2]],
    ["an item by its index", ["a", "b"], { "i:1": {} }, ["b"]],
    [
      "items in the order of the list",
      [{ n: "b" }, { n: "a" }],
      { 'k:{"n":"a"}': {}, 'k:{"n":"b"}': {} },
      [{ n: "b" }, { n: "a" }],
    ],
    ["keys of a map, and it became a list", [1], { "f:a": {} }, []],
    ["keys of a map, and it became text", "x", { "f:a": {} }, "x"],
    ["a member that every JavaScript object has", {}, { "f:constructor": {} }, {}],
  ])("%s", (_title, value, fields, expected) => {
    expect(project(value, fields)).toEqual(expected);
  });

  it("keeps a member that is called __proto__", () => {
    const value = JSON.parse('{"__proto__":"x"}') as Json;
    expect(JSON.stringify(project(value, JSON.parse('{"f:__proto__":{}}') as JsonObject))).toBe('{"__proto__":"x"}');
  });
});

function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, turned(member)]),
  );
}

it("says nothing of a live value to whoever has not the key of the site", () => {
  const other = fingerprinting(new Uint8Array(32).fill(13))(live());
  expect([other.live === fresh.live, other.fields === fresh.fields]).toEqual([false, false]);
});
