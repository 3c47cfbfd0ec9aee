import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { InventoryRow } from "../../../agent/cache/cache.ts";
import type { PlanInput } from "../../../agent/plan/plan.ts";
import type { KubeObject, Observed } from "../../../shared/live.ts";
import { object } from "../../shared/render/sample.ts";
import { configMap } from "../../support/fleet.ts";
import { observed } from "../observe/sample.ts";
import { bundleOf, inWords, liveOf, planned, refName, row, rowsOf, seen } from "./sample.ts";

const till = configMap("till");
const bundle = bundleOf([till]);

describe("an object of the bundle", () => {
  const one = (inventory: InventoryRow[], live: Observed[], unseen: Record<string, string> = {}) =>
    inWords(planned(bundle, { inventory, live: liveOf(live, unseen) }));

  it.each<[string, InventoryRow[], Observed[], string[]]>([
    ["that is new", [], [], ["apply ConfigMap till: absent"]],
    ["that is there with our label and not in the inventory", [], [observed(till)], ["apply ConfigMap till: changed"]],
    ["as it should be", [row(bundle, "till")], [observed(till)], []],
    [
      "whose content changed",
      [row(bundle, "till", { desired: "old" })],
      [observed(till)],
      ["apply ConfigMap till: changed"],
    ],
    [
      "whose last apply was cut off",
      [row(bundle, "till", { state: "intended" })],
      [observed(till)],
      ["apply ConfigMap till: unsettled"],
    ],
    ["that somebody deleted", [row(bundle, "till")], [], ["apply ConfigMap till: absent"]],
    ["that somebody edited", [row(bundle, "till")], [observed(till, { live: "x" })], ["apply ConfigMap till: drift"]],
    [
      "of which somebody took a field",
      [row(bundle, "till")],
      [observed(till, { fields: "x" })],
      ["apply ConfigMap till: drift"],
    ],
    [
      "that somebody made anew",
      [row(bundle, "till")],
      [observed(till, { uid: "other" })],
      ["apply ConfigMap till: drift"],
    ],
    [
      "whose predecessor is on its way out",
      [row(bundle, "till", { desired: "old" })],
      [observed(till, { deleting: true })],
      ["waits for deletion: v1 ConfigMap shop/till its predecessor is still being deleted"],
    ],
    [
      "that another bundle has",
      [],
      [observed(till, { bundle: "base" })],
      ["waits for taken: v1 ConfigMap shop/till bundle base has it"],
    ],
  ])("%s", (_title, inventory, live, expected) => {
    expect(one(inventory, live)).toEqual(expected);
  });

  it("of a kind that cannot be seen is judged by the inventory alone", () => {
    const unseen = { "v1 ConfigMap": "the watch is broken" };
    expect(one([row(bundle, "till")], [], unseen)).toEqual([]);
    expect(one([row(bundle, "till")], [observed(till, { live: "stale" })], unseen)).toEqual([]);
    expect(one([], [], unseen)).toEqual(["apply ConfigMap till: absent"]);
    expect(one([row(bundle, "till", { desired: "old" })], [], unseen)).toEqual(["apply ConfigMap till: changed"]);
  });

  it("that failed is tried again when its time has come", () => {
    const backoff = new Map([[refName(till), { until: 1_000, words: "503" }]]);
    expect(inWords(planned(bundle, { backoff, now: 999 }))).toEqual(["waits for backoff: v1 ConfigMap shop/till 503"]);
    expect(inWords(planned(bundle, { backoff, now: 1_000 }))).toEqual(["apply ConfigMap till: absent"]);
  });
});

describe("an object that left the bundle", () => {
  const old = configMap("old");
  const before = bundleOf([till, old]);
  const leaving = (live: Observed[], changes: Partial<PlanInput> = {}) =>
    inWords(planned(bundle, { inventory: rowsOf(before), live: liveOf([observed(till), ...live]), ...changes }));

  it.each<[string, Observed[], Partial<PlanInput>, string[]]>([
    ["is deleted", [observed(old)], {}, ["delete ConfigMap old"]],
    ["is forgotten where it is gone", [], {}, ["forget ConfigMap old"]],
    [
      "is forgotten where it is somebody else's by now",
      [observed(old, { uid: "other" })],
      {},
      ["forget ConfigMap old"],
    ],
    ["is forgotten where another bundle took it", [observed(old, { bundle: "base" })], {}, ["forget ConfigMap old"]],
    [
      "is waited for where it is on its way",
      [observed(old, { deleting: true })],
      {},
      ["waits for deletion: v1 ConfigMap shop/old is being deleted"],
    ],
    [
      "is deleted again when its time has come",
      [observed(old)],
      { backoff: new Map([["v1 ConfigMap shop/old", { until: 2_000, words: "429" }]]) },
      ["waits for backoff: v1 ConfigMap shop/old 429"],
    ],
    ["is deleted where just so many may go", [observed(old)], { pruneShare: 0.5 }, ["delete ConfigMap old"]],
    [
      "stays where more would go than the bundle allows",
      [observed(old)],
      { pruneShare: 0.49 },
      ["waits for breaker: 1 of 2 objects would be deleted, the bundle allows 49 %"],
    ],
    ["is forgotten whatever the share", [], { pruneShare: 0 }, ["forget ConfigMap old"]],
  ])("%s", (_title, live, changes, expected) => {
    expect(leaving(live, changes)).toEqual(expected);
  });

  it("stays until all others are applied", () => {
    const inventory = [row(before, "old")];
    expect(inWords(planned(bundle, { inventory, live: liveOf([observed(old)]) }))).toEqual([
      "apply ConfigMap till: absent",
      "waits for apply: 1 objects leave once the others are applied",
    ]);
  });

  it("stays while another one waits", () => {
    const backoff = new Map([[refName(till), { until: 2_000, words: "503" }]]);
    const inventory = [row(before, "old")];
    expect(inWords(planned(bundle, { inventory, backoff, live: liveOf([observed(old)]) }))).toEqual([
      "waits for backoff: v1 ConfigMap shop/till 503",
      "waits for apply: 1 objects leave once the others are applied",
    ]);
  });

  it("is neither deleted nor forgotten while its kind cannot be seen", () => {
    const live = liveOf([observed(old)], { "v1 ConfigMap": "not listed yet" });
    expect(inWords(planned(bundle, { inventory: rowsOf(before), live }))).toEqual([
      "waits for watch: v1 ConfigMap shop/old not listed yet",
    ]);
  });

  it("stays where its deletion loses data or takes others along", () => {
    const kept = [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
      object("v1", "PersistentVolumeClaim", "shop"),
      object("v1", "PersistentVolume", null),
      object("apiextensions.k8s.io/v1", "CustomResourceDefinition", null),
    ];
    const whole = bundleOf([...kept, till]);
    const inventory = rowsOf(whole);
    const words = inWords(planned(bundle, { inventory, live: liveOf([...seen(kept), observed(till)]) }));
    expect(words.map((each) => each.split(" ").slice(0, 3).join(" "))).toEqual(Array(4).fill("waits for protected:"));
  });
});

it("a bundle that renders to nothing deletes nothing", () => {
  const empty = { ...bundle, objects: [] };
  expect(inWords(planned(empty, { inventory: rowsOf(bundle), live: liveOf([observed(till)]) }))).toEqual([
    "waits for breaker: 1 of 1 objects would be deleted, the bundle allows 100 %",
  ]);
});

describe("the order", () => {
  const kinds: KubeObject[] = [
    object("apps/v1", "Deployment", "shop"),
    object("v1", "Service", "shop"),
    object("example.com/v1", "Till", "shop"),
    object("v1", "ConfigMap", "shop"),
    object("v1", "ServiceAccount", "shop"),
    object("apiextensions.k8s.io/v1", "CustomResourceDefinition", null),
  ];
  const applied = (changes: Partial<PlanInput>) => planned(bundleOf(kinds), changes).steps.map((step) => step.ref.kind);

  it("is what others need first, and the rest once that is there", () => {
    const definition = rowsOf(bundleOf(kinds)).find(({ object }) => object.kind === "CustomResourceDefinition");
    const [seenDefinition] = seen(kinds.slice(-1));
    if (definition === undefined || seenDefinition === undefined) throw new Error("the bundle has a definition");
    expect(applied({})).toEqual(["CustomResourceDefinition"]);
    expect(applied({ inventory: [definition], live: liveOf([seenDefinition]) })).toEqual([
      "ServiceAccount",
      "ConfigMap",
      "Service",
      "Deployment",
      "Till",
    ]);
  });

  it("is the other way round where they leave", () => {
    const whole = bundleOf(kinds);
    const inventory = rowsOf(whole);
    const keep = configMap("keep");
    const desired = bundleOf([keep]);
    const left = (there: readonly KubeObject[]) =>
      planned(desired, {
        inventory: [...inventory, row(desired, "keep")],
        live: liveOf([...seen(there), observed(keep)]),
        allow: [{ kind: "CustomResourceDefinition" }],
      }).steps.flatMap((step) => (step.do === "delete" ? [step.ref.kind] : []));
    // Whoever looks after a custom resource may have to see it off.
    expect(left(kinds)).toEqual(["Till"]);
    expect(left(kinds.filter(({ kind }) => kind !== "Till"))).toEqual([
      "Deployment",
      "Service",
      "ConfigMap",
      "ServiceAccount",
      "CustomResourceDefinition",
    ]);
  });
});

it("an update in full, as data", () => {
  const names = ["a", "b", "c", "d"];
  const old = bundleOf(names.map((name) => configMap(name)));
  const objects = [
    configMap("a"),
    configMap("b", { greeting: "bye" }),
    configMap("c"),
    configMap("e"),
    object("v1", "Service", "shop"),
  ];
  const live = liveOf([
    observed(configMap("a")),
    observed(configMap("b")),
    observed(configMap("c"), { live: "x" }),
    observed(configMap("d")),
  ]);
  const actual = `${JSON.stringify(planned(bundleOf(objects), { inventory: rowsOf(old), live }), null, 2)}\n`;
  const golden = new URL("update.golden.json", import.meta.url);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, actual);
  else expect(actual).toBe(readFileSync(golden, "utf8"));
});
