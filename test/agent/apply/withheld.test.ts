import { describe, expect, it } from "vitest";
import { blocking } from "../../../agent/apply/blocking.ts";
import { differences, differenceWords } from "../../../agent/apply/differences.ts";
import { withheld } from "../../../agent/apply/withheld.ts";
import type { Spot } from "../../../shared/fields.ts";
import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import { overlookedIn } from "../../../shared/render/overlook.ts";
import { mayRecreate } from "../../../shared/render/recreate.ts";

const till = { name: "till", env: [{ name: "A", value: "1" }], resources: { limits: { cpu: "1" } } };
const DESIRED: KubeObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "till", namespace: "shop" },
  spec: { replicas: 2, template: { spec: { containers: [till] } } },
};
const OWNED = {
  "f:spec": {
    "f:replicas": {},
    "f:template": {
      "f:spec": {
        "f:containers": {
          'k:{"name":"till"}': {
            ".": {},
            "f:name": {},
            "f:env": { 'k:{"name":"A"}': { ".": {}, "f:name": {}, "f:value": {} } },
            "f:resources": { "f:limits": { "f:cpu": {} } },
          },
        },
      },
    },
  },
};

function live(ours: JsonObject, others: JsonObject[] = [], object: KubeObject = DESIRED): KubeObject {
  const entry = { manager: "skerry", operation: "Apply", apiVersion: "apps/v1", fieldsV1: ours };
  return { ...object, metadata: { ...object.metadata, managedFields: [entry, ...others] } };
}

const ignoring = (...paths: string[]): readonly Spot[] =>
  overlookedIn(DESIRED, { ...DESIRED, namespace: "shop", name: "till" }, [{ kind: "Deployment", paths }]).ignored;
const REF = { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "till" };

describe("what is sent to a live object", () => {
  it("is all of it where nobody took an ignored field", () => {
    expect(withheld(DESIRED, live(OWNED), ignoring("/spec/replicas"))).toBe(DESIRED);
  });

  it("is all but what somebody took, and what is empty without it", () => {
    const none = { "f:metadata": {} };
    const paths = ignoring(
      "/spec/replicas",
      "/spec/template/spec/containers/0/env/0/value",
      "/spec/template/spec/containers/0/resources/limits/cpu",
    );
    expect(withheld(DESIRED, live(none), paths)["spec"]).toEqual({
      template: { spec: { containers: [{ name: "till", env: [{ name: "A" }] }] } },
    });
  });

  it("is all but what was scaled", () => {
    const scale = {
      manager: "hpa",
      operation: "Update",
      subresource: "scale",
      fieldsV1: { "f:spec": { "f:replicas": {} } },
    };
    expect(withheld(DESIRED, live(OWNED, [scale]), [])["spec"]).toEqual({
      template: DESIRED["spec"] && { spec: { containers: [till] } },
    });
  });
});

describe("the difference of a live object", () => {
  const by = (manager: string, fieldsV1: JsonObject) => ({
    manager,
    operation: "Update",
    apiVersion: "apps/v1",
    fieldsV1,
  });

  it.each<[string, KubeObject | null, readonly Spot[], string]>([
    ["that is not there", null, [], "the object removed, which leaves no trace of who did it"],
    ["that is not ours", live({}, [by("operator", OWNED)], DESIRED), [], ".spec.replicas changed by operator"],
    [
      "with a field that somebody took",
      live({ "f:spec": { "f:template": OWNED["f:spec"]["f:template"] } }, [
        by("operator", { "f:spec": { "f:replicas": {} } }),
      ]),
      [],
      ".spec.replicas changed by operator",
    ],
    [
      "with an ignored one",
      live({ "f:spec": { "f:template": OWNED["f:spec"]["f:template"] } }),
      ignoring("/spec/replicas"),
      "",
    ],
  ])("%s", (_title, found, ignored, words) => {
    expect(differenceWords(differences(DESIRED, found, ignored))).toContain(words);
  });

  it("is told in three parts at the most, and how many more", () => {
    const hand = by("kubectl-edit", { "f:a": {}, "f:b": {}, "f:c": {}, "f:d": {}, "f:e": {} });
    expect(differenceWords(differences(DESIRED, live(OWNED, [hand]), []))).toBe(
      ".a added by kubectl-edit; .b added by kubectl-edit; .c added by kubectl-edit; and 2 more",
    );
  });
});

describe("what stands in the place of a field of ours", () => {
  const service = (ports: JsonObject[]): KubeObject => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "till" },
    spec: { ports },
  });
  const desired = service([{ name: "http", port: 80 }]);
  const key = (port: number) => `k:{"port":${port},"protocol":"TCP"}`;
  const entry = (manager: string, ports: JsonObject) => ({
    manager,
    operation: "Update",
    apiVersion: "v1",
    fieldsV1: { "f:spec": { "f:ports": ports } },
  });
  const item = { ".": {}, "f:name": {}, "f:port": {} };
  const now = live(
    { "f:metadata": {} },
    [entry("operator", { [key(81)]: item, [key(443)]: item })],
    service([
      { name: "http", port: 81, protocol: "TCP" },
      { name: "tls", port: 443, protocol: "TCP" },
    ]),
  );

  it("is the item that goes by its name, and no other", () => {
    const found = blocking(now, desired, [], ["spec.ports[1].name"]);
    expect(found?.taken).toEqual([{ field: '.spec.ports[port=81,protocol="TCP"]', by: "operator" }]);
    expect(found?.ownership.managedFields).toEqual([
      {
        manager: "skerry",
        operation: "Apply",
        apiVersion: "v1",
        fieldsType: "FieldsV1",
        fieldsV1: { "f:metadata": {}, "f:spec": { "f:ports": { [key(81)]: item } } },
      },
      entry("operator", { [key(443)]: item }),
    ]);
  });

  it("is nothing where the server named something else, or nothing of ours is lost", () => {
    expect(blocking(now, desired, [], ["spec.type"])).toBeNull();
    expect(blocking(now, desired, [], [])).toBeNull();
    const whole = live({ "f:spec": { "f:ports": { [key(80)]: item } } }, [entry("operator", { [key(443)]: item })]);
    expect(blocking(whole, desired, [], ["spec.ports[1].name"])).toBeNull();
  });
});

it.each<[boolean, Parameters<typeof mayRecreate>[0], string]>([
  [false, undefined, "Deployment"],
  [true, [{}], "Deployment"],
  [true, [{ kind: "Deployment", name: "till" }], "Deployment"],
  [false, [{ name: "other" }], "Deployment"],
  [false, [{}], "PersistentVolumeClaim"],
  [false, [{ namespace: "shop" }], "StatefulSet"],
  [false, [{ name: "till" }], "CustomResourceDefinition"],
  [true, [{ kind: "PersistentVolumeClaim" }], "PersistentVolumeClaim"],
])("may be made anew: %s, with %j, a %s", (expected, rules, kind) => {
  expect(mayRecreate(rules, { ...REF, kind })).toBe(expected);
});
