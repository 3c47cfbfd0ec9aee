import { expect, it } from "vitest";
import { changedFields as changedWith, type Sides, saidFields } from "../../../agent/prepare/changed-fields.ts";
import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";

const changedFields = (sides: Omit<Sides, "adopted">) => changedWith({ ...sides, adopted: null });

/** As a server has it after our apply of `owned`, with what it and others added. */
function live(object: KubeObject, owned: JsonObject, others: JsonObject = {}): KubeObject {
  const managedFields: Json[] = [
    { manager: "kubectl", operation: "Update", fieldsV1: { "f:spec": { "f:replicas": {} } } },
    { manager: "skerry", operation: "Apply", fieldsV1: owned },
  ];
  const metadata = { ...object.metadata, uid: "u-17", resourceVersion: "99", managedFields };
  return { ...object, ...others, metadata };
}

const till = (spec: JsonObject, metadata: JsonObject = {}): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "till", namespace: "shop", ...metadata },
  spec,
});
const told = (object: KubeObject, shown = object) => ({ object, shown });
const CONTAINERS = (fields: JsonObject) => ({ "f:spec": { "f:containers": { 'k:{"name":"till"}': fields } } });

it("shows what we own and would change, items of keyed lists by their keys, and nothing of others or of the server's", () => {
  const before = till({
    containers: [
      { name: "proxy", image: "p:9" },
      { name: "till", image: "till:1" },
    ],
    replicas: 7,
  });
  const after = till({ containers: [{ name: "till", image: "till:2" }], replicas: 3 });
  const fields = CONTAINERS({ ".": {}, "f:name": {}, "f:image": {} });
  const sides = { live: live(before, fields), answer: live(after, fields, { status: { replicas: 1 } }) };
  expect(changedFields({ ...sides, wanted: told(after), running: told(before) })).toEqual([
    { path: "/spec/containers[name=till]/image", from: '"till:1"', to: '"till:2"' },
  ]);
});

it("shows fields that come, and those that leave", () => {
  const before = live(till({ paused: true, minReadySeconds: 5 }), {
    "f:spec": { "f:paused": {}, "f:minReadySeconds": {} },
  });
  const after = live(till({ minReadySeconds: 5, strategy: { type: "Recreate" } }), {
    "f:spec": { "f:minReadySeconds": {}, "f:strategy": { "f:type": {} } },
  });
  expect(changedFields({ live: before, answer: after, wanted: told(after), running: null })).toEqual([
    { path: "/spec/paused", from: "true" },
    { path: "/spec/strategy/type", to: '"Recreate"' },
  ]);
});

it("names the site's own values instead of showing them, before and after, so that sites differ by nothing else", () => {
  const fields = { "f:spec": { "f:hostname": {} } };
  const diffAt = (site: string) =>
    changedFields({
      live: live(till({ hostname: `${site}.old` }), fields),
      answer: live(till({ hostname: `${site}.new` }), fields),
      wanted: told(till({ hostname: `${site}.new` }), till({ hostname: "${SITE}.new" })),
      running: told(till({ hostname: `${site}.old` }), till({ hostname: "${SITE}.old" })),
    });
  expect(diffAt("s-1")).toEqual([{ path: "/spec/hostname", from: "${SITE}.old", to: "${SITE}.new" }]);
  expect(diffAt("s-2")).toEqual(diffAt("s-1"));
});

it("shows a value of the site's own where it is just that which changes, and one that somebody edited", () => {
  const fields = { "f:spec": { "f:hostname": {} } };
  const named = till({ hostname: "${SITE}" });
  const moved = (before: string, ran: string) =>
    changedFields({
      live: live(till({ hostname: before }), fields),
      answer: live(till({ hostname: "s-2" }), fields),
      wanted: told(till({ hostname: "s-2" }), named),
      running: told(till({ hostname: ran }), named),
    });
  expect(moved("s-1", "s-1")).toEqual([{ path: "/spec/hostname", from: '"s-1"', to: '"s-2"' }]);
  expect(moved("edited", "s-1")).toEqual([{ path: "/spec/hostname", from: '"edited"', to: "${SITE}" }]);
});

it("shows that what hands own goes, where a bundle takes the object over and does not have it, but not what others own", () => {
  const spec = { paused: true, minReadySeconds: 5, replicas: 3, hostname: "a" };
  const ours = { manager: "skerry", operation: "Apply", fieldsV1: { "f:spec": { "f:hostname": {} } } };
  const hands = { "f:paused": {}, "f:minReadySeconds": {}, "f:hostname": {} };
  const scaler = {
    manager: "scaler",
    operation: "Update",
    fieldsV1: { "f:spec": { "f:replicas": {}, "f:paused": {} } },
  };
  const kubectl = { manager: "kubectl", operation: "Update", fieldsV1: { "f:spec": hands } };
  const object = (managedFields: JsonObject[]) => till(spec, { managedFields });
  const united = { manager: "skerry", operation: "Apply", fieldsV1: { "f:spec": hands } };
  const found = changedWith({
    live: object([kubectl, scaler]),
    answer: object([ours, kubectl, scaler]),
    wanted: told(till({ hostname: "a" })),
    running: null,
    adopted: { managedFields: [united, scaler] },
  });
  expect(found).toEqual([{ path: "/spec/minReadySeconds", from: "5" }]);
});

it("cuts long values, with a hash of the whole", () => {
  const fields = { "f:spec": { "f:hostname": {} } };
  const [change] = changedFields({
    live: live(till({ hostname: "a" }), fields),
    answer: live(till({ hostname: "b".repeat(5_000) }), fields),
    wanted: told(till({})),
    running: null,
  });
  expect(change?.to).toMatch(/^"b{199}\.\.\. \(5002 characters, [0-9a-f]{16}\)$/);
});

const secret = (data: JsonObject, metadata: JsonObject = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "pin", namespace: "shop", ...metadata },
  type: "Opaque",
  data,
});

it("holds nothing of a Secret but hashes of what the bundle says", () => {
  const fields = {
    "f:data": { "f:clear": {}, "f:sealed": {} },
    "f:metadata": { "f:annotations": { "f:note": {} } },
    "f:type": {},
  };
  const shown = secret({ clear: "UExBSU4=", sealed: "sealed:0123456789abcdef" }, { annotations: { note: "MARKER" } });
  const found = changedFields({
    live: live(secret({ clear: "T0xE", sealed: "T0xE" }, { annotations: { note: "OLD" } }), fields),
    answer: live(secret({ clear: "UExBSU4=", sealed: "TkVX" }, { annotations: { note: "MARKER" } }), fields),
    wanted: told(shown),
    running: null,
  });
  expect(found).toEqual([
    { path: "/data/clear", from: "hidden", to: expect.stringMatching(/^hash:[0-9a-f]{16}$/) },
    { path: "/data/sealed", from: "hidden", to: "sealed:0123456789abcdef" },
    { path: "/metadata/annotations/note", from: "hidden", to: expect.stringMatching(/^hash:[0-9a-f]{16}$/) },
  ]);
  const said = saidFields({ shown });
  expect(JSON.stringify([found, said])).not.toMatch(/MARKER|OLD|T0xE|TkVX|UExBSU4/);
  expect(said).toContainEqual({ path: "/data/sealed", to: "sealed:0123456789abcdef" });
  expect(said).toContainEqual({ path: "/type", to: '"Opaque"' });
});

it("shows of an object that comes all that its bundle says, but for what the entry says itself", () => {
  const labels = { "skerry.dev/bundle": "pos", app: "till" };
  expect(saidFields({ shown: till({ template: { args: ["-v", "${SITE}"], env: [] } }, { labels }) })).toEqual([
    { path: "/metadata/labels/app", to: '"till"' },
    { path: "/spec/template/args/0", to: '"-v"' },
    { path: "/spec/template/args/1", to: "${SITE}" },
    { path: "/spec/template/env", to: "[]" },
  ]);
});
