import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../shared/live.ts";
import { podSecurityFindings } from "../../../shared/render/pod-security.ts";

/**
 * The controls of the Pod Security Standards of Kubernetes 1.36, in the order of their page, each with what it allows and what it
 * forbids. Two cases are stricter here than there, on purpose: a pod of Windows, and one of a user namespace, has no exemption.
 */

/** Meets the level restricted; each case changes it. */
const POD = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  initContainers: [container("init")],
  containers: [container("till")],
};

function container(name: string): JsonObject {
  return { name, image: "i", securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } };
}

type Change = { pod?: JsonObject; each?: JsonObject; annotations?: JsonObject };
const pod = (change: JsonObject): Change => ({ pod: change });
const podContext = (change: JsonObject): Change => ({ pod: { securityContext: change } });
/** In an init container, and in an ordinary one: both must be looked at. */
const each = (change: JsonObject): Change => ({ each: change });
const context = (change: JsonObject): Change => each({ securityContext: change });
const volume = (source: JsonObject): Change => pod({ volumes: [{ name: "v", ...source }] });

const BASELINE: Record<string, { allowed: Change[]; forbidden: Change[] }> = {
  HostProcess: {
    allowed: [podContext({ windowsOptions: { hostProcess: false } }), context({ windowsOptions: {} })],
    forbidden: [
      podContext({ windowsOptions: { hostProcess: true } }),
      context({ windowsOptions: { hostProcess: true } }),
    ],
  },
  "Host Namespaces": {
    allowed: [pod({ hostNetwork: false, hostPID: false, hostIPC: false })],
    forbidden: [pod({ hostNetwork: true }), pod({ hostPID: true }), pod({ hostIPC: true })],
  },
  "Privileged Containers": { allowed: [context({ privileged: false })], forbidden: [context({ privileged: true })] },
  Capabilities: {
    allowed: [context({ capabilities: { add: [] } }), context({ capabilities: { add: ["NET_BIND_SERVICE"] } })],
    forbidden: ["NET_RAW", "SYS_ADMIN", "CAP_CHOWN", "ALL", "chown"].map((add) =>
      context({ capabilities: { add: [add] } }),
    ),
  },
  "HostPath Volumes": {
    allowed: [volume({ emptyDir: {} })],
    forbidden: [volume({ hostPath: { path: "/" } }), volume({ hostPath: {}, emptyDir: {} })],
  },
  "Host Ports": {
    allowed: [
      each({ ports: [{ containerPort: 80 }] }),
      each({ ports: [{ containerPort: 80, hostPort: null }] }),
      each({ ports: [{ containerPort: 80, hostPort: 0 }] }),
    ],
    forbidden: [each({ ports: [{ containerPort: 80 }, { containerPort: 81, hostPort: 81 }] })],
  },
  "Host Probes and Lifecycle Hooks": {
    allowed: [
      each({ livenessProbe: { httpGet: { port: 80, host: "" } } }),
      each({ lifecycle: { preStop: { exec: {} } } }),
    ],
    forbidden: [
      each({ livenessProbe: { httpGet: { port: 80, host: "10.0.0.1" } } }),
      each({ readinessProbe: { tcpSocket: { port: 80, host: "127.0.0.1" } } }),
      each({ startupProbe: { httpGet: { port: 80, host: "x" } } }),
      each({ lifecycle: { postStart: { httpGet: { port: 80, host: "x" } } } }),
      each({ lifecycle: { preStop: { tcpSocket: { port: 80, host: "x" } } } }),
    ],
  },
  AppArmor: {
    allowed: [
      podContext({ appArmorProfile: { type: "RuntimeDefault" } }),
      context({ appArmorProfile: { type: "Localhost", localhostProfile: "p" } }),
      { annotations: { "container.apparmor.security.beta.kubernetes.io/till": "runtime/default" } },
      { annotations: { "container.apparmor.security.beta.kubernetes.io/till": "localhost/p" } },
      { annotations: { "container.apparmor.security.beta.kubernetes.io/till": "" } },
      context({ appArmorProfile: null }),
      { annotations: { "example.com/till": "unconfined" } },
    ],
    forbidden: [
      podContext({ appArmorProfile: { type: "Unconfined" } }),
      context({ appArmorProfile: { type: "Unconfined" } }),
      { annotations: { "container.apparmor.security.beta.kubernetes.io/till": "unconfined" } },
      { annotations: { "container.apparmor.security.beta.kubernetes.io/another": "docker/default" } },
      podContext({ appArmorProfile: {} }),
      context({ appArmorProfile: { type: "" } }),
      context({ appArmorProfile: "Unconfined" }),
    ],
  },
  SELinux: {
    allowed: ["container_t", "container_init_t", "container_kvm_t", "container_engine_t", ""]
      .map((type) => podContext({ seLinuxOptions: { type } }))
      .concat(context({ seLinuxOptions: { level: "s0:c123" } })),
    forbidden: [
      podContext({ seLinuxOptions: { type: "spc_t" } }),
      context({ seLinuxOptions: { type: "unconfined_t" } }),
      context({ seLinuxOptions: { user: "system_u" } }),
      podContext({ seLinuxOptions: { role: "sysadm_r" } }),
    ],
  },
  "/proc Mount Type": {
    allowed: [context({ procMount: "Default" }), context({ procMount: null })],
    forbidden: [
      context({ procMount: "Unmasked" }),
      { ...pod({ hostUsers: false }), ...context({ procMount: "Unmasked" }) },
    ],
  },
  Seccomp: {
    allowed: [
      podContext({ seccompProfile: { type: "RuntimeDefault" } }),
      context({ seccompProfile: { type: "Localhost" } }),
      context({ seccompProfile: null }),
      ...["runtime/default", "docker/default", "localhost/p"].map((value) => ({
        annotations: { "seccomp.security.alpha.kubernetes.io/pod": value },
      })),
    ],
    forbidden: [
      podContext({ seccompProfile: { type: "Unconfined" } }),
      context({ seccompProfile: { type: "Unconfined" } }),
      context({ seccompProfile: {} }),
      context({ seccompProfile: { type: "unconfined" } }),
      { annotations: { "seccomp.security.alpha.kubernetes.io/pod": "unconfined" } },
      { annotations: { "container.seccomp.security.alpha.kubernetes.io/till": "unconfined" } },
    ],
  },
  Sysctls: {
    allowed: [
      "kernel.shm_rmid_forced",
      "net.ipv4.ip_local_port_range",
      "net.ipv4.ip_unprivileged_port_start",
      "net.ipv4.tcp_syncookies",
      "net.ipv4.ping_group_range",
      "net.ipv4.ip_local_reserved_ports",
      "net.ipv4.tcp_keepalive_time",
      "net.ipv4.tcp_fin_timeout",
      "net.ipv4.tcp_keepalive_intvl",
      "net.ipv4.tcp_keepalive_probes",
      "net.ipv4.tcp_rmem",
      "net.ipv4.tcp_wmem",
    ].map((name) => podContext({ sysctls: [{ name, value: "0" }] })),
    forbidden: ["kernel.msgmax", "net.ipv4.conf.all.forwarding", ""].map((name) =>
      podContext({ sysctls: [{ name, value: "0" }] }),
    ),
  },
};

const RESTRICTED: typeof BASELINE = {
  "Volume Types": {
    allowed: [
      ...[
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
      ].map((sort) => volume({ [sort]: {} })),
      pod({ volumes: [{ name: "v" }] }),
    ],
    forbidden: [
      ...["nfs", "iscsi", "rbd", "cephfs", "gitRepo", "flexVolume", "fc", "azureFile"].map((sort) =>
        volume({ [sort]: {} }),
      ),
      volume({ configMap: null, nfs: {} }),
    ],
  },
  "Privilege Escalation": {
    allowed: [context({ allowPrivilegeEscalation: false })],
    forbidden: [
      context({ allowPrivilegeEscalation: true }),
      context({ allowPrivilegeEscalation: null }),
      { ...pod({ os: { name: "windows" } }), ...context({ allowPrivilegeEscalation: null }) },
    ],
  },
  "Running as Non-root": {
    allowed: [
      podContext({ runAsNonRoot: true }),
      { ...podContext({ runAsNonRoot: null }), ...context({ runAsNonRoot: true }) },
    ],
    forbidden: [
      podContext({ runAsNonRoot: null }),
      podContext({ runAsNonRoot: false }),
      context({ runAsNonRoot: false }),
      { ...podContext({ runAsNonRoot: false }), ...context({ runAsNonRoot: true }) },
    ],
  },
  "Running as Non-root user": {
    allowed: [podContext({ runAsUser: 1000 }), context({ runAsUser: 1 })],
    forbidden: [
      podContext({ runAsUser: 0 }),
      context({ runAsUser: 0 }),
      { ...podContext({ runAsUser: 0 }), ...context({ runAsUser: 1000 }) },
      { ...podContext({ runAsUser: 1000 }), ...context({ runAsUser: 0 }) },
    ],
  },
  Seccomp: {
    allowed: [
      podContext({ seccompProfile: { type: "Localhost" } }),
      { ...podContext({ seccompProfile: null }), ...context({ seccompProfile: { type: "RuntimeDefault" } }) },
    ],
    forbidden: [podContext({ seccompProfile: null })],
  },
  Capabilities: {
    allowed: [context({ capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } })],
    forbidden: [
      context({ capabilities: null }),
      context({ capabilities: { drop: ["NET_RAW"] } }),
      context({ capabilities: { drop: ["ALL"], add: ["CHOWN"] } }),
    ],
  },
};

function merged(base: Json, change: Json): Json {
  if (!isMap(base) || !isMap(change)) return change;
  const keys = [...new Set([...Object.keys(base), ...Object.keys(change)])];
  return Object.fromEntries(
    keys.map((key) => [key, key in change ? merged(base[key] ?? {}, change[key] ?? null) : (base[key] ?? null)]),
  );
}

function isMap(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The change, and where it is about containers once in each sort of them. */
function specsOf(change: Change): JsonObject[] {
  const spec = merged(POD, change.pod ?? {}) as typeof POD & JsonObject;
  if (change.each === undefined) return [spec];
  const inAll = spec.containers.map((one) => merged(one, change.each ?? {}));
  return [
    { ...spec, containers: inAll, initContainers: inAll },
    { ...spec, containers: inAll, initContainers: [] },
    { ...spec, initContainers: inAll },
    { ...spec, ephemeralContainers: inAll },
  ];
}

const cases = (table: typeof BASELINE, which: "allowed" | "forbidden") =>
  Object.entries(table).flatMap(([control, entry]) =>
    entry[which].map((change): [string, string, Change] => [control, JSON.stringify(change), change]),
  );

const verdict = (change: Change, level: "privileged" | "baseline" | "restricted", spec: JsonObject) =>
  podSecurityFindings(spec, change.annotations ?? {}, level).length === 0;

describe("baseline", () => {
  it.each(cases(BASELINE, "allowed"))("%s allows %s", (_control, _words, change) => {
    for (const spec of specsOf(change).slice(0, 1)) expect(verdict(change, "baseline", spec)).toBe(true);
  });

  it.each(cases(BASELINE, "forbidden"))("%s forbids %s", (_control, _words, change) => {
    for (const spec of specsOf(change)) {
      expect(verdict(change, "baseline", spec)).toBe(false);
      expect(verdict(change, "restricted", spec)).toBe(false);
      expect(verdict(change, "privileged", spec)).toBe(true);
    }
  });
});

describe("restricted", () => {
  it.each(cases(RESTRICTED, "allowed"))("%s allows %s", (_control, _words, change) => {
    for (const spec of specsOf(change).slice(0, 1)) expect(verdict(change, "restricted", spec)).toBe(true);
  });

  it.each(cases(RESTRICTED, "forbidden"))("%s forbids %s, which baseline allows", (_control, _words, change) => {
    for (const spec of specsOf(change)) {
      expect(verdict(change, "restricted", spec)).toBe(false);
      expect(verdict(change, "baseline", spec)).toBe(true);
    }
  });
});
