import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Answer, classify } from "../../../agent/apply/rest-errors.ts";
import type { InventoryRow } from "../../../agent/cache/cache.ts";
import { type Found, type Rehearsal, rehearse } from "../../../agent/rehearse.ts";
import type { JsonObject, KubeObject, LiveView } from "../../../shared/live.ts";
import { BUNDLE_LABEL, type RenderedBundle } from "../../../shared/render/render.ts";
import { object, rendered } from "../../shared/render/sample.ts";
import { configMap } from "../../support/fleet.ts";
import { deployment, labSite } from "../cycle/lab-site.ts";
import { bundleOf, KINDS, liveOf, rowsOf, seen } from "../plan/sample.ts";

const NOTHING: LiveView = { objects: new Map(), unseen: new Map() };
const FORCED = { manager: "skerry", force: true, dryRun: false };
type Site = Awaited<ReturnType<typeof labSite>>;

/** A rehearsal on the lab's API server, and that it changed nothing there. `moves`: controllers are at work. */
async function rehearsed(
  site: Site,
  wanted: RenderedBundle,
  changes: Partial<Rehearsal> = {},
  moves = false,
): Promise<Found> {
  const { resourceVersion } = site.lab.state();
  const manifest = { prune: { share: "100%" } } as Rehearsal["manifest"];
  const around = { running: null, live: NOTHING, inventory: [], jobs: { run: true, records: [] }, others: new Map() };
  const found = await rehearse({ manifest, wanted, ...around, kube: site.kube, isOver: () => false, ...changes });
  if (!moves) expect(site.lab.state().resourceVersion).toBe(resourceVersion);
  return found;
}

const inWords = ({ changes }: Found) =>
  changes
    .map(({ action, object: name, words }) => `${action} ${name}${words === undefined ? "" : `: ${words}`}`)
    .toSorted();

const namespace = (name: string): KubeObject => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
const definition = (properties: JsonObject): KubeObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "tills.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { kind: "Till", plural: "tills", singular: "till", listKind: "TillList" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties } } } },
      },
    ],
  },
});
const till = (spec: JsonObject) => object("example.com/v1", "Till", "shop", { spec });

it("shows what comes and what changes, and leaves what is as it shall be", async () => {
  const site = await labSite();
  const before = bundleOf([configMap("a", { x: "1" }), configMap("b", { x: "1" })]);
  for (const { object } of before.objects) await site.kube.apply(object, FORCED);
  const wanted = bundleOf([configMap("a", { x: "2" }), configMap("b", { x: "1" }), configMap("c", { x: "1" })]);
  const found = await rehearsed(site, wanted, { running: before });
  expect(inWords(found)).toEqual([
    "change v1 ConfigMap shop/a",
    "create v1 ConfigMap shop/c",
    "unchanged v1 ConfigMap shop/b",
  ]);
  expect(found.changes.find(({ action }) => action === "change")?.fields).toEqual([
    { path: "/data/x", from: '"1"', to: '"2"' },
  ]);
  expect(found).toMatchObject({ refused: null, again: null });
});

it("asks nothing about an object that is just as it was last applied", async () => {
  const site = await labSite();
  const wanted = bundleOf([configMap("a"), configMap("b")]);
  const before = site.lab.state().requests["get"];
  const live = liveOf(seen([configMap("a"), configMap("b")]));
  const found = await rehearsed(site, wanted, { live, inventory: rowsOf(wanted) });
  expect(inWords(found)).toEqual(["unchanged v1 ConfigMap shop/a", "unchanged v1 ConfigMap shop/b"]);
  expect(site.lab.state().requests["get"]).toBe(before);
});

describe("what its own bundle brings", () => {
  it("a namespace: what is in it is not checked, and shown", async () => {
    const site = await labSite();
    const away = { ...configMap("a", { x: "1" }), metadata: { name: "a", namespace: "depot" } };
    const wanted = rendered([namespace("depot"), away], { namespaces: ["shop", "depot"], kinds: KINDS });
    const found = await rehearsed(site, wanted);
    expect(inWords(found)).toEqual([
      "create v1 Namespace depot",
      "not-checked v1 ConfigMap depot/a: its namespace depot comes with this bundle",
    ]);
    expect(found.changes.find(({ action }) => action === "not-checked")?.fields).toEqual([
      { path: "/data/x", to: '"1"' },
    ]);
    expect(found.refused).toBe(null);
  });

  it("a definition: its resources are held against its schema, and nobody is asked", async () => {
    const site = await labSite();
    const fine = await rehearsed(site, bundleOf([definition({ size: { type: "integer" } }), till({ size: 1 })]));
    expect(inWords(fine)).toEqual([
      "create apiextensions.k8s.io/v1 CustomResourceDefinition tills.example.com",
      "not-checked example.com/v1 Till shop/till: its definition comes with this bundle",
    ]);
    const wrong = await rehearsed(site, bundleOf([definition({ size: { type: "integer" } }), till({ size: "1" })]));
    expect(wrong.refused).toEqual({
      code: "kube",
      words: "example.com/v1 Till shop/till its own definition: /spec/size must be of type integer",
    });
  });

  it("a definition that changes: what the server does not know yet is not checked, what it knows is", async () => {
    const site = await labSite();
    const known = { size: { type: "integer" } };
    const [old] = bundleOf([definition(known)]).objects;
    if (old === undefined) throw new Error("no definition");
    await site.kube.apply(old.object, FORCED);
    await site.until("served", async () => (await site.kube.get(old.ref)) !== null);
    const wanted = bundleOf([definition({ ...known, colour: { type: "string" } }), till({ colour: "red" })]);
    await expect
      .poll(async () => inWords(await rehearsed(site, wanted)), { timeout: 10_000 })
      .toEqual([
        "change apiextensions.k8s.io/v1 CustomResourceDefinition tills.example.com",
        "not-checked example.com/v1 Till shop/till: its definition comes with this bundle",
      ]);
    expect(inWords(await rehearsed(site, bundleOf([definition(known), till({ size: 1 })])))).toEqual([
      "create example.com/v1 Till shop/till",
      "unchanged apiextensions.k8s.io/v1 CustomResourceDefinition tills.example.com",
    ]);
  });
});

it("what a webhook takes no part in is not checked: nothing was refused, and it is not asked for again and again", async () => {
  const site = await labSite();
  const recorded = JSON.parse(readFileSync(new URL("../../golden/kube-errors/answers.json", import.meta.url), "utf8"));
  const answer: Answer = { ...recorded["webhook with side effects, in a dry run"], retryAfter: undefined };
  const kube: Rehearsal["kube"] = {
    get: site.kube.get.bind(site.kube),
    apply: async (applied, options) => {
      if (applied.metadata.name !== "a") return await site.kube.apply(applied, options);
      throw classify(answer, "a");
    },
  };
  const found = await rehearsed(site, bundleOf([configMap("a"), configMap("b")]), { kube });
  expect(inWords(found)).toEqual([
    "create v1 ConfigMap shop/b",
    "not-checked v1 ConfigMap shop/a: an admission webhook of the cluster takes no part in dry runs",
  ]);
  expect(found).toMatchObject({ refused: null, again: null });
});

describe("is not ready", () => {
  it("where the server refuses an object; the others are checked all the same", async () => {
    const site = await labSite();
    const wrong = deployment("till", "ready", { replicas: "many" });
    const found = await rehearsed(site, bundleOf([wrong, configMap("a")]));
    expect(inWords(found)).toHaveLength(2);
    expect(found.refused).toEqual({
      code: "kube",
      words: expect.stringMatching(/^apps\/v1 Deployment shop\/till .*schema/),
    });
  });

  it("where a field cannot change on an existing object", async () => {
    const site = await labSite();
    const [before] = bundleOf([deployment("till", "ready")]).objects;
    if (before === undefined) throw new Error("no deployment");
    await site.kube.apply(before.object, FORCED);
    const named = deployment("other", "ready")["spec"] as JsonObject;
    const wanted = bundleOf([{ ...before.object, spec: named }]);
    expect((await rehearsed(site, wanted, {}, true)).refused?.words).toContain("cannot change");
  });

  it.each([
    ["a Deployment's selector", deployment("till", "ready"), deployment("other", "ready")],
    [
      "what an immutable ConfigMap says",
      { ...configMap("till", { x: "1" }), immutable: true },
      { ...configMap("till", { x: "2" }), immutable: true },
    ],
  ])("unless the bundle allows to make such an object anew: %s", async (_, before, after) => {
    const site = await labSite();
    const wanted = { ...after, metadata: before.metadata };
    await site.kube.apply(bundleOf([before]).objects[0]?.object ?? fail(), FORCED);
    const refused = await rehearsed(site, bundleOf([wanted]), {}, true);
    expect(refused.refused?.words).toContain("cannot change");
    expect(refused.changes.map(({ action }) => action)).toEqual(["refused"]);
    const recreate = [{ kind: before.kind }];
    const allowed = await rehearsed(site, rendered([wanted], { kinds: KINDS }, { recreate }), {}, true);
    expect([allowed.refused, allowed.changes.map(({ action }) => action)]).toEqual([null, ["recreate"]]);
    // All that it will say is shown: of what is there, nothing stays.
    expect(allowed.changes[0]?.fields.length).toBeGreaterThan(0);
  });

  it("where it needs a kind, or a namespace, that nobody brings", async () => {
    const site = await labSite();
    expect((await rehearsed(site, bundleOf([till({})]))).refused?.words).toContain("does not know its kind");
    const away = { ...configMap("a"), metadata: { name: "a", namespace: "depot" } };
    const wanted = rendered([away], { namespaces: ["depot"] });
    expect((await rehearsed(site, wanted)).refused?.words).toContain("its namespace does not exist");
  });

  it("where another bundle has an object, unless that one has it no more", async () => {
    const site = await labSite();
    const taken = {
      ...configMap("a"),
      metadata: { name: "a", namespace: "shop", labels: { [BUNDLE_LABEL]: "other" } },
    };
    await site.kube.apply(taken, FORCED);
    const wanted = bundleOf([configMap("a")]);
    expect((await rehearsed(site, wanted)).refused?.words).toBe("v1 ConfigMap shop/a bundle other has it");
    const others = new Map([["other", { runs: new Set<string>(), wants: null, isComing: false }]]);
    expect((await rehearsed(site, wanted, { others })).refused).toBe(null);
  });

  it("where it would delete more than it may", async () => {
    const site = await labSite();
    const before = bundleOf([configMap("a"), configMap("b")]);
    const inventory: InventoryRow[] = rowsOf(before);
    const live = liveOf(seen([configMap("a"), configMap("b")]));
    const manifest = { prune: { share: "30%" } } as Rehearsal["manifest"];
    const found = await rehearsed(site, bundleOf([configMap("b")]), { inventory, live, manifest });
    expect(found.refused?.words).toContain("the bundle allows 30 %");
    const all = await rehearsed(site, bundleOf([configMap("b")]), { inventory, live });
    expect(inWords(all)).toContain("delete v1 ConfigMap shop/a");
  });
});

describe("asks no more than it must", () => {
  const asked = async (site: Site, work: () => Promise<Found>): Promise<[get: number, patch: number, Found]> => {
    const { get = 0, patch = 0 } = site.lab.state().requests;
    const found = await work();
    const { requests } = site.lab.state();
    return [(requests["get"] ?? 0) - get, (requests["patch"] ?? 0) - patch, found];
  };

  it("one request for what is not there, and one more for what is, or may be", async () => {
    const site = await labSite();
    const wanted = bundleOf([configMap("a"), configMap("b"), configMap("c")]);
    // The kinds' paths are read once.
    await site.kube.get({ apiVersion: "v1", kind: "ConfigMap", namespace: "shop", name: "a" });
    const [gets, patches, found] = await asked(site, () => rehearsed(site, wanted));
    expect([gets, patches]).toEqual([0, 3]);
    expect(found.changes.map(({ action }) => action)).toEqual(["create", "create", "create"]);
    const unseen = { objects: new Map(), unseen: new Map([["v1 ConfigMap", "not listed yet"]]) };
    expect((await asked(site, () => rehearsed(site, wanted, { live: unseen }))).slice(0, 2)).toEqual([3, 3]);
    // Somebody's own, without our label: no watch shows it.
    const own = { ...configMap("a", { own: "1" }), metadata: { name: "a", namespace: "shop" } };
    await site.kube.apply(own, { ...FORCED, manager: "kubectl" });
    const [, tries, beside] = await asked(site, () => rehearsed(site, wanted));
    expect(tries).toBe(3);
    expect(inWords(beside)).toContain("change v1 ConfigMap shop/a");
  });

  it("what the server refuses beside one that no watch shows is judged by that one", async () => {
    const site = await labSite();
    const old = deployment("till", "ready");
    const metadata = { ...old.metadata, labels: { app: "till" }, finalizers: ["example.com/keep"] };
    const { object: made } = await site.kube.apply({ ...old, metadata }, FORCED);
    const spec = deployment("other", "ready")["spec"] as JsonObject;
    const wanted = bundleOf([{ ...old, spec }]);
    expect((await rehearsed(site, wanted, {}, true)).refused?.words).toContain("cannot change");
    const uid = String(made.metadata["uid"]);
    await site.kube.remove(bundleOf([old]).objects[0]?.ref ?? fail(), { uid, propagation: "Background" });
    const found = await rehearsed(site, wanted, {}, true);
    expect([found.refused, found.again]).toEqual([null, "its predecessor is still being deleted"]);
  });
});

function fail(): never {
  throw new Error("nothing is there");
}

it("has no answer while the server gives none, and asks no more than it has hands for", async () => {
  const site = await labSite();
  let open = 0;
  let most = 0;
  const kube: Rehearsal["kube"] = {
    get: site.kube.get.bind(site.kube),
    apply: async (object) => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setTimeout(resolve, 5));
      open -= 1;
      return { object, created: true, warnings: [] };
    },
  };
  const many = bundleOf(Array.from({ length: 30 }, (_, index) => configMap(`c-${index}`)));
  expect((await rehearsed(site, many, { kube })).changes).toHaveLength(30);
  expect(most).toBe(4);
  site.kube.close();
  expect((await rehearsed(site, many)).again).toContain("no answer from the API server");
});

it("ends early where nobody wants to know any more", async () => {
  const site = await labSite();
  let asked = 0;
  const many = bundleOf(Array.from({ length: 30 }, (_, index) => configMap(`c-${index}`)));
  const found = await rehearsed(site, many, {
    isOver: () => {
      asked += 1;
      return asked > 6;
    },
  });
  expect(found).toEqual({ changes: [], refused: null, again: "nobody asks any more" });
  expect(site.lab.state().requests["patch"] ?? 0).toBeLessThan(10);
});

it("a Job runs once more only where the move runs Jobs, and then in the place of the one before", async () => {
  const site = await labSite();
  const job = (command: string) =>
    object("batch/v1", "Job", "shop", {
      spec: {
        template: {
          spec: {
            restartPolicy: "Never",
            containers: [{ name: "m", image: `registry.example/till:1@sha256:${"1".repeat(64)}`, command: [command] }],
          },
        },
      },
    });
  const [before] = bundleOf([job("one")]).objects;
  if (before === undefined) throw new Error("no Job");
  const up = await rehearsed(site, bundleOf([job("one")]));
  expect(inWords(up)).toEqual(["create batch/v1 Job shop/till"]);
  await site.kube.apply(before.object, FORCED);
  const anew = await rehearsed(site, bundleOf([job("two")]), {}, true);
  expect(inWords(anew)).toEqual(["recreate batch/v1 Job shop/till"]);
  const down = await rehearsed(site, bundleOf([job("two")]), { jobs: { run: false, records: [] } }, true);
  expect(inWords(down)).toEqual(["unchanged batch/v1 Job shop/till"]);
});
