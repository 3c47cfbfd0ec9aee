import {
  type KubeConfig,
  RbacAuthorizationV1Api,
  type RbacV1Subject,
  type V1PolicyRule,
} from "@kubernetes/client-node";

/**
 * What the site agent of the tests may do: everything, but as an ordinary subject of RBAC, never in system:masters, so
 * that what is forbidden is decided as on a production cluster.
 */
const AGENT_RULES: V1PolicyRule[] = [
  { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
  { nonResourceURLs: ["*"], verbs: ["*"] },
];

/** Creates the ClusterRole of the agent and binds it to `agent`; both are named `name`. */
export async function grantAgent(admin: KubeConfig, name: string, agent: RbacV1Subject): Promise<void> {
  const rbac = admin.makeApiClient(RbacAuthorizationV1Api);
  await rbac.createClusterRole({ body: { metadata: { name }, rules: AGENT_RULES } });
  await bindClusterRole(admin, name, name, agent);
}

export async function bindClusterRole(admin: KubeConfig, name: string, role: string, to: RbacV1Subject): Promise<void> {
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role };
  const rbac = admin.makeApiClient(RbacAuthorizationV1Api);
  await rbac.createClusterRoleBinding({ body: { metadata: { name }, roleRef, subjects: [to] } });
}
