import { type JsonObject, member, members } from "../live.ts";
import type { PodSecurity } from "../root.ts";
import { containersOf } from "./pod-template.ts";

/**
 * The Pod Security Standards of Kubernetes (https://kubernetes.io/docs/concepts/security/pod-security-standards/), so that a
 * site holds them by itself, whatever its API server enforces. Pointers are below the pod's spec.
 */
export interface PodFinding {
  path: string;
  why: string;
}

const BASELINE_CAPABILITIES = new Set([
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
]);

const SAFE_SYSCTLS = new Set([
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
]);

const SELINUX_TYPES = new Set(["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"]);

const SECCOMP_ANNOTATION = /^(?:container\.)?seccomp\.security\.alpha\.kubernetes\.io\//;

/** Of seccomp and of AppArmor alike: the type of a profile that is named must be one of these, an empty one included. */
const PROFILES: ReadonlySet<unknown> = new Set(["RuntimeDefault", "Localhost"]);

const RESTRICTED_VOLUMES = new Set([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret",
  "image",
]);

export function podSecurityFindings(spec: JsonObject, annotations: JsonObject, level: PodSecurity): PodFinding[] {
  if (level === "privileged") return [];
  const baseline = baselineFindings(spec, annotations);
  return level === "baseline" ? baseline : [...baseline, ...restrictedFindings(spec)];
}

function baselineFindings(spec: JsonObject, annotations: JsonObject): PodFinding[] {
  const found: PodFinding[] = [];
  for (const key of ["hostNetwork", "hostPID", "hostIPC"]) {
    if (spec[key] === true) found.push({ path: `/${key}`, why: key });
  }
  members(spec, "volumes").forEach((volume, index) => {
    if ("hostPath" in volume) found.push({ path: `/volumes/${index}/hostPath`, why: "hostPath volumes" });
  });
  for (const [index, sysctl] of members(member(spec, "securityContext"), "sysctls").entries()) {
    if (!SAFE_SYSCTLS.has(String(sysctl["name"]))) {
      found.push({ path: `/securityContext/sysctls/${index}`, why: `sysctl ${String(sysctl["name"])}` });
    }
  }
  for (const [key, value] of Object.entries(annotations)) {
    const profile = String(value ?? "");
    if (profile === "" || profile === "runtime/default" || profile.startsWith("localhost/")) continue;
    if (key.startsWith("container.apparmor.security.beta.kubernetes.io/")) {
      found.push({ path: "", why: "AppArmor unconfined" });
    }
    // No server of today reads these; a site's may be one that does.
    if (SECCOMP_ANNOTATION.test(key) && profile !== "docker/default")
      found.push({ path: "", why: "seccomp unconfined" });
  }
  found.push(...contextFindings(member(spec, "securityContext"), "/securityContext"));
  for (const { path, container } of containersOf(spec)) {
    const context = member(container, "securityContext");
    if (context["privileged"] === true)
      found.push({ path: `${path}/securityContext/privileged`, why: "privileged containers" });
    for (const capability of listOf(member(context, "capabilities"), "add")) {
      if (!BASELINE_CAPABILITIES.has(capability)) {
        found.push({ path: `${path}/securityContext/capabilities/add`, why: `capability ${capability}` });
      }
    }
    if ((context["procMount"] ?? "Default") !== "Default") {
      found.push({ path: `${path}/securityContext/procMount`, why: "an unmasked /proc" });
    }
    members(container, "ports").forEach((port, index) => {
      if ((port["hostPort"] ?? 0) !== 0) found.push({ path: `${path}/ports/${index}/hostPort`, why: "host ports" });
    });
    found.push(...contextFindings(context, `${path}/securityContext`), ...probeHosts(container, path));
  }
  return found;
}

/** Rules that a pod's and a container's security context share. */
function contextFindings(context: JsonObject, path: string): PodFinding[] {
  const found: PodFinding[] = [];
  if (member(context, "windowsOptions")["hostProcess"] === true) {
    found.push({ path: `${path}/windowsOptions/hostProcess`, why: "Windows host processes" });
  }
  const seLinux = member(context, "seLinuxOptions");
  if (
    !SELINUX_TYPES.has(String(seLinux["type"] ?? "")) ||
    (seLinux["user"] ?? "") !== "" ||
    (seLinux["role"] ?? "") !== ""
  ) {
    found.push({ path: `${path}/seLinuxOptions`, why: "custom SELinux options" });
  }
  const profiles = { seccompProfile: "seccomp unconfined", appArmorProfile: "AppArmor unconfined" };
  for (const [key, why] of Object.entries(profiles)) {
    if ((context[key] ?? null) !== null && !PROFILES.has(member(context, key)["type"])) {
      found.push({ path: `${path}/${key}/type`, why });
    }
  }
  return found;
}

/** Baseline since Kubernetes 1.34: probes and lifecycle hooks must not name a host of their own. */
function probeHosts(container: JsonObject, path: string): PodFinding[] {
  const lifecycle = member(container, "lifecycle");
  const handlers: [string, JsonObject][] = [
    ...["livenessProbe", "readinessProbe", "startupProbe"].map((key): [string, JsonObject] => [
      `/${key}`,
      member(container, key),
    ]),
    ...["postStart", "preStop"].map((key): [string, JsonObject] => [`/lifecycle/${key}`, member(lifecycle, key)]),
  ];
  return handlers.flatMap(([at, handler]) =>
    ["httpGet", "tcpSocket"]
      .filter((kind) => (member(handler, kind)["host"] ?? "") !== "")
      .map((kind) => ({ path: `${path}${at}/${kind}/host`, why: "a probe or hook that names a host" })),
  );
}

function restrictedFindings(spec: JsonObject): PodFinding[] {
  const found: PodFinding[] = [];
  members(spec, "volumes").forEach((volume, index) => {
    // Every key counts: one that is null is none to the server, and must not hide the one that is not.
    const sort = Object.keys(volume).find((key) => key !== "name" && !RESTRICTED_VOLUMES.has(key));
    if (sort !== undefined) found.push({ path: `/volumes/${index}`, why: `${sort} volumes` });
  });
  const pod = member(spec, "securityContext");
  // Not even where every container sets its own, as the standard has it.
  if (pod["runAsNonRoot"] === false) found.push({ path: "/securityContext/runAsNonRoot", why: "running as root" });
  if (pod["runAsUser"] === 0) found.push({ path: "/securityContext/runAsUser", why: "running as root" });
  for (const { path, container } of containersOf(spec)) {
    const own = member(container, "securityContext");
    const at = `${path}/securityContext`;
    if (own["allowPrivilegeEscalation"] !== false) {
      found.push({ path: `${at}/allowPrivilegeEscalation`, why: "privilege escalation" });
    }
    if ((own["runAsNonRoot"] ?? pod["runAsNonRoot"]) !== true)
      found.push({ path: `${at}/runAsNonRoot`, why: "running as root" });
    if (own["runAsUser"] === 0) found.push({ path: `${at}/runAsUser`, why: "running as root" });
    const seccomp = member(own, "seccompProfile")["type"] ?? member(pod, "seccompProfile")["type"];
    if (!PROFILES.has(seccomp)) {
      found.push({ path: `${at}/seccompProfile`, why: "a missing seccomp profile" });
    }
    const capabilities = member(own, "capabilities");
    if (!listOf(capabilities, "drop").includes("ALL"))
      found.push({ path: `${at}/capabilities/drop`, why: "keeping capabilities" });
    if (listOf(capabilities, "add").some((capability) => capability !== "NET_BIND_SERVICE")) {
      found.push({ path: `${at}/capabilities/add`, why: "added capabilities" });
    }
  }
  return found;
}

function listOf(of: JsonObject, key: string): string[] {
  const value = of[key];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
