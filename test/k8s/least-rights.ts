import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rightsFor } from "../../agent/rights/rights.ts";
import type { KubeObject } from "../../shared/live.ts";
import { AGENT_NAMESPACE, type Delegation } from "../../shared/root.ts";
import { ask, type Cluster } from "../lab/demo/cluster.ts";
import type { Undo } from "../lab/demo/undo.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const NAME = "skerry-agent-least";
const TOKEN_SECONDS = 6 * 3600;

/** The same cluster, for an agent that may do what `skerry-agent rbac` grants for these delegations, and nothing else. */
export async function withLeastRights(
  cluster: Cluster,
  delegations: readonly Delegation[],
  undo: Undo,
): Promise<Cluster> {
  const made = async (path: string, object: object) => {
    const { status, body } = await ask(cluster, "POST", path, object, "application/json");
    if (status >= 300 && status !== 409) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  for (const name of new Set([AGENT_NAMESPACE, ...delegations.flatMap(({ namespaces }) => namespaces)]))
    await made("/api/v1/namespaces", { metadata: { name } });
  const accounts = `/api/v1/namespaces/${AGENT_NAMESPACE}/serviceaccounts`;
  await made(accounts, { metadata: { name: NAME } });
  // Under another name: the tests' own user has a ClusterRole of this one.
  const text = JSON.stringify(rightsFor(delegations, []).objects).replaceAll(
    '"name":"skerry-agent"',
    `"name":"${NAME}"`,
  );
  for (const object of JSON.parse(text) as KubeObject[]) await made(pathOf(object), object);
  const request = await made(`${accounts}/${NAME}/token`, { spec: { expirationSeconds: TOKEN_SECONDS } });
  const dir = mkdtempSync(join(tmpdir(), "skerry-least-"));
  undo.add(() => rmSync(dir, { recursive: true, force: true }));
  const agentTokenFile = join(dir, "token");
  writeFileSync(agentTokenFile, String((request["status"] as { token?: string })?.token), { mode: 0o600 });
  return { ...cluster, agentTokenFile };
}

function pathOf({ kind, metadata }: KubeObject): string {
  const where = metadata["namespace"] === undefined ? "" : `/namespaces/${String(metadata["namespace"])}`;
  return `${RBAC}${where}/${kind.toLowerCase()}s`;
}
