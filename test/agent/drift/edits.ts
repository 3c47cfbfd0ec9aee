import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import { CONFIG, CRON, DEPLOYMENT, HELD, POLICY, SECRET, SERVICE } from "./objects.ts";

export const MERGE = "application/merge-patch+json";
export const STRATEGIC = "application/strategic-merge-patch+json";
export const JSON_PATCH = "application/json-patch+json";
export const APPLY = "application/apply-patch+yaml";
const LAST = "kubectl.kubernetes.io/last-applied-configuration";

/** What somebody does to one object. `path` is the object's; `live` as it is. */
export type Act = (
  send: (method: string, body?: unknown, type?: string, query?: string) => Promise<JsonObject>,
  live: KubeObject,
) => Promise<unknown>;

/** One kind of edit: what it is, to what, by whom, and what its event must say. */
export type Edit = [title: string, object: KubeObject, manager: string, act: Act, words: RegExp];

const patch =
  (body: unknown, type = STRATEGIC): Act =>
  (send) =>
    send("PATCH", body, type);
const json = (...operations: unknown[]) => patch(operations, JSON_PATCH);
const container = (change: JsonObject) =>
  patch({ spec: { template: { spec: { containers: [{ name: "till", ...change }] } } } });
const POD = "/spec/template/spec";
const C = `${POD}/containers/0`;
const put =
  (change: (object: KubeObject) => void): Act =>
  (send, live) => {
    const next = structuredClone(live);
    change(next);
    return send("PUT", next, "application/json");
  };
const again =
  (object: KubeObject): Act =>
  async (send, live) => {
    await send("DELETE");
    const namespace = String(live.metadata["namespace"]);
    await send("POST", { ...object, metadata: { ...object.metadata, namespace } }, "application/json");
  };

/** Every one of them is drift: it is healed, and told by the name of object, field and manager. */
export const EDITS: readonly Edit[] = [
  [
    "set image",
    DEPLOYMENT,
    "kubectl-set",
    container({ image: "other" }),
    /\.containers\[name="till"\]\.image changed by kubectl-set/,
  ],
  ["edit of an image", DEPLOYMENT, "kubectl-edit", container({ image: "other" }), /\.image changed by kubectl-edit/],
  ["image by a controller", DEPLOYMENT, "operator", container({ image: "other" }), /\.image changed by operator/],
  [
    "replicas by an edit",
    DEPLOYMENT,
    "kubectl-edit",
    patch({ spec: { replicas: 5 } }),
    /\.spec\.replicas changed by kubectl-edit/,
  ],
  [
    "replicas by a JSON patch",
    DEPLOYMENT,
    "kubectl-patch",
    json({ op: "replace", path: "/spec/replicas", value: 4 }),
    /\.spec\.replicas changed by kubectl-patch/,
  ],
  [
    "replicas by a merge patch",
    DEPLOYMENT,
    "operator",
    patch({ spec: { replicas: 3 } }, MERGE),
    /\.spec\.replicas changed by operator/,
  ],
  ["replicas taken away", DEPLOYMENT, "operator", json({ op: "remove", path: "/spec/replicas" }), /\.spec\.replicas/],
  [
    "an env value",
    DEPLOYMENT,
    "kubectl-edit",
    container({ env: [{ name: "A", value: "9" }] }),
    /\.env\[name="A"\]\.value changed by kubectl-edit/,
  ],
  [
    "an env deleted",
    DEPLOYMENT,
    "operator",
    container({ env: [{ name: "B", $patch: "delete" }] }),
    /\.env\[name="B"\] removed, which leaves no trace/,
  ],
  [
    "an env added by hand",
    DEPLOYMENT,
    "kubectl-edit",
    container({ env: [{ name: "C", value: "3" }] }),
    /\.env\[name="C"\] added by kubectl-edit/,
  ],
  [
    "another order of env",
    DEPLOYMENT,
    "operator",
    json({
      op: "replace",
      path: `${C}/env`,
      value: [
        { name: "B", value: "2" },
        { name: "A", value: "1" },
      ],
    }),
    /\.env reordered, and nothing tells by whom/,
  ],
  [
    "an env renamed",
    DEPLOYMENT,
    "operator",
    json({ op: "replace", path: `${C}/env/0/name`, value: "Z" }),
    /\.env\[name="A"\] removed/,
  ],
  [
    "value to valueFrom, by hand",
    DEPLOYMENT,
    "kubectl-edit",
    json({
      op: "replace",
      path: `${C}/env/0`,
      value: { name: "A", valueFrom: { configMapKeyRef: { name: "config", key: "a" } } },
    }),
    /\.env\[name="A"\]/,
  ],
  [
    "value to valueFrom, by a controller",
    DEPLOYMENT,
    "operator",
    json({
      op: "replace",
      path: `${C}/env/0`,
      value: { name: "A", valueFrom: { configMapKeyRef: { name: "config", key: "a" } } },
    }),
    /\.env\[name="A"\]\.value removed.*took \.\S+\.valueFrom from operator/,
  ],
  [
    "args",
    DEPLOYMENT,
    "kubectl-edit",
    json({ op: "replace", path: `${C}/args`, value: ["--fast", "serve"] }),
    /\.args changed by kubectl-edit/,
  ],
  [
    "one more arg",
    DEPLOYMENT,
    "operator",
    json({ op: "add", path: `${C}/args/-`, value: "-v" }),
    /\.args changed by operator/,
  ],
  [
    "a request",
    DEPLOYMENT,
    "vpa",
    container({ resources: { requests: { cpu: "2" } } }),
    /\.requests\.cpu changed by vpa/,
  ],
  [
    "limits added by hand",
    DEPLOYMENT,
    "kubectl-edit",
    container({ resources: { limits: { cpu: "3" } } }),
    /\.limits\.cpu added by kubectl-edit/,
  ],
  [
    "a probe's period",
    DEPLOYMENT,
    "operator",
    container({ livenessProbe: { periodSeconds: 99 } }),
    /\.livenessProbe\.periodSeconds changed by operator/,
  ],
  [
    "a probe's handler, by hand",
    DEPLOYMENT,
    "kubectl-edit",
    container({ livenessProbe: { httpGet: null, tcpSocket: { port: 8080 } } }),
    /\.livenessProbe\.httpGet removed/,
  ],
  [
    "a probe's handler, by a controller",
    DEPLOYMENT,
    "operator",
    container({ livenessProbe: { httpGet: null, exec: { command: ["true"] } } }),
    /\.livenessProbe\.httpGet removed.*took \.\S+\.livenessProbe\.exec from operator/,
  ],
  [
    "a probe taken away",
    DEPLOYMENT,
    "operator",
    json({ op: "remove", path: `${C}/livenessProbe` }),
    /\.livenessProbe removed/,
  ],
  [
    "emptyDir to configMap, by hand",
    DEPLOYMENT,
    "kubectl-edit",
    json({ op: "replace", path: `${POD}/volumes/0`, value: { name: "tmp", configMap: { name: "config" } } }),
    /\.volumes\[name="tmp"\]\.emptyDir removed/,
  ],
  [
    "emptyDir to configMap, by a controller",
    DEPLOYMENT,
    "operator",
    json({ op: "replace", path: `${POD}/volumes/0`, value: { name: "tmp", configMap: { name: "config" } } }),
    /\.emptyDir removed.*took \.\S+\.configMap from operator/,
  ],
  [
    "a mount's path",
    DEPLOYMENT,
    "operator",
    json({ op: "replace", path: `${C}/volumeMounts/0/mountPath`, value: "/x" }),
    /\.volumeMounts\[mountPath="\/tmp"\] removed/,
  ],
  [
    "a port's number",
    DEPLOYMENT,
    "operator",
    json({ op: "replace", path: `${C}/ports/0/containerPort`, value: 9090 }),
    /\.ports\[\S*8080\S*\] removed/,
  ],
  [
    "a container added by hand",
    DEPLOYMENT,
    "kubectl-patch",
    json({ op: "add", path: `${POD}/containers/-`, value: { name: "debug", image: "busybox" } }),
    /\.containers\[name="debug"\] added by kubectl-patch/,
  ],
  [
    "a container renamed",
    DEPLOYMENT,
    "kubectl-edit",
    json({ op: "replace", path: `${C}/name`, value: "other" }),
    /\.containers\[name="till"\] removed/,
  ],
  [
    "the strategy",
    DEPLOYMENT,
    "operator",
    json({ op: "replace", path: "/spec/strategy", value: { type: "Recreate" } }),
    /\.strategy\.\S+ (changed|removed)/,
  ],
  [
    "a label of the template by hand",
    DEPLOYMENT,
    "kubectl-edit",
    patch({ spec: { template: { metadata: { labels: { extra: "x" } } } } }),
    /\.labels\.extra added by kubectl-edit/,
  ],
  [
    "the grace period",
    DEPLOYMENT,
    "operator",
    patch({ spec: { template: { spec: { terminationGracePeriodSeconds: 60 } } } }),
    /\.terminationGracePeriodSeconds changed by operator/,
  ],
  [
    "a number of a port of a Service, by hand",
    SERVICE,
    "kubectl-edit",
    json({ op: "replace", path: "/spec/ports/0/port", value: 81 }),
    /\.spec\.ports\[port=80(,protocol="TCP")?\] removed/,
  ],
  [
    "a number of a port of a Service, by a controller",
    SERVICE,
    "operator",
    json({ op: "replace", path: "/spec/ports/0/port", value: 81 }),
    /\.spec\.ports\[port=80\S* removed.*took \.spec\.ports\[port=81,protocol="TCP"\] from operator/,
  ],
  [
    "a target port",
    SERVICE,
    "operator",
    json({ op: "replace", path: "/spec/ports/0/targetPort", value: 9 }),
    /\.targetPort changed by operator/,
  ],
  [
    "a port of a Service added by hand",
    SERVICE,
    "kubectl-edit",
    json({ op: "add", path: "/spec/ports/-", value: { name: "x", port: 7 } }),
    /\.spec\.ports\[port=7,protocol="TCP"\] added by kubectl-edit/,
  ],
  [
    "a selector",
    SERVICE,
    "operator",
    patch({ spec: { selector: { app: "other" } } }),
    /\.spec\.selector\S* changed by operator/,
  ],
  [
    "a type by hand",
    SERVICE,
    "kubectl-edit",
    patch({ spec: { type: "NodePort" } }),
    /\.spec\.type added by kubectl-edit/,
  ],
  ["a value", CONFIG, "kubectl-edit", patch({ data: { a: "9" } }), /\.data\.a changed by kubectl-edit/],
  [
    "a key deleted",
    CONFIG,
    "kubectl-patch",
    json({ op: "remove", path: "/data/b" }),
    /\.data\.b removed, which leaves no trace of who did it/,
  ],
  [
    "a key added by hand",
    CONFIG,
    "kubectl-patch",
    patch({ data: { c: "3" } }, MERGE),
    /\.data\.c added by kubectl-patch/,
  ],
  [
    "replace",
    CONFIG,
    "kubectl-replace",
    put((object) => Object.assign(object, { data: { a: "7", x: "8" } })),
    /\.data\.a changed by kubectl-replace; \.data\.b removed[^;]*; \.data\.x added by kubectl-replace/,
  ],
  [
    "a label",
    CONFIG,
    "operator",
    patch({ metadata: { labels: { team: "others" } } }),
    /\.metadata\.labels\.team changed by operator/,
  ],
  [
    "a label added with kubectl label",
    CONFIG,
    "kubectl-label",
    patch({ metadata: { labels: { extra: "x" } } }),
    /\.labels\.extra added by kubectl-label/,
  ],
  [
    "an annotation",
    CONFIG,
    "kubectl-annotate",
    patch({ metadata: { annotations: { note: "theirs" } } }),
    /\.annotations\.note changed by kubectl-annotate/,
  ],
  [
    "an annotation deleted",
    CONFIG,
    "operator",
    json({ op: "remove", path: "/metadata/annotations/note" }),
    /\.metadata\.annotations removed/,
  ],
  [
    "our label deleted",
    CONFIG,
    "kubectl-label",
    json({ op: "remove", path: "/metadata/labels/skerry.dev~1bundle" }),
    /\.labels\.skerry\.dev\/bundle removed/,
  ],
  [
    "all labels deleted",
    CONFIG,
    "operator",
    json({ op: "remove", path: "/metadata/labels" }),
    /\.metadata\.labels removed|\.labels\.\S+ removed/,
  ],
  ["the object deleted", CONFIG, "kubectl", (send) => send("DELETE"), /the object removed, which leaves no trace/],
  ["deleted and made by a controller", CONFIG, "operator", again(CONFIG), /the object changed by operator/],
  [
    "deleted and made with kubectl create",
    CONFIG,
    "kubectl-create",
    again(CONFIG),
    /the object changed by kubectl-create/,
  ],
  [
    "taken by force with an apply",
    CONFIG,
    "somebody",
    (send, live) =>
      send(
        "PATCH",
        { ...CONFIG, metadata: { name: "config", namespace: live.metadata["namespace"] }, data: { a: "5" } },
        APPLY,
        "force=true",
      ),
    /\.data\.a changed by somebody/,
  ],
  [
    "kubectl apply --server-side, with the same content",
    CONFIG,
    "kubectl",
    (send, live) =>
      send("PATCH", { ...CONFIG, metadata: { name: "config", namespace: live.metadata["namespace"] } }, APPLY),
    /\.data\.a shared by kubectl/,
  ],
  [
    "kubectl apply",
    CONFIG,
    "kubectl-client-side-apply",
    patch({ metadata: { annotations: { [LAST]: "{}" } }, data: { a: "4", d: "5" } }),
    /\.data\.a changed by kubectl-client-side-apply.*added by kubectl-client-side-apply/,
  ],
  [
    "owners forgotten, and a value",
    CONFIG,
    "operator",
    json(
      { op: "replace", path: "/metadata/managedFields", value: [{}] },
      { op: "replace", path: "/data/a", value: "3" },
    ),
    /the object changed/,
  ],
  [
    "an apply under our own name",
    CONFIG,
    "skerry",
    (send, live) =>
      send(
        "PATCH",
        {
          ...CONFIG,
          metadata: {
            ...CONFIG.metadata,
            namespace: live.metadata["namespace"],
            labels: { team: "tills", "skerry.dev/bundle": "pos" },
          },
          data: { a: "2", b: "2" },
        },
        APPLY,
        "force=true",
      ),
    /\.data\.a changed, and nothing tells by whom/,
  ],
  ["a secret's value", SECRET, "kubectl-edit", patch({ data: { pin: "AAAA" } }), /\.data\.pin changed by kubectl-edit/],
  ["a secret's key deleted", SECRET, "operator", json({ op: "remove", path: "/data/other" }), /\.data\.other removed/],
  [
    "a finalizer of ours deleted",
    HELD,
    "operator",
    patch({ metadata: { finalizers: null } }, MERGE),
    /\.metadata\.finalizers\S* removed/,
  ],
  [
    "a schedule",
    CRON,
    "kubectl-edit",
    patch({ spec: { schedule: "* * * * *" } }),
    /\.spec\.schedule changed by kubectl-edit/,
  ],
  [
    "suspended by hand",
    CRON,
    "kubectl-patch",
    patch({ spec: { suspend: true } }),
    /\.spec\.suspend (added|changed) by kubectl-patch/,
  ],
  [
    "a rule of a policy",
    POLICY,
    "operator",
    json({ op: "replace", path: "/spec/ingress", value: [] }),
    /\.spec\.ingress (changed|removed)/,
  ],
];
