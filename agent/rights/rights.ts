import type { JsonObject, KubeObject } from "../../shared/live.ts";
import { AGENT_NAMESPACE, type Delegation, POWERFUL_KIND } from "../../shared/root.ts";
import { isClusterWide, type Resources, resourcesOf } from "./resources.ts";

/** Reading, watching, and what server-side apply and prune need: an apply that makes an object is both a patch and a create. */
const KEEPS = ["get", "list", "watch", "create", "patch", "delete"] as const;
const LOOKS = ["get", "list", "watch"] as const;

const NAME = "skerry-agent";
const RBAC = "rbac.authorization.k8s.io";
const ACCOUNT = { kind: "ServiceAccount", name: NAME, namespace: AGENT_NAMESPACE };

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

export interface Rights {
  objects: KubeObject[];
  /** For the person who grants them: what could not be said more narrowly, and what is not among them. */
  notes: string[];
}

/** What the agent of a site needs to keep what these delegations allow, and no more. `clusterWide`: custom kinds that no namespace holds. */
export function rightsFor(delegations: readonly Delegation[], clusterWide: readonly string[]): Rights {
  const notes = new Set<string>();
  const own: Rule[] = [
    // The site's marks and keys, and who holds it; by name, so that no other Secret there is open to it.
    rule("", ["secrets"], ["get", "list", "watch", "create", "patch"], ["skerry-site"]),
    rule("coordination.k8s.io", ["leases"], LOOKS, ["skerry-hold"]),
  ];
  // Which images its nodes have.
  const cluster: Rule[] = [rule("", ["nodes"], ["get", "list"])];
  const byNamespace = new Map<string, Rule[]>();
  for (const { pattern, namespaces, kinds } of delegations) {
    const wide = kinds.filter((kind) => isClusterWide(kind) || clusterWide.includes(kind));
    const within = kinds.filter((kind) => !wide.includes(kind));
    for (const kind of wide) if (kind !== "Namespace") cluster.push(...resourcesOf(kind).map((of) => keeping(of)));
    const rules = within.flatMap(resourcesOf).map((of) => keeping(of));
    if (kinds.some((kind) => kind === "*" || kind === "Namespace")) cluster.push(...namespaceRules(namespaces));
    for (const namespace of namespaces) {
      if (namespace.endsWith("*")) {
        cluster.push(...rules);
        notes.add(
          `${pattern} may use the namespaces ${namespace}: RBAC knows no patterns, so that this is granted in every namespace. Name the namespaces in the root for less.`,
        );
      } else byNamespace.set(namespace, [...(byNamespace.get(namespace) ?? []), ...rules]);
    }
    for (const note of notesOf(pattern, kinds)) notes.add(note);
  }
  byNamespace.set(AGENT_NAMESPACE, [...own, ...(byNamespace.get(AGENT_NAMESPACE) ?? [])]);
  const within = [...byNamespace].toSorted(([a], [b]) => (a < b ? -1 : 1)).filter(([, rules]) => rules.length > 0);
  const others = within.map(([namespace]) => namespace).filter((namespace) => namespace !== AGENT_NAMESPACE);
  if (others.length > 0)
    notes.add(`A Role lies in its namespace: where one of ${others.join(", ")} is missing, make it first.`);
  return {
    objects: [
      ...granted("ClusterRole", {}, cluster),
      ...within.flatMap(([namespace, rules]) => granted("Role", { namespace }, rules)),
    ],
    notes: [...notes],
  };
}

/** Namespaces are told apart by name; a watch of them cannot be. */
function namespaceRules(namespaces: readonly string[]): Rule[] {
  const named = namespaces.filter((namespace) => !namespace.endsWith("*"));
  const isOpen = named.length < namespaces.length;
  return [
    rule("", ["namespaces"], ["list", "watch"]),
    rule("", ["namespaces"], ["get", "create", "patch", "delete"], isOpen ? undefined : named),
  ];
}

function notesOf(pattern: string, kinds: readonly string[]): string[] {
  const notes: string[] = [];
  if (kinds.includes("*")) {
    notes.push(
      `${pattern} may use any kind: granted are those of Kubernetes itself. Name the custom kinds that it brings in the root, as Till.example.com or *.example.com.`,
    );
  }
  if (kinds.some((kind) => POWERFUL_KIND.test(kind) && kind.endsWith(`.${RBAC}`))) {
    notes.push(
      `${pattern} may bring RBAC: Kubernetes lets the agent grant only what it holds itself. For more, add those rights to it, or the verbs escalate and bind on these roles.`,
    );
  }
  return notes;
}

function keeping({ group, plurals }: Resources): Rule {
  return rule(group, [...plurals], KEEPS);
}

function rule(group: string, resources: string[], verbs: readonly string[], resourceNames?: string[]): Rule {
  return {
    apiGroups: [group],
    resources,
    ...(resourceNames === undefined ? {} : { resourceNames }),
    verbs: [...verbs],
  };
}

function granted(kind: "Role" | "ClusterRole", where: { namespace?: string }, rules: readonly Rule[]): KubeObject[] {
  const metadata = { name: NAME, ...where };
  const apiVersion = `${RBAC}/v1`;
  return [
    { apiVersion, kind, metadata, rules: united(rules) as unknown as JsonObject[] },
    {
      apiVersion,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: RBAC, kind, name: NAME },
      subjects: [ACCOUNT],
    },
  ];
}

/** One rule for a group, where the verbs and names are the same; what several delegations allow stands once. */
function united(rules: readonly Rule[]): Rule[] {
  const found = new Map<string, Rule>();
  for (const each of rules) {
    const key = JSON.stringify([each.apiGroups, each.verbs, each.resourceNames ?? []]);
    const resources = new Set([...(found.get(key)?.resources ?? []), ...each.resources]);
    found.set(key, { ...each, resources: resources.has("*") ? ["*"] : [...resources].toSorted() });
  }
  return [...found.values()];
}
