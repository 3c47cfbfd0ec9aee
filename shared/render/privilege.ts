import { AppError } from "../errors.ts";
import { type KubeObject, kindOf, nameOf, refOf } from "../live.ts";
import { matchesPattern } from "../names.ts";
import { AGENT_NAMESPACE, type Delegation, POWERFUL_KIND } from "../root.ts";
import { podSecurityFindings } from "./pod-security.ts";
import { podTemplatesOf } from "./pod-template.ts";

/** Refuses an object that its delegation does not allow: `privilege`, with object and rule named. */
export function checkPrivilege(object: KubeObject, delegation: Delegation, path: string): void {
  const ref = refOf(object);
  const where = `files/${path} ${nameOf(ref)}`;
  const rule = `delegation ${delegation.pattern}`;
  const kind = kindOf(object);
  if (!delegation.kinds.some((pattern) => kindMatches(pattern, kind))) {
    throw new AppError("privilege", `${rule} does not allow kind ${kind}`, {
      where,
      fix: "name the kind in the root's delegation",
    });
  }
  const namespace = kind === "Namespace" ? ref.name : ref.namespace;
  if (namespace === "") {
    if (!delegation.kinds.includes(kind)) {
      throw new AppError(
        "privilege",
        `an object without a namespace needs its kind ${kind} named without a wildcard in ${rule}`,
        {
          where,
          fix: "write metadata.namespace, or name this cluster-wide kind in the root's delegation",
        },
      );
    }
  } else if (!delegation.namespaces.some((pattern) => namespaceMatches(pattern, namespace))) {
    throw new AppError("privilege", `${rule} does not allow namespace ${namespace}`, {
      where,
      fix: "name the namespace in the root's delegation",
    });
  }
  const granted = delegation.podSecurity ?? "baseline";
  for (const { path: at, spec, annotations, isWhole } of podTemplatesOf(object)) {
    // Restricted asks for settings, too, which a part of a pod need not have.
    const level = granted === "restricted" && !isWhole ? "baseline" : granted;
    const [finding] = podSecurityFindings(spec, annotations, level);
    if (finding === undefined) continue;
    throw new AppError("privilege", `pod security ${level} of ${rule} forbids ${finding.why}`, {
      where: `${where} ${at}${finding.path}`,
    });
  }
}

function kindMatches(pattern: string, kind: string): boolean {
  if (!pattern.startsWith("*")) return pattern === kind;
  if (POWERFUL_KIND.test(kind)) return false;
  return pattern === "*" || kind.endsWith(pattern.slice(1));
}

function namespaceMatches(pattern: string, namespace: string): boolean {
  if (pattern.endsWith("*") && namespace === AGENT_NAMESPACE) return false;
  return matchesPattern(pattern, namespace);
}
