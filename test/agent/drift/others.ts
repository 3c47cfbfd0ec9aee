import { expect } from "vitest";
import { FIELD_MANAGER, type JsonObject, type KubeObject, refOf } from "../../../shared/live.ts";
import { at, metaOf } from "../../contract/kube/objects.ts";
import { IMAGE } from "../../shared/render/sample.ts";
import { APPLY, JSON_PATCH, MERGE, STRATEGIC } from "./edits.ts";
import { CONFIG, DEPLOYMENT, SERVICE } from "./objects.ts";
import { type Cluster, type DriftSite, driftSite, pathOf, placed } from "./site.ts";

/** What must be true on any API server, as scripts for one site each. They run on the lab's and on a real one. */

type Script = (site: DriftSite, cluster: Cluster) => Promise<void>;

function map(name: string, data: Record<string, string>, more: JsonObject = {}): KubeObject {
  return { ...CONFIG, metadata: { name }, data, ...more };
}

function deployment(name: string, spec: JsonObject, container: JsonObject = {}): KubeObject {
  const labels = { app: name };
  const containers = [{ name: "till", image: IMAGE, ...container }];
  return {
    ...DEPLOYMENT,
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } }, ...spec },
  };
}

async function live(cluster: Cluster, object: KubeObject): Promise<KubeObject> {
  const found = await cluster.kube.get(refOf(placed(object, cluster.namespace)));
  if (found === null) throw new Error(`${object.metadata.name} is not there`);
  return found;
}

const pathTo = (cluster: Cluster, object: KubeObject) => pathOf(refOf(placed(object, cluster.namespace)));

/** Somebody changes it. */
const change = (cluster: Cluster, manager: string, object: KubeObject, body: unknown, type = STRATEGIC, sub = "") =>
  cluster.send(manager, "PATCH", `${pathTo(cluster, object)}${sub}`, body, type);

const managers = (object: KubeObject) =>
  (object.metadata["managedFields"] as JsonObject[])
    .filter(({ subresource }) => subresource === undefined)
    .map(({ manager }) => String(manager))
    .toSorted();

export const SCRIPTS: Readonly<Record<string, Script>> = {
  "what kubectl applied before is adopted: what is not in the manifest goes, and so does its note": async (
    site,
    cluster,
  ) => {
    const last = "kubectl.kubernetes.io/last-applied-configuration";
    const old = {
      ...map("old", { kept: "theirs", gone: "x" }),
      metadata: { name: "old", annotations: { [last]: "{}", gone: "x" } },
    };
    const path = pathTo(cluster, old).replace(/\/old$/, "");
    await cluster.send("kubectl-client-side-apply", "POST", path, placed(old, cluster.namespace), "application/json");
    await change(cluster, "operator", old, { data: { theirs: "stays" } });
    await change(cluster, "kubectl-edit", old, { metadata: { labels: { gone: "x" } } });
    await site.take(1, [map("old", { kept: "ours" })]);
    const found = await live(cluster, old);
    expect(found["data"]).toEqual({ kept: "ours", theirs: "stays" });
    expect([found.metadata["annotations"], found.metadata["labels"]]).toEqual([
      undefined,
      { "skerry.dev/bundle": "pos" },
    ]);
    expect(managers(found)).toEqual(["operator", FIELD_MANAGER]);
    expect([site.requests.apply, site.requests.reown]).toEqual([["old", "old"], ["old"]]);
    expect(await site.writesMeanwhile(async () => {})).toBe(0);
  },
  "a Service of Helm's whose port has another number is adopted in the way of the refusal": async (site, cluster) => {
    const old: KubeObject = { ...SERVICE, spec: { selector: { app: "till" }, ports: [{ name: "http", port: 81 }] } };
    const path = pathTo(cluster, old).replace(/\/till$/, "");
    await cluster.send("helm", "POST", path, placed(old, cluster.namespace), "application/json");
    await site.take(1, [SERVICE]);
    expect(at(await live(cluster, SERVICE), "spec", "ports")).toMatchObject([{ port: 80 }, { port: 90 }]);
  },
  "finalizers and addresses of others are never adopted": async (site, cluster) => {
    const old = map("kept", { a: "1" });
    const made = { ...old, metadata: { name: "kept", finalizers: ["example.com/theirs"] } };
    await cluster.send(
      "kubectl-create",
      "POST",
      pathTo(cluster, old).replace(/\/kept$/, ""),
      placed(made, cluster.namespace),
      "application/json",
    );
    await site.take(1, [map("kept", { a: "1" })]);
    expect((await live(cluster, old)).metadata["finalizers"]).toEqual(["example.com/theirs"]);
    expect(await site.writesMeanwhile(async () => {})).toBe(0);
    await change(cluster, "kubectl-edit", old, { metadata: { finalizers: null } }, MERGE);
  },
  "report: drift is told once, counted and left, and a new version has its way": async (site, cluster) => {
    const drift = { mode: "report" as const };
    const one = map("one", { a: "1" });
    const two = map("two", { a: "1" });
    await site.take(1, [one, two], { drift });
    await change(cluster, "kubectl-edit", one, { data: { a: "9" } });
    await cluster.send("tester", "DELETE", pathTo(cluster, two));
    await site.until("both seen", async () => (await site.run())?.drifted === 2);
    expect(await site.writesMeanwhile(() => site.run())).toBe(0);
    expect(
      site
        .events()
        .filter((event) => event.startsWith("drift"))
        .toSorted(),
    ).toEqual([
      "drift: .data.a changed by kubectl-edit; left so, as the bundle says",
      "drift: the object removed, which leaves no trace of who did it; left so, as the bundle says",
    ]);
    expect([site.state(), (await live(cluster, one))["data"]]).toEqual(["committed 1.0.0", { a: "9" }]);
    await change(cluster, "kubectl-edit", one, { data: { a: "8", b: "8" } });
    await site.until("told anew", () => site.events("one").length > 0);
    await site.take(2, [map("one", { a: "2" }), map("two", { a: "2" })], { drift });
    expect((await live(cluster, one))["data"]).toEqual({ a: "2" });
    expect((await live(cluster, two))["data"]).toEqual({ a: "2" });
  },
  "ignore: drift is neither healed nor told": async (site, cluster) => {
    const one = map("one", { a: "1" });
    await site.take(1, [one], { drift: { mode: "ignore" } });
    site.events();
    const writes = await site.writesMeanwhile(() => change(cluster, "kubectl-edit", one, { data: { a: "9" } }));
    expect([writes, (await site.run())?.drifted, site.events(), site.requests.get]).toEqual([0, 0, [], []]);
  },
  "an ignored field follows the bundle until somebody takes it, and is theirs from then on": async (site, cluster) => {
    const made = (replicas: number, image: string, label: string) =>
      deployment(
        "till",
        { replicas },
        {
          image: IMAGE,
          env: [
            { name: "A", value: image },
            { name: "L", value: label },
          ],
        },
      );
    const ignore = [{ kind: "Deployment", paths: ["/spec/replicas", "/spec/template/spec/containers/0/env/0/value"] }];
    const drift = { mode: "correct" as const, ignore };
    await site.take(1, [made(1, "1", "1")], { drift });
    await site.take(2, [made(2, "2", "1")], { drift });
    const env = async () =>
      at(await live(cluster, made(1, "", "")), "spec", "template", "spec", "containers", 0, "env");
    expect(at(await live(cluster, made(1, "", "")), "spec", "replicas")).toBe(2);
    site.events();
    const writes = await site.writesMeanwhile(async () => {
      await change(cluster, "operator", made(1, "", ""), { spec: { replicas: 3 } });
      await change(cluster, "kubectl-edit", made(1, "", ""), {
        spec: { template: { spec: { containers: [{ name: "till", env: [{ name: "A", value: "theirs" }] }] } } },
      });
    });
    expect([writes, site.events(), (await site.run())?.drifted]).toEqual([0, [], 0]);
    // Another field is healed, and a new version applied: what was taken stays.
    await change(cluster, "operator", made(1, "", ""), {
      spec: { template: { spec: { containers: [{ name: "till", env: [{ name: "L", value: "9" }] }] } } },
    });
    await site.until("healed", async () => JSON.stringify(await env()).includes('{"name":"L","value":"1"}'));
    await site.take(3, [made(4, "4", "4")], { drift });
    expect(await env()).toEqual([
      { name: "A", value: "theirs" },
      { name: "L", value: "4" },
    ]);
    expect(at(await live(cluster, made(1, "", "")), "spec", "replicas")).toBe(3);
    expect(await site.writesMeanwhile(async () => {})).toBe(0);
  },
  "what the autoscaler sets through /scale is its own: not healed, not told, not overwritten": async (
    site,
    cluster,
  ) => {
    const till = (a: string) => deployment("till", { replicas: 2 }, { env: [{ name: "A", value: a }] });
    await site.take(1, [till("1")]);
    site.events();
    const writes = await site.writesMeanwhile(async () => {
      await change(cluster, "hpa", till(""), { spec: { replicas: 4 } }, MERGE, "/scale");
      await site.until("seen", async () => (await site.run())?.drifted === 0);
      await change(cluster, "hpa", till(""), { spec: { replicas: 5 } }, MERGE, "/scale");
    });
    expect([writes, site.events(), (await site.run())?.drifted]).toEqual([0, [], 0]);
    await site.take(2, [till("2")]);
    expect(at(await live(cluster, till("")), "spec", "replicas")).toBe(5);
    await change(cluster, "kubectl-edit", till(""), {
      spec: { template: { spec: { containers: [{ name: "till", env: [{ name: "A", value: "9" }] }] } } },
    });
    await site.until("healed", () => site.events().some((event) => event.startsWith("drift")));
    expect(at(await live(cluster, till("")), "spec", "replicas")).toBe(5);
  },
  "a manifest that leaves the number of replicas open does not make it fall to 1": async (site, cluster) => {
    await site.take(1, [deployment("till", { replicas: 4 })]);
    await site.take(2, [deployment("till", {})]);
    const found = await live(cluster, deployment("till", {}));
    expect(at(found, "spec", "replicas")).toBe(4);
    expect(managers(found)).toContain("skerry-replicas");
    await change(cluster, "hpa", found, { spec: { replicas: 6 } }, MERGE, "/scale");
    expect(await site.writesMeanwhile(async () => {})).toBe(0);
    await site.take(3, [deployment("till", { revisionHistoryLimit: 3 })]);
    expect(at(await live(cluster, found), "spec", "replicas")).toBe(6);
  },
  "a field that cannot change: the move is given up where the bundle does not list the object": async (
    site,
    cluster,
  ) => {
    const till = (label: string) =>
      deployment("till", {
        replicas: 0,
        selector: { matchLabels: { app: "till", ...(label === "" ? {} : { tier: label }) } },
        template: {
          metadata: { labels: { app: "till", tier: "x" } },
          spec: { containers: [{ name: "till", image: IMAGE }] },
        },
      });
    await site.take(1, [till("")]);
    const uid = metaOf(await live(cluster, till("")), "uid");
    await site.take(2, [till("x")], {}, "");
    await site.until("given up", () => site.state() === "reverted 1.0.0");
    expect(site.requests.remove).toEqual([]);
    expect(metaOf(await live(cluster, till("")), "uid")).toBe(uid);
    expect(site.events().join("\n")).toContain("spec.selector");
    await site.take(3, [till("x")], { recreate: [{ kind: "Deployment" }] });
    expect(metaOf(await live(cluster, till("")), "uid")).not.toBe(uid);
    expect(site.requests.remove).toEqual(["till"]);
    expect(site.events("till")).toEqual(["recreated: a field of it cannot change"]);
    expect(await site.writesMeanwhile(async () => {})).toBe(0);
  },
  "what cannot be put back is told once, counted, and tried less and less": async (site, cluster) => {
    const till = (app: string) =>
      deployment("till", {
        replicas: 0,
        selector: { matchLabels: { app } },
        template: { metadata: { labels: { app } }, spec: { containers: [{ name: "till", image: IMAGE }] } },
      });
    await site.take(1, [till("till")]);
    site.events();
    const path = pathTo(cluster, till("")).replace(/\/till$/, "");
    await cluster.send("tester", "DELETE", pathTo(cluster, till("")));
    await cluster.send("operator", "POST", path, placed(till("other"), cluster.namespace), "application/json");
    const told: string[] = [];
    await site.until("told", () => told.push(...site.events("till")) > 0);
    expect(told.join("\n")).toMatch(/^drift: kube: cannot be put back: .*spec\.selector.*`recreate`/);
    const before = site.requests.apply.length;
    for (let minute = 0; minute < 10; minute += 1) {
      site.skip(60_000);
      await site.writesMeanwhile(async () => {}, 2);
    }
    expect(site.requests.apply.length - before).toBeLessThanOrEqual(10);
    expect([site.events("till"), (await site.run())?.drifted, site.state()]).toEqual([[], 1, "committed 1.0.0"]);
    // With leave to do so, it is made anew.
    await site.take(2, [till("till")], { recreate: [{ kind: "Deployment" }] });
    expect(at(await live(cluster, till("")), "spec", "selector", "matchLabels")).toEqual({ app: "till" });
  },
  "what a finalizer holds is deleted once, and made anew when it is let go": async (site, cluster) => {
    const frozen = (v: string) => map("frozen", { v }, { immutable: true });
    await site.take(1, [frozen("a")]);
    await change(cluster, "operator", frozen(""), { metadata: { finalizers: ["example.com/theirs"] } }, MERGE);
    await site.take(2, [frozen("b")], { recreate: [{ kind: "ConfigMap" }] }, "");
    await site.until("deleted", () => site.requests.remove.length > 0);
    await site.writesMeanwhile(async () => {});
    expect([site.requests.remove, (await live(cluster, frozen("")))["data"]]).toEqual([["frozen"], { v: "a" }]);
    await change(cluster, "operator", frozen(""), { metadata: { finalizers: null } }, MERGE);
    await site.until("committed", () => site.state() === "committed 1.1.0");
    expect([site.requests.remove, (await live(cluster, frozen("")))["data"]]).toEqual([["frozen"], { v: "b" }]);
  },
  "kinds whose fields cannot change are made anew, each by its own words": async (site, cluster) => {
    const both = (v: string): KubeObject[] => [
      { ...map("frozen", { v }), immutable: true },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "typed" }, type: `example.com/${v}`, data: {} },
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "addressed" },
        spec: { ports: [{ port: 80 }], selector: { app: "x" }, ...(v === "b" ? { clusterIP: "None" } : {}) },
      },
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "RoleBinding",
        metadata: { name: "bound" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: v },
      },
    ];
    await site.take(1, both("a"));
    await site.take(2, both("b"), { recreate: [{}] });
    expect(site.requests.remove.toSorted()).toEqual(["addressed", "bound", "frozen", "typed"]);
    expect((await live(cluster, both("b")[0] as KubeObject))["data"]).toEqual({ v: "b" });
  },
  "a StatefulSet is made anew only where the bundle names the kind; a bad manifest never": async (site, cluster) => {
    const set = (serviceName: string, replicas = 0): KubeObject => ({
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "set" },
      spec: {
        replicas,
        serviceName,
        selector: { matchLabels: { app: "set" } },
        template: { metadata: { labels: { app: "set" } }, spec: { containers: [{ name: "till", image: IMAGE }] } },
      },
    });
    await site.take(1, [set("a")]);
    for (const [seq, objects, recreate] of [
      [2, [set("b")], [{ apiVersion: "apps/v1" }]],
      [3, [set("b", -1)], [{ kind: "StatefulSet" }]],
    ] as const) {
      await site.take(seq, objects, { recreate: [...recreate] }, "");
      await site.until(
        "given up",
        () => site.state() === "reverted 1.0.0" && site.events().some((e) => e.startsWith("reverted")),
      );
      expect(site.requests.remove).toEqual([]);
    }
    await site.take(4, [set("b")], { recreate: [{ kind: "StatefulSet" }] });
    expect(at(await live(cluster, set("b")), "spec", "serviceName")).toBe("b");
  },
  "what somebody changes again and again is put right so often, told once, and left; another field is still healed":
    async (site, cluster) => {
      const one = map("one", { a: "1", b: "1" });
      await site.take(1, [one]);
      site.events();
      const fight = async (turns: number) => {
        for (let turn = 0; turn < turns; turn += 1) {
          await change(cluster, "operator", one, { data: { a: `theirs ${turn}` } });
          await site.writesMeanwhile(async () => {});
        }
      };
      await fight(13);
      const events = site.events("one");
      expect(events.filter((event) => event.endsWith("put back"))).toHaveLength(10);
      expect(events.filter((event) => event.includes("contested"))).toEqual([
        "drift: contested: .data.a changed by operator, again and again; put back less often",
      ]);
      expect([site.requests.apply.length, (await site.run())?.drifted, site.state()]).toEqual([
        11,
        1,
        "committed 1.0.0",
      ]);
      await change(cluster, "somebody", one, { data: { b: "2" } });
      await site.until(
        "healed",
        async () => JSON.stringify((await live(cluster, one))["data"]) === '{"a":"1","b":"1"}',
      );
      // It is tried again when its time comes, and told no second time.
      const before = site.requests.apply.length;
      site.skip(11 * 60_000);
      await fight(2);
      expect(site.requests.apply.length).toBeGreaterThan(before);
      expect(site.events("one").filter((event) => event.includes("contested"))).toEqual([]);
    },
  "events of our own apply wait for its answer; what somebody does meanwhile is healed after it": async (
    site,
    cluster,
  ) => {
    const one = map("one", { a: "1" });
    await site.take(1, [one]);
    // The watch tells of our apply before it is answered, and so does what follows on it.
    const shown = async () => {
      const version = metaOf(await live(cluster, one), "resourceVersion");
      for (let tries = 0; site.seen("one") !== version && tries < 500; tries += 1)
        await new Promise((resolve) => setTimeout(resolve, 10));
    };
    site.beforeAnswers(shown);
    await site.take(2, [map("one", { a: "2" })]);
    expect(await site.writesMeanwhile(async () => {})).toBe(0);
    expect(site.requests.apply).toHaveLength(2);
    site.beforeAnswers(async () => {
      site.beforeAnswers(async () => {});
      await change(cluster, "operator", one, { data: { a: "9" } });
      await shown();
    });
    await site.take(3, [map("one", { a: "3" })]);
    await site.until("healed", async () => JSON.stringify((await live(cluster, one))["data"]) === '{"a":"3"}');
    expect(await site.writesMeanwhile(async () => {})).toBe(0);
    expect(site.requests.apply).toHaveLength(4);
  },
  "a later apply under our name cannot be told from ours, but is healed": async (site, cluster) => {
    const one = map("one", { a: "1" });
    await site.take(1, [one]);
    await change(
      cluster,
      FIELD_MANAGER,
      one,
      {
        ...placed(one, cluster.namespace),
        metadata: { name: "one", namespace: cluster.namespace, labels: { "skerry.dev/bundle": "pos" } },
        data: { a: "2" },
      },
      APPLY,
    );
    await site.until("healed", async () => JSON.stringify((await live(cluster, one))["data"]) === '{"a":"1"}');
  },
  "empty maps and nulls cost one write at the most, when a stranger first puts something there": async (
    site,
    cluster,
  ) => {
    const one = map("one", {});
    await site.take(1, [one, deployment("till", {}, { env: [], resources: {} })]);
    let writes = 0;
    for (const key of ["x", "y", "z"]) {
      writes += await site.writesMeanwhile(() => change(cluster, "operator", one, { data: { [key]: "theirs" } }));
    }
    expect(writes).toBeLessThanOrEqual(1);
    expect((await live(cluster, one))["data"]).toEqual({ x: "theirs", y: "theirs", z: "theirs" });
  },
  "what others add, and what a server makes of things, is no drift: no write": async (site, cluster) => {
    const till = deployment(
      "till",
      { replicas: 1 },
      { resources: { requests: { cpu: "1000m" } }, ports: [{ containerPort: 80 }] },
    );
    await site.take(1, [till, SERVICE, CONFIG]);
    const gets = site.requests.get.length;
    const pod = "/spec/template/spec";
    const acts: [string, KubeObject, unknown, string?, string?][] = [
      [
        "injector",
        till,
        [{ op: "add", path: `${pod}/containers/-`, value: { name: "sidecar", image: "s" } }],
        JSON_PATCH,
      ],
      [
        "injector",
        till,
        [{ op: "add", path: `${pod}/containers/0`, value: { name: "first", image: "s" } }],
        JSON_PATCH,
      ],
      [
        "injector",
        till,
        [{ op: "add", path: `${pod}/initContainers`, value: [{ name: "init", image: "s" }] }],
        JSON_PATCH,
      ],
      [
        "injector",
        till,
        {
          spec: {
            template: {
              metadata: { annotations: { injected: "x" } },
              spec: { volumes: [{ name: "v", emptyDir: {} }] },
            },
          },
        },
      ],
      [
        "injector",
        till,
        { spec: { template: { spec: { containers: [{ name: "till", env: [{ name: "X", value: "x" }] }] } } } },
      ],
      [
        "kubectl-rollout",
        till,
        { spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": "x" } } } } },
      ],
      [
        "labeller",
        CONFIG,
        { metadata: { labels: { theirs: "x" }, annotations: { theirs: "x" } }, data: { theirs: "x" } },
      ],
      [
        "cloud",
        SERVICE,
        { metadata: { finalizers: ["example.com/lb"] }, spec: { ports: [{ name: "more", port: 443 }] } },
      ],
      ["cloud", SERVICE, [{ op: "remove", path: "/metadata/finalizers" }], JSON_PATCH],
    ];
    const writes = await site.writesMeanwhile(async () => {
      for (const [manager, object, body, type] of acts) await change(cluster, manager, object, body, type);
    });
    expect([writes, site.requests.get.length - gets]).toEqual([0, 0]);
    expect(at(await live(cluster, till), "spec", "template", "spec", "containers")).toHaveLength(3);
  },
  "a status that churns fifty times a second is answered with no request at all": async (site, cluster) => {
    const till = deployment("till", { replicas: 0 });
    await site.take(1, [till]);
    const before = JSON.stringify(site.requests);
    for (let turn = 0; turn < 100; turn += 1) {
      await change(
        cluster,
        "churner",
        till,
        {
          status: {
            conditions: [{ type: "Churn", status: "True", lastUpdateTime: "2026-01-01T00:00:00Z", reason: `R${turn}` }],
          },
        },
        MERGE,
        "/status",
      );
      if (turn % 10 === 0) await site.run();
    }
    await site.writesMeanwhile(async () => {});
    expect(JSON.stringify(site.requests)).toBe(before);
  },
};

/** One script, on a namespace of its own where the cluster gives one. */
export async function play(script: Script, cluster: Cluster): Promise<void> {
  const site = driftSite(cluster);
  try {
    await script(site, cluster);
  } finally {
    site.close();
  }
}
