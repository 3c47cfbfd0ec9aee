import { describe, expect, it } from "vitest";
import type { Others } from "../../../agent/plan/claims.ts";
import { AT_REST, type PlanInput } from "../../../agent/plan/plan.ts";
import type { KubeObject, Observed } from "../../../shared/live.ts";
import { object } from "../../shared/render/sample.ts";
import { configMap } from "../../support/fleet.ts";
import { observed } from "../observe/sample.ts";
import { bundleOf, inWords, liveOf, planned, refName, row, rowsOf } from "./sample.ts";

const [till, old] = [configMap("till"), configMap("old")];
const bundle = bundleOf([till]);
const before = bundleOf([till, old]);
const leaving = (seen: Observed, changes: Partial<PlanInput> = {}) =>
  inWords(planned(bundle, { inventory: rowsOf(before), live: liveOf([observed(till), seen]), ...changes }));

describe("what is kept", () => {
  it("is what says so, for as long as it says so", () => {
    const words = "waits for protected: v1 ConfigMap shop/old is kept: it says skerry.dev/prune: never";
    expect(leaving(observed(old, { keep: true }))).toEqual([words]);
    expect(leaving(observed(old))).toEqual(["delete ConfigMap old"]);
    // The breaker counts what would go.
    expect(leaving(observed(old, { keep: true }), { pruneShare: 0 })).toEqual([words]);
  });

  it.each<[string, KubeObject]>([
    ["a namespace", { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }],
    ["a claim", object("v1", "PersistentVolumeClaim", "shop")],
    ["a volume", object("v1", "PersistentVolume", null)],
    ["a definition", object("apiextensions.k8s.io/v1", "CustomResourceDefinition", null)],
  ])("is %s, unless the bundle says that it may go", (_title, guarded) => {
    const whole = bundleOf([guarded, till]);
    const { kind } = guarded;
    const { name } = guarded.metadata;
    const go = (allow: PlanInput["allow"]) =>
      inWords(planned(bundle, { allow, inventory: rowsOf(whole), live: liveOf([observed(till), observed(guarded)]) }));
    const kept = [
      `waits for protected: ${refName(guarded)} a ${kind} is deleted only where the bundle says so (prune.allow)`,
    ];
    expect(go([])).toEqual(kept);
    expect(go([{ kind: "Other" }, { kind, name: "another" }, { kind, apiVersion: "v9" }])).toEqual(kept);
    expect(go([{ kind }])).toEqual([`delete ${kind} ${name}`]);
    expect(go([{ kind, name }])).toEqual([`delete ${kind} ${name}`]);
    expect(go([{}])).toEqual([`delete ${kind} ${name}`]);
  });
});

describe("an object that goes from one bundle to another", () => {
  const names = (...of: KubeObject[]) => new Set(of.map(refName));
  const base = (runs: ReadonlySet<string> | null, wants: ReadonlySet<string> | null = null): Others =>
    new Map([["base", { runs, wants, isComing: false }]]);
  const left = ["waits for handover: v1 ConfigMap shop/old is left to bundle base, which takes it over"];

  it("stays where it is until the other has it", () => {
    expect(leaving(observed(old), { others: base(names(), names(old)) })).toEqual(left);
    expect(leaving(observed(old), { others: base(names(old)) })).toEqual(left);
    expect(leaving(observed(old, { bundle: "base" }), { others: base(names(old)) })).toEqual(["forget ConfigMap old"]);
  });

  it("is deleted after all where the other does not come for it", () => {
    expect(leaving(observed(old), { others: base(names(), names(till)) })).toEqual(["delete ConfigMap old"]);
    expect(leaving(observed(old), { others: base(null) })).toEqual(["delete ConfigMap old"]);
  });

  it("stays while it cannot be told what the other will have, which keeps nothing else", () => {
    const others: Others = new Map([["base", { runs: names(), wants: null, isComing: true }]]);
    const words = "stays until the version of base that is to run here is here: it may take it over";
    const found = planned(bundle, { inventory: rowsOf(before), live: liveOf([observed(till), observed(old)]), others });
    expect(inWords(found)).toEqual([`waits for handover: v1 ConfigMap shop/old ${words}`]);
    expect(found.waitingOn.every(({ on }) => AT_REST.has(on))).toBe(true);
  });

  const take = (others: Others) =>
    inWords(planned(bundle, { others, live: liveOf([observed(till, { bundle: "base" })]) }));
  const held = ["waits for taken: v1 ConfigMap shop/till bundle base has it"];

  it("is taken once the one that had it runs without it", () => {
    expect(take(base(names(till)))).toEqual(held);
    expect(take(base(names(old)))).toEqual(["apply ConfigMap till: changed"]);
    expect(take(base(names()))).toEqual(["apply ConfigMap till: changed"]);
  });

  it("is not taken from one of which nothing can be told", () => {
    expect(take(base(null))).toEqual(held);
    expect(take(new Map())).toEqual(held);
  });
});

it("custom resources are seen off before those who look after them, webhooks before both, definitions and namespaces last", () => {
  const kinds: KubeObject[] = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
    object("apiextensions.k8s.io/v1", "CustomResourceDefinition", null),
    object("apps/v1", "Deployment", "shop"),
    object("example.com/v1", "Till", "shop"),
    object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", null),
  ];
  const whole = bundleOf(kinds);
  const goes = (live: Observed[]) =>
    inWords(
      planned(bundle, {
        inventory: [...rowsOf(whole), row(bundle, "till")],
        live: liveOf([...live, observed(till)]),
        allow: [{}],
      }),
    ).map((words) => words.replace(/^delete (\w+) .*/, "$1").replace(/^(waits for \w+: \S+ \w+).*/, "$1"));
  const waits = [
    "waits for order: v1 Namespace",
    "waits for order: apiextensions.k8s.io/v1 CustomResourceDefinition",
    "waits for order: apps/v1 Deployment",
  ];
  expect(goes(kinds.map((each) => observed(each)))).toEqual(["ValidatingWebhookConfiguration", "Till", ...waits]);
  const going = kinds.slice(0, -1).map((each) => observed(each, each.kind === "Till" ? { deleting: true } : {}));
  expect(goes(going)).toEqual([
    "forget ValidatingWebhookConfiguration till",
    ...waits,
    "waits for deletion: example.com/v1 Till",
  ]);
  const gone = kinds.slice(0, 3).map((each) => observed(each));
  expect(goes(gone).slice(-3)).toEqual(["Deployment", "Namespace", "CustomResourceDefinition"]);
});
