import { expect, test } from "vitest";
import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import { configMap, deployment, failure, OURS, podTemplate, service } from "./objects.ts";
import type { Ground } from "./suite.ts";

const BINDING = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding" };

/** By name: before, after, and the field that cannot change. */
const IMMUTABLE: Record<string, (namespace: string) => { before: KubeObject; after: KubeObject; field: RegExp }> = {
  "a Deployment's selector": (namespace) => ({
    before: deployment(namespace, "fixed", { replicas: 0, labels: { more: "x" } }),
    after: deployment(namespace, "fixed", { replicas: 0, labels: { more: "x" }, selector: { more: "x" } }),
    field: /^spec\.selector$/,
  }),
  "a Service's address": (namespace) => ({
    before: service(namespace, "fixed", [80]),
    after: service(namespace, "fixed", [80], { clusterIP: "None" }),
    field: /^spec\.clusterIPs?/,
  }),
  "a Job's template": (namespace) => {
    const job = (image: string): KubeObject => {
      const template = podTemplate({ job: "fixed" }, { image });
      const spec = { ...(template["spec"] as JsonObject), restartPolicy: "Never" };
      return {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "fixed", namespace },
        spec: { suspend: true, template: { ...template, spec } },
      };
    };
    return { before: job("registry.test/a"), after: job("registry.test/b"), field: /^spec\.template/ };
  },
  "a StatefulSet's service": (namespace) => {
    const set = (serviceName: string): KubeObject => ({
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "fixed", namespace },
      spec: {
        replicas: 0,
        serviceName,
        selector: { matchLabels: { app: "fixed" } },
        template: podTemplate({ app: "fixed" }),
      },
    });
    return { before: set("a"), after: set("b"), field: /^spec$/ };
  },
  "an immutable ConfigMap": (namespace) => ({
    before: { ...configMap(namespace, "fixed", { a: "1" }), immutable: true },
    after: { ...configMap(namespace, "fixed", { a: "2" }), immutable: true },
    field: /^data$/,
  }),
  "a Secret's type": (namespace) => {
    const secret = (type: string): KubeObject => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "fixed", namespace },
      type,
    });
    return { before: secret("Opaque"), after: secret("example.com/other"), field: /^type$/ };
  },
  "a RoleBinding's role": (namespace) => {
    const binding = (name: string): KubeObject => ({
      ...BINDING,
      metadata: { name: "fixed", namespace },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    });
    return { before: binding("a"), after: binding("b"), field: /^roleRef$/ };
  },
};

export function refusing(ground: Ground): void {
  test.each(Object.entries(IMMUTABLE))("immutable: %s", async (_, change) => {
    const { kube, namespace } = ground;
    const { before, after, field } = change(namespace);
    await kube.apply(before, OURS);
    const error = await failure(kube.apply(after, OURS));
    expect(error).toMatchObject({ kubeClass: "immutable", status: 422 });
    expect(error.fields).not.toEqual([]);
    expect(error.fields.every((each) => field.test(each))).toBe(true);
  });

  test("an immutable field beside an invalid one is a bad manifest: recreating would not help", async () => {
    const { kube, namespace } = ground;
    await kube.apply(deployment(namespace, "both", { replicas: 0, labels: { more: "x" } }), OURS);
    const worse = deployment(namespace, "both", { replicas: -1, labels: { more: "x" }, selector: { more: "x" } });
    const error = await failure(kube.apply(worse, OURS));
    expect(error).toMatchObject({ kubeClass: "manifest", status: 422 });
    expect(error.fields).toContain("spec.replicas");
  });

  test("a field or value that the schema does not have names its path and nothing of its value", async () => {
    const { kube, namespace } = ground;
    const unknown = deployment(namespace, "typo", { container: { imagePullPolice: "hunter2" } });
    const error = await failure(kube.apply(unknown, OURS));
    expect(error).toMatchObject({ kubeClass: "manifest" });
    expect(error.fields).toEqual(['.spec.template.spec.containers[name="main"].imagePullPolice']);
    const number = { ...configMap(namespace, "typo", {}), data: { pin: 4711 } };
    const wrong = await failure(kube.apply(number, OURS));
    expect(wrong).toMatchObject({ kubeClass: "manifest", fields: [".data.pin"] });
    for (const each of [error, wrong]) expect(each.message).not.toMatch(/hunter2|4711/);
  });

  test("a malformed quantity and malformed base64 are bad manifests", async () => {
    const { kube, namespace } = ground;
    const container = { resources: { limits: { memory: "lots" } } };
    const quantity = await failure(kube.apply(deployment(namespace, "lots", { container }), OURS));
    expect(quantity.kubeClass).toBe("manifest");
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "b64", namespace },
      data: { key: "no base64!" },
    };
    const base64 = await failure(kube.apply(secret, OURS));
    expect(base64.kubeClass).toBe("manifest");
    expect(`${quantity.message} ${base64.message}`).not.toMatch(/lots|no base64/);
  });

  test("a missing required field is a bad manifest that names it", async () => {
    const { kube, namespace } = ground;
    const empty = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "empty", namespace }, spec: {} };
    const error = await failure(kube.apply(empty, OURS));
    expect(error).toMatchObject({ kubeClass: "manifest", status: 422 });
    expect(error.fields).toContain("spec.selector");
  });

  test("a name that the server does not take is a bad manifest", async () => {
    const error = await failure(ground.kube.apply(configMap(ground.namespace, "Not_A_Name", {}), OURS));
    expect(error).toMatchObject({ kubeClass: "manifest", status: 422, fields: ["metadata.name"] });
  });

  test("more than 1 MiB in a ConfigMap is refused", async () => {
    const { kube, namespace } = ground;
    const error = await failure(kube.apply(configMap(namespace, "big", { big: "x".repeat(1024 * 1024 + 1) }), OURS));
    expect(error.kubeClass).toBe("manifest");
    expect(error.message.length).toBeLessThan(500);
  });

  test("a namespace that is not there", async () => {
    const { kube, namespace } = ground;
    const elsewhere = configMap(`${namespace}-none`, "lost", {});
    expect(await failure(kube.apply(elsewhere, OURS))).toMatchObject({ kubeClass: "missing-namespace", status: 404 });
    expect(
      await kube.get({ apiVersion: "v1", kind: "ConfigMap", namespace: `${namespace}-none`, name: "a" }),
    ).toBeNull();
  });

  test("a kind or a group that is not there", async () => {
    const { kube, namespace } = ground;
    for (const apiVersion of ["v1", "apps/v1", "nobody.example/v1"]) {
      const unheard = { apiVersion, kind: "Unheard", metadata: { name: "a", namespace } };
      expect((await failure(kube.apply(unheard, OURS))).kubeClass).toBe("missing-kind");
      expect(await kube.get({ apiVersion, kind: "Unheard", namespace, name: "a" })).toBeNull();
    }
  });

  test("who has no rights is forbidden everything", async () => {
    const { namespace, under } = ground;
    const stranger = await under.connect("stranger");
    const ref = { apiVersion: "v1", kind: "ConfigMap", namespace, name: "private" };
    const signal = new AbortController().signal;
    const attempts = [
      () => stranger.apply(configMap(namespace, "private", {}), OURS),
      () => stranger.get(ref),
      () => stranger.list(ref, { namespace }),
      () => stranger.remove(ref, { uid: "1", propagation: "Background" }),
      () => stranger.watch(ref, { namespace, signal, onEvent: () => {} }),
    ];
    for (const attempt of attempts) {
      expect(await failure(attempt())).toMatchObject({ kubeClass: "forbidden", status: 403 });
    }
    stranger.close();
  });
}
