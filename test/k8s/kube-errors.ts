import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "../../shared/live.ts";
import { JSON_TYPE, namespace, type Provoker, type Recorded } from "./provoke.ts";

/** Values that must not be passed on hold this word; `aHVudGVyMg` is it in base64. */
const SECRET = "hunter2";
const UID = "11111111-2222-3333-4444-555555555555";
const NS = "/api/v1/namespaces/golden";
const CONFIG_MAPS = `${NS}/configmaps`;
const APPS = "/apis/apps/v1/namespaces/golden";
const BATCH = "/apis/batch/v1/namespaces/golden";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const ADMISSION = "/apis/admissionregistration.k8s.io/v1";

const meta = (name: string, more: JsonObject = {}): JsonObject => ({ name, namespace: "golden", ...more });
const configMap = (name: string, rest: JsonObject = {}, metadata: JsonObject = {}): JsonObject => {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: meta(name, metadata), ...rest };
};
const secret = (name: string, rest: JsonObject): JsonObject => {
  return { apiVersion: "v1", kind: "Secret", metadata: meta(name), ...rest };
};
const service = (name: string, spec: JsonObject): JsonObject => {
  const ports = [{ port: 80, protocol: "TCP" }];
  return { apiVersion: "v1", kind: "Service", metadata: meta(name), spec: { ports, ...spec } };
};
const pod = (name: string, container: JsonObject = {}, in_ = "golden"): JsonObject => {
  const spec = { containers: [{ name: "main", image: "a", ...container }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: in_ }, spec };
};
const workload = (kind: string, name: string, container: JsonObject, rest: JsonObject = {}): JsonObject => {
  const labels = { app: "x" };
  const template = {
    metadata: { labels: { ...labels, y: "y" } },
    spec: { containers: [{ name: "main", image: "a", ...container }] },
  };
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: meta(name),
    spec: { selector: { matchLabels: labels }, template, ...rest },
  };
};
const deployment = (name: string, container: JsonObject = {}, rest: JsonObject = {}) =>
  workload("Deployment", name, container, { replicas: 0, ...rest });
const job = (name: string, image: string, suspend: boolean): JsonObject => {
  const containers = [{ name: "main", image, env: [{ name: "A", value: SECRET }] }];
  const template = { spec: { restartPolicy: "Never", containers } };
  return { apiVersion: "batch/v1", kind: "Job", metadata: meta(name), spec: { suspend, template } };
};

/** Applies the first, which the server takes, and then the second, which it refuses. */
async function changed(on: Provoker, path: string, before: JsonObject, after: JsonObject): Promise<Recorded> {
  const { status, body } = await on.apply(path, before);
  if (status > 201) throw new Error(`${path}: ${status} ${body}`);
  on.leaves(path);
  return await on.apply(path, after);
}

const role = (name: string, rules: JsonObject[]): JsonObject => {
  return { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: meta(name), rules };
};

/** A right of the stranger. */
async function grant(on: Provoker, name: string, rule: JsonObject): Promise<void> {
  await on.make(`${RBAC}/namespaces/golden/roles`, role(name, [rule]));
  await on.make(`${RBAC}/namespaces/golden/rolebindings`, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: meta(name),
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    subjects: [{ kind: "ServiceAccount", namespace: "golden", name: "stranger" }],
  });
}

async function definition(on: Provoker, plural: string, spec: JsonObject = {}): Promise<string> {
  const group = "golden.example";
  const kind = `${plural[0]?.toUpperCase()}${plural.slice(1, -1)}`;
  const size = {
    type: "integer",
    "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "size is immutable" }],
  };
  const blob = { type: "string" };
  const schema = { type: "object", properties: { spec: { type: "object", properties: { size, blob } } } };
  await on.make(CRDS, {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural, kind },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      ...spec,
    },
  });
  return `/apis/${group}/v1/namespaces/golden/${plural}`;
}
const custom = (kind: string, name: string, spec: JsonObject, metadata: JsonObject = {}): JsonObject => {
  return { apiVersion: "golden.example/v1", kind, metadata: meta(name, metadata), spec };
};
const served = async (on: Provoker, path: string) =>
  await on.until(
    () => on.ask("GET", path),
    ({ status }) => status === 200,
  );

async function policy(on: Provoker, name: string, reason?: string): Promise<void> {
  const validation = {
    expression: `!object.metadata.name.startsWith('${name}-')`,
    message: `${SECRET} is not wanted here`,
  };
  await on.make(`${ADMISSION}/validatingadmissionpolicies`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name },
    spec: {
      matchConstraints: {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "golden" } },
        resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["configmaps"] }],
      },
      validations: [reason === undefined ? validation : { ...validation, reason }],
    },
  });
  await on.make(`${ADMISSION}/validatingadmissionpolicybindings`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name },
    spec: { policyName: name, validationActions: ["Deny"] },
  });
}

/** A webhook for config maps of one label. */
async function webhook(on: Provoker, name: string, clientConfig: JsonObject): Promise<JsonObject> {
  await on.make(`${ADMISSION}/validatingwebhookconfigurations`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        name: `${name}.golden.example`,
        clientConfig,
        rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["configmaps"] }],
        objectSelector: { matchLabels: { webhook: name } },
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy: "Fail",
        timeoutSeconds: 1,
      },
    ],
  });
  return configMap(name, {}, { labels: { webhook: name } });
}

/** Takes connections and says nothing. */
async function silentServer(): Promise<{ port: number; server: Server }> {
  const server = createServer(() => {}).unref();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, server };
}

const refused = ({ status }: Recorded) => status >= 400;
const says =
  (words: string) =>
  ({ body }: Recorded) =>
    body.includes(words);

/** Can be made only where what a cluster has stored is ours to change. */
export const STORED_BEFORE = "webhook with side effects, in a dry run";

/** How each answer is provoked on a server that runs, by name. What they need is made by them, and goes in the end. */
export const CASES: Readonly<Record<string, (on: Provoker) => Promise<Recorded>>> = {
  "unknown field": (on) => on.apply(`${APPS}/deployments/a`, deployment("a", { imagePullPolice: SECRET })),
  "two unknown fields": (on) => on.apply(`${APPS}/deployments/a`, deployment("a", { foo: SECRET, zoo: SECRET })),
  "wrong type": (on) => on.apply(`${CONFIG_MAPS}/a`, configMap("a", { data: { pin: 4711 } })),
  "duplicate list key": (on) =>
    on.apply(`${APPS}/deployments/a`, deployment("a", { env: [SECRET, "b"].map((value) => ({ name: "A", value })) })),
  "bad quantity": (on) =>
    on.apply(`${APPS}/deployments/a`, deployment("a", { resources: { limits: { memory: SECRET } } })),
  "bad base64": (on) => on.apply(`${NS}/secrets/a`, secret("a", { data: { key: "no base64!" } })),
  "bad YAML": (on) => on.apply(`${CONFIG_MAPS}/a`, `{"data": {"pin": ${SECRET}`),
  "name mismatch": (on) => on.apply(`${CONFIG_MAPS}/a`, configMap("b")),
  "kind mismatch": (on) => on.apply(`${CONFIG_MAPS}/a`, secret("a", {})),
  "namespace mismatch": (on) => on.apply(`${CONFIG_MAPS}/a`, configMap("a", {}, { namespace: "default" })),
  "no apiVersion": (on) => on.apply(`${CONFIG_MAPS}/a`, { metadata: meta("a") }),
  "managedFields given": (on) =>
    on.apply(`${CONFIG_MAPS}/a`, configMap("a", {}, { managedFields: [{ manager: "a", operation: "Apply" }] })),
  "namespace missing": (on) =>
    on.apply("/api/v1/namespaces/nowhere/configmaps/a", configMap("a", {}, { namespace: "nowhere" })),
  "group missing": (on) => on.apply("/apis/nobody.example/v1/namespaces/golden/things/a", custom("Thing", "a", {})),
  "kind missing": (on) => on.apply(`${NS}/unheards/a`, configMap("a")),
  "object missing": (on) => on.ask("GET", `${CONFIG_MAPS}/nothing`),
  RBAC: (on) => on.apply(`${CONFIG_MAPS}/a`, configMap("a"), { as: "stranger" }),
  "RBAC, cluster": (on) => on.apply("/api/v1/namespaces/q", namespace("q"), { as: "stranger" }),
  "RBAC, path": (on) => on.ask("GET", "/metrics", undefined, { as: "stranger" }),
  "bad token": (on) => on.ask("GET", CONFIG_MAPS, undefined, { as: "nobody" }),
  "granting more than held": async (on) => {
    const of = `${RBAC}/namespaces/golden`;
    await grant(on, "grants", {
      apiGroups: ["rbac.authorization.k8s.io"],
      resources: ["roles"],
      verbs: ["create", "patch", "get"],
    });
    const more = role("r", [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }]);
    return await on.until(() => on.apply(`${of}/roles/r`, more, { as: "stranger" }), says("attempting to grant"));
  },
  quota: async (on) => {
    await on.make("/api/v1/namespaces", namespace("golden-quota"));
    const spec = { hard: { services: "0", "limits.memory": "1Gi" } };
    await on.make("/api/v1/namespaces/golden-quota/resourcequotas", {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "q" },
      spec,
    });
    const wanted = service("s", {});
    const object = { ...wanted, metadata: { name: "s", namespace: "golden-quota" } };
    return await on.until(
      () => on.apply("/api/v1/namespaces/golden-quota/services/s", object, { query: { dryRun: "All" } }),
      says("exceeded quota"),
    );
  },
  "quota, limit not given": (on) =>
    on.until(
      () =>
        on.apply("/api/v1/namespaces/golden-quota/pods/p", pod("p", {}, "golden-quota"), { query: { dryRun: "All" } }),
      says("must specify"),
    ),
  "Pod Security": async (on) => {
    await on.make(
      "/api/v1/namespaces",
      namespace("golden-safe", { "pod-security.kubernetes.io/enforce": "restricted" }),
    );
    const object = pod("p", {}, "golden-safe");
    return await on.until(() => on.apply("/api/v1/namespaces/golden-safe/pods/p", object), says("PodSecurity"));
  },
  LimitRange: async (on) => {
    await on.make("/api/v1/namespaces", namespace("golden-limits"));
    await on.make("/api/v1/namespaces/golden-limits/limitranges", {
      apiVersion: "v1",
      kind: "LimitRange",
      metadata: { name: "l" },
      spec: { limits: [{ type: "Container", max: { memory: "1Mi" } }] },
    });
    const object = pod("p", { resources: { limits: { memory: "1Gi" } } }, "golden-limits");
    const path = "/api/v1/namespaces/golden-limits/pods/p";
    return await on.until(() => on.apply(path, object, { query: { dryRun: "All" } }), says("maximum memory usage"));
  },
  conflict: async (on) => {
    await on.apply(`${CONFIG_MAPS}/co`, configMap("co", { data: { a: "1", b: "1" } }));
    const other = configMap("co", { data: { a: SECRET, b: SECRET } });
    return await on.apply(`${CONFIG_MAPS}/co`, other, { manager: "other", force: false });
  },
  "stale resourceVersion": async (on) => {
    await on.apply(`${CONFIG_MAPS}/st`, configMap("st", { data: { a: "1" } }));
    return await on.apply(`${CONFIG_MAPS}/st`, configMap("st", { data: { a: "2" } }, { resourceVersion: "1" }));
  },
  "DELETE, wrong UID": async (on) => {
    await on.apply(`${CONFIG_MAPS}/c`, configMap("c"));
    const options = { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid: UID } };
    return await on.ask("DELETE", `${CONFIG_MAPS}/c`, options, { type: JSON_TYPE });
  },
  "apply, wrong UID": async (on) => {
    await on.apply(`${CONFIG_MAPS}/c`, configMap("c"));
    return await on.apply(`${CONFIG_MAPS}/c`, configMap("c", {}, { uid: UID }));
  },
  "apply, UID of an absent object": (on) => on.apply(`${CONFIG_MAPS}/cc`, configMap("cc", {}, { uid: UID })),
  "immutable, Deployment selector": (on) =>
    changed(
      on,
      `${APPS}/deployments/i`,
      deployment("i"),
      deployment("i", {}, { selector: { matchLabels: { app: "x", y: "y" } } }),
    ),
  "immutable beside invalid": (on) =>
    changed(
      on,
      `${APPS}/deployments/ii`,
      deployment("ii"),
      deployment("ii", {}, { replicas: -1, selector: { matchLabels: { app: "x", y: "y" } } }),
    ),
  "immutable, Service clusterIP": (on) =>
    changed(on, `${NS}/services/i`, service("i", {}), service("i", { clusterIP: "None" })),
  "immutable, Job template": (on) =>
    changed(on, `${BATCH}/jobs/ifalse`, job("ifalse", "a", false), job("ifalse", "b", false)),
  "immutable, suspended Job template": (on) =>
    changed(on, `${BATCH}/jobs/itrue`, job("itrue", "a", true), job("itrue", "b", true)),
  "immutable, StatefulSet": (on) => {
    const set = (serviceName: string) => workload("StatefulSet", "i", {}, { replicas: 0, serviceName });
    return changed(on, `${APPS}/statefulsets/i`, set("a"), set("b"));
  },
  "immutable, DaemonSet selector": (on) => {
    const nowhere = (rest: JsonObject) => workload("DaemonSet", "i", {}, rest);
    const other = { selector: { matchLabels: { app: "x", y: "y" } } };
    return changed(on, `${APPS}/daemonsets/i`, nowhere({}), nowhere(other));
  },
  "immutable, ConfigMap": (on) => {
    const fixed = (a: string) => configMap("im", { immutable: true, data: { a } });
    return changed(on, `${CONFIG_MAPS}/im`, fixed("1"), fixed(SECRET));
  },
  "immutable, Secret type": (on) =>
    changed(on, `${NS}/secrets/i`, secret("i", { type: "Opaque" }), secret("i", { type: "example.com/x" })),
  "immutable, immutable Secret": (on) => {
    const fixed = (a: string) => secret("i2", { immutable: true, data: { a } });
    return changed(on, `${NS}/secrets/i2`, fixed("YQ=="), fixed("aHVudGVyMg=="));
  },
  "immutable, PersistentVolumeClaim": (on) => {
    const claim = (storageClassName: string): JsonObject => ({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: meta("i"),
      spec: { accessModes: ["ReadWriteOnce"], storageClassName, resources: { requests: { storage: "1Gi" } } },
    });
    return changed(on, `${NS}/persistentvolumeclaims/i`, claim("a"), claim("b"));
  },
  "immutable, RoleBinding roleRef": (on) => {
    const binding = (name: string): JsonObject => ({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: meta("i"),
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    });
    return changed(on, `${RBAC}/namespaces/golden/rolebindings/i`, binding("a"), binding("b"));
  },
  "immutable, StorageClass": (on) => {
    const of = (provisioner: string): JsonObject => {
      return { apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: "golden" }, provisioner };
    };
    return changed(on, "/apis/storage.k8s.io/v1/storageclasses/golden", of("a/a"), of("b/b"));
  },
  "immutable, PriorityClass": (on) => {
    const of = (value: number): JsonObject => {
      return { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: "golden" }, value };
    };
    return changed(on, "/apis/scheduling.k8s.io/v1/priorityclasses/golden", of(1), of(2));
  },
  "immutable, Pod": async (on) => {
    const of = (hostname: string): JsonObject => {
      const made = pod("i", { env: [{ name: "A", value: SECRET }] });
      return { ...made, spec: { ...(made["spec"] as JsonObject), hostname, schedulerName: "nobody" } };
    };
    await on.until(
      () => on.ask("GET", `${NS}/serviceaccounts/default`),
      ({ status }) => status === 200,
    );
    return await changed(on, `${NS}/pods/i`, of("a"), of("b"));
  },
  ValidatingAdmissionPolicy: async (on) => {
    await policy(on, "golden");
    return await on.until(() => on.apply(`${CONFIG_MAPS}/golden-a`, configMap("golden-a")), refused);
  },
  "ValidatingAdmissionPolicy, Forbidden": async (on) => {
    await policy(on, "forbid", "Forbidden");
    return await on.until(() => on.apply(`${CONFIG_MAPS}/forbid-a`, configMap("forbid-a")), refused);
  },
  "webhook down": async (on) => {
    const object = await webhook(on, "down", { url: "https://127.0.0.1:1/x" });
    return await on.until(() => on.apply(`${CONFIG_MAPS}/down`, object), refused);
  },
  "webhook, slow": async (on) => {
    const { port, server } = await silentServer();
    const object = await webhook(on, "slow", { url: `https://127.0.0.1:${port}/x` });
    const answer = await on.until(() => on.apply(`${CONFIG_MAPS}/slow`, object), refused);
    server.close();
    return answer;
  },
  // Admission registration v1 takes none with side effects any more; a cluster may have one from before.
  [STORED_BEFORE]: async (on) => {
    const object = await webhook(on, "effects", { url: "https://127.0.0.1:1/x" });
    await on.rewrite("validatingwebhookconfigurations/effects", "None", "Some");
    const dry = () => on.apply(`${CONFIG_MAPS}/effects`, object, { query: { dryRun: "All" } });
    return await on.until(dry, says("does not support dry run"));
  },
  "webhook, its Service missing": async (on) => {
    const object = await webhook(on, "gone", { service: { namespace: "golden", name: "gone", path: "/x" } });
    return await on.until(() => on.apply(`${CONFIG_MAPS}/gone`, object), refused);
  },
  "name invalid": (on) => on.apply(`${CONFIG_MAPS}/Not_A_Name`, configMap("Not_A_Name")),
  "required field missing": (on) =>
    on.apply(`${APPS}/deployments/e`, { apiVersion: "apps/v1", kind: "Deployment", metadata: meta("e"), spec: {} }),
  "ConfigMap over 1 MiB": (on) =>
    on.apply(`${CONFIG_MAPS}/big`, configMap("big", { data: { a: "x".repeat(1024 * 1024 + 1) } })),
  "body over 3 MiB": (on) =>
    on.apply(`${CONFIG_MAPS}/big`, configMap("big", { data: { a: "x".repeat(3 * 1024 * 1024) } })),
  "list, resourceVersion too large": (on) =>
    on.ask("GET", CONFIG_MAPS, undefined, {
      query: { resourceVersion: "999999999", resourceVersionMatch: "NotOlderThan" },
    }),
  "method not allowed": (on) => on.apply(`${NS}/bindings/a`, configMap("a")),
  "no apply patch": (on) => on.apply("/api/v1/componentstatuses/a", configMap("a")),
  "media type": (on) => on.ask("PATCH", `${CONFIG_MAPS}/a`, configMap("a"), { type: "application/unheard" }),
  "JSON patch, its test fails": async (on) => {
    await on.apply(`${CONFIG_MAPS}/c`, configMap("c"));
    const patch = [{ op: "test", path: "/data/a", value: SECRET }];
    return await on.ask("PATCH", `${CONFIG_MAPS}/c`, patch, { type: "application/json-patch+json" });
  },
  "nodePort taken": async (on) => {
    const of = (name: string) =>
      service(name, { type: "NodePort", ports: [{ port: 80, protocol: "TCP", nodePort: 30777 }] });
    await on.apply(`${NS}/services/n1`, of("n1"));
    on.leaves(`${NS}/services/n1`);
    return await on.apply(`${NS}/services/n2`, of("n2"));
  },
  "fresh definition": async (on) => {
    for (const plural of ["earlys", "soons", "nows", "fasts", "quicks", "swifts"]) {
      const kind = `${plural[0]?.toUpperCase()}${plural.slice(1, -1)}`;
      const path = await definition(on, plural);
      const answer = await on.apply(`${path}/t`, custom(kind, "t", {}));
      if (answer.status === 404) return answer;
    }
    throw new Error("the server is too fast");
  },
  "custom resource, unknown field": async (on) => {
    const path = await definition(on, "things");
    await served(on, path);
    return await on.apply(`${path}/t`, custom("Thing", "t", { sice: SECRET }));
  },
  "custom resource, wrong type": (on) =>
    on.apply("/apis/golden.example/v1/namespaces/golden/things/t", custom("Thing", "t", { size: SECRET })),
  "custom resource, its own rule": (on) =>
    changed(
      on,
      "/apis/golden.example/v1/namespaces/golden/things/t",
      custom("Thing", "t", { size: 1 }),
      custom("Thing", "t", { size: 2 }),
    ),
  "etcd, larger than its request": (on) =>
    on.apply(
      "/apis/golden.example/v1/namespaces/golden/things/large",
      custom("Thing", "large", { blob: "x".repeat(1_700_000) }),
    ),
  "etcd too large": (on) =>
    on.apply(
      "/apis/golden.example/v1/namespaces/golden/things/large",
      custom("Thing", "large", { blob: "x".repeat(2 * 1024 * 1024) }),
    ),
  "immutable, CRD scope": async (on) => {
    await definition(on, "scopes");
    const path = `${CRDS}/scopes.golden.example`;
    const { body } = await on.ask("GET", path);
    const { spec, apiVersion, kind } = JSON.parse(body) as Record<string, JsonObject>;
    const object = {
      apiVersion,
      kind,
      metadata: { name: "scopes.golden.example" },
      spec: { ...spec, scope: "Cluster" },
    };
    return await on.apply(path, object);
  },
  "conversion webhook down": async (on) => {
    const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
    const version = (name: string, storage: boolean) => ({ name, served: true, storage, schema });
    const path = await definition(on, "forms", {
      versions: [version("v1", true), version("v2", false)],
      conversion: {
        strategy: "Webhook",
        webhook: { conversionReviewVersions: ["v1"], clientConfig: { url: "https://127.0.0.1:1/x" } },
      },
    });
    await served(on, path);
    await on.apply(`${path}/t`, custom("Form", "t", {}));
    return await on.until(
      () => on.ask("GET", `${path.replace("/v1/", "/v2/")}/t`),
      ({ status }) => status === 500,
    );
  },
  "definition terminating": async (on) => {
    const path = await definition(on, "dyings");
    await served(on, path);
    await on.apply(`${path}/t1`, custom("Dying", "t1", {}, { finalizers: ["golden.example/stays"] }));
    await on.ask("DELETE", `${CRDS}/dyings.golden.example`);
    const answer = await on.until(() => on.apply(`${path}/t2`, custom("Dying", "t2", {})), refused);
    await on.ask("PATCH", `${path}/t1`, { metadata: { finalizers: null } }, { type: "application/merge-patch+json" });
    return answer;
  },
  "namespace terminating": async (on) => {
    await on.make("/api/v1/namespaces", namespace("golden-gone"));
    const path = "/api/v1/namespaces/golden-gone/configmaps";
    const of = (name: string, more: JsonObject = {}) => configMap(name, {}, { namespace: "golden-gone", ...more });
    await on.apply(`${path}/stays`, of("stays", { finalizers: ["golden.example/stays"] }));
    await on.ask("DELETE", "/api/v1/namespaces/golden-gone");
    const answer = await on.until(() => on.apply(`${path}/late`, of("late")), refused);
    await on.ask(
      "PATCH",
      `${path}/stays`,
      { metadata: { finalizers: null } },
      { type: "application/merge-patch+json" },
    );
    return answer;
  },
  throttled: async (on) => {
    const api = "/apis/flowcontrol.apiserver.k8s.io/v1";
    const limited = {
      nominalConcurrencyShares: 1,
      lendablePercent: 0,
      borrowingLimitPercent: 0,
      limitResponse: { type: "Reject" },
    };
    await on.make(`${api}/prioritylevelconfigurations`, {
      apiVersion: "flowcontrol.apiserver.k8s.io/v1",
      kind: "PriorityLevelConfiguration",
      metadata: { name: "golden" },
      spec: { type: "Limited", limited },
    });
    const subject = { kind: "ServiceAccount", serviceAccount: { namespace: "golden", name: "stranger" } };
    const all = { verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"], clusterScope: true };
    await on.make(`${api}/flowschemas`, {
      apiVersion: "flowcontrol.apiserver.k8s.io/v1",
      kind: "FlowSchema",
      metadata: { name: "golden" },
      spec: {
        priorityLevelConfiguration: { name: "golden" },
        matchingPrecedence: 50,
        rules: [{ subjects: [subject], resourceRules: [all] }],
      },
    });
    await grant(on, "reads", { apiGroups: [""], resources: ["configmaps"], verbs: ["list"] });
    // A list of a version to come holds its place for three seconds; as many as there are places, and more.
    const slow = { resourceVersion: "999999999", resourceVersionMatch: "NotOlderThan" };
    const listing = Array.from({ length: 12 }, () =>
      on.ask("GET", CONFIG_MAPS, undefined, { as: "stranger", query: slow }),
    );
    const answer = await on.until(
      () => on.apply(`${CONFIG_MAPS}/a`, configMap("a"), { as: "stranger" }),
      ({ status }) => status === 429,
    );
    await Promise.all(listing);
    return answer;
  },
  "watch, expired": async (on) => {
    // What the server remembers of a kind begins with the kind's definition.
    const { body } = await on.ask("GET", CONFIG_MAPS);
    const version = (JSON.parse(body) as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
    const path = await definition(on, "lates");
    await served(on, path);
    await on.apply(`${path}/t`, custom("Late", "t", {}));
    await sleep(500);
    return await on.firstEvent(`${path}?watch=true&resourceVersion=${version}`);
  },
};
