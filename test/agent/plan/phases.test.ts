import { describe, expect, it } from "vitest";
import type { PlanInput } from "../../../agent/plan/plan.ts";
import type { KubeObject } from "../../../shared/live.ts";
import { object } from "../../shared/render/sample.ts";
import { configMap } from "../../support/fleet.ts";
import { observed } from "../observe/sample.ts";
import { bundleOf, inWords, liveOf, planned, row, rowsOf } from "./sample.ts";

const WAITS = { health: "progressing", because: "waits" } as const;
const BROKEN = { health: "failed", because: "is broken" } as const;

describe("phases", () => {
  const [db, web, rest] = [configMap("db"), configMap("web"), configMap("rest")];
  const bundle = bundleOf([web, db, rest]);
  const phases: PlanInput["phases"] = [
    { name: "data", objects: { name: "db" }, noReturn: true },
    { name: "front", objects: { name: "web" } },
  ];
  const at = (changes: Partial<PlanInput>) => planned(bundle, { phases, ...changes });

  it("begin with the first: the others wait for it", () => {
    expect(inWords(at({}))).toEqual([
      "apply ConfigMap db: absent",
      "waits for phase: v1 ConfigMap shop/web phase data is not through: v1 ConfigMap shop/db is not applied yet",
      "waits for phase: v1 ConfigMap shop/rest phase data is not through: v1 ConfigMap shop/db is not applied yet",
    ]);
  });

  it("go on when all of one is healthy; what no phase picks comes last", () => {
    const applied = { inventory: [row(bundle, "db")] };
    expect(inWords(at({ ...applied, live: liveOf([observed(db, { verdict: WAITS })]) }))[0]).toBe(
      "waits for phase: v1 ConfigMap shop/web phase data is not through: v1 ConfigMap shop/db waits",
    );
    expect(inWords(at({ ...applied, live: liveOf([observed(db)]) }))).toEqual([
      "apply ConfigMap web: absent",
      "waits for phase: v1 ConfigMap shop/rest phase front is not through: v1 ConfigMap shop/web is not applied yet",
    ]);
    const both = { inventory: [row(bundle, "db"), row(bundle, "web")], live: liveOf([observed(db), observed(web)]) };
    expect(inWords(at(both))).toEqual(["apply ConfigMap rest: absent"]);
  });

  it("go back where an earlier one is not healthy any more", () => {
    const later = { inventory: [row(bundle, "db"), row(bundle, "web")] };
    const words = inWords(at({ ...later, live: liveOf([observed(db, { verdict: WAITS }), observed(web)]) }));
    expect(words).toEqual([
      "waits for phase: v1 ConfigMap shop/rest phase data is not through: v1 ConfigMap shop/db waits",
    ]);
  });

  it("say that one without return is through, and what is wrong for good in one that is not", () => {
    const live = (verdict = {}) => liveOf([observed(db, verdict)]);
    const applied = { inventory: [row(bundle, "db")] };
    expect([at({}), at({ ...applied, live: live() })].map(({ passed }) => passed)).toEqual([null, "data"]);
    const broken = at({ ...applied, live: live({ verdict: BROKEN }) });
    expect([broken.passed, broken.failed]).toEqual([null, "phase data: v1 ConfigMap shop/db is broken"]);
    // One that is still to be applied may be what heals it.
    expect(at({ live: live({ verdict: BROKEN }) }).failed).toBeNull();
  });

  it("are no matter where nothing moves: drift is put right beside what is not healthy", () => {
    const inventory = rowsOf(bundle);
    const live = liveOf([observed(db, { verdict: BROKEN }), observed(web, { live: "x" }), observed(rest)]);
    expect(inWords(planned(bundle, { inventory, live }))).toEqual(["apply ConfigMap web: drift"]);
  });

  it("let what leaves go at the end of all", () => {
    const whole = bundleOf([web, db, rest, configMap("old")]);
    const inventory = [row(bundle, "db"), row(whole, "old")];
    const words = inWords(at({ inventory, live: liveOf([observed(db), observed(configMap("old"))]) }));
    expect(words.at(-1)).toBe("waits for apply: 1 objects leave once the others are applied");
  });
});

describe("namespaces and definitions", () => {
  const namespace: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
  const definition: KubeObject = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "tills.example.com" },
  };
  const till = object("example.com/v1", "Till", "shop");
  const outside = object("v1", "PersistentVolume", null);
  const bundle = bundleOf([till, outside, definition, namespace]);
  const first = [row(bundle, "shop"), row(bundle, "tills.example.com")];

  it("come before any phase, and all else waits until they are there", () => {
    const phases = [{ name: "outside", objects: { kind: "PersistentVolume" } }];
    const words = inWords(planned(bundle, { phases }));
    expect(words.slice(0, 2)).toEqual([
      "apply CustomResourceDefinition tills.example.com: absent",
      "apply Namespace shop: absent",
    ]);
    expect(words.slice(2)).toEqual([
      "waits for order: example.com/v1 Till shop/till comes after v1 Namespace shop is not applied yet",
      "waits for order: v1 PersistentVolume till comes after apiextensions.k8s.io/v1 CustomResourceDefinition tills.example.com is not applied yet",
    ]);
  });

  it("are waited for until they are Established and Active", () => {
    const coming = liveOf([observed(definition, { verdict: WAITS }), observed(namespace)]);
    expect(inWords(planned(bundle, { inventory: first, live: coming })).map((each) => each.split(":")[0])).toEqual([
      "waits for order",
      "waits for order",
    ]);
    const there = liveOf([observed(definition), observed(namespace)]);
    expect(inWords(planned(bundle, { inventory: first, live: there }))).toEqual([
      "apply PersistentVolume till: absent",
      "apply Till till: absent",
    ]);
  });

  it("that cannot be seen keep nobody at rest, and all in a move", () => {
    const inventory = [...first, ...rowsOf(bundleOf([till]))];
    const live = liveOf([observed(definition), observed(till, { live: "x" })], {
      "v1 Namespace": "the watch is broken",
    });
    const heals = (moves: boolean) =>
      inWords(planned(bundleOf([till, definition, namespace]), { moves, inventory, live }));
    expect(heals(false)).toEqual(["apply Till till: drift"]);
    expect(heals(true)).toEqual([
      expect.stringContaining("waits for order: example.com/v1 Till shop/till comes after v1 Namespace shop"),
    ]);
  });

  it.each([
    ["is on its way out", observed(namespace, { deleting: true, verdict: WAITS, live: "x" }), new Map()],
    ["has failed", observed(namespace, { verdict: BROKEN }), new Map()],
    ["was refused", undefined, new Map([["v1 Namespace shop", { until: 2_000, words: "RBAC does not allow it" }]])],
  ])("one that %s keeps only those who need it", (_title, seen, backoff) => {
    const inventory = seen === undefined ? first.slice(1) : first;
    const live = liveOf([observed(definition), ...(seen === undefined ? [] : [seen])]);
    const words = inWords(planned(bundle, { inventory, live, backoff }));
    expect(words[0]).toBe("apply PersistentVolume till: absent");
    expect(words.filter((each) => each.includes("Till"))).toEqual([expect.stringContaining("waits for order: ")]);
  });
});

describe("a webhook of the bundle", () => {
  const labels = { app: "gate" };
  const service: KubeObject = { ...object("v1", "Service", "shop"), spec: { selector: labels } };
  const gate: KubeObject = {
    ...object("apps/v1", "Deployment", "shop"),
    spec: { template: { metadata: { labels: { ...labels, more: "yes" } } } },
  };
  const webhook: KubeObject = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "gate" },
    webhooks: [{ clientConfig: { service: { namespace: "shop", name: "till" } } }],
  };
  const bundle = bundleOf([webhook, gate, service, configMap("one")]);
  const rows = rowsOf(bundle).filter(({ object: { kind } }) => kind !== webhook.kind);

  it("comes when what answers it is healthy", () => {
    const waits =
      "waits for order: admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration gate comes after apps/v1 Deployment shop/till";
    expect(inWords(planned(bundle)).at(-1)).toBe(
      "waits for order: admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration gate comes after apps/v1 Deployment shop/till is not applied yet",
    );
    const seen = (verdict = {}) => liveOf([observed(gate, verdict), observed(service), observed(configMap("one"))]);
    expect(inWords(planned(bundle, { inventory: rows, live: seen({ verdict: WAITS }) }))).toEqual([`${waits} waits`]);
    expect(inWords(planned(bundle, { inventory: rows, live: seen() }))).toEqual([
      "apply ValidatingWebhookConfiguration gate: absent",
    ]);
  });

  it("leaves first", () => {
    const keep = bundleOf([configMap("keep")]);
    const inventory = [...rowsOf(bundle), ...rowsOf(keep)];
    const live = liveOf([
      ...[webhook, gate, service, configMap("one")].map((each) => observed(each)),
      observed(configMap("keep")),
    ]);
    expect(inWords(planned(keep, { inventory, live }))[0]).toBe("delete ValidatingWebhookConfiguration gate");
  });
});
