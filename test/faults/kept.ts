import { readSecret } from "../../agent/keep/secret.ts";
import type { KubeObject } from "../../shared/live.ts";
import { ask, type Cluster } from "../lab/demo/cluster.ts";

const SECRET = "/api/v1/namespaces/skerry-system/secrets/skerry-site";

/** What the cluster of site `s-1` keeps for its bundle `pos`; null where that is nothing, or not as it was written. */
export async function keptOf(cluster: Cluster): Promise<{ seq: number | undefined; reportKey: string | null } | null> {
  const { status, body } = await ask(cluster, "GET", SECRET);
  if (status !== 200) return null;
  const reading = readSecret(body as unknown as KubeObject, { fleet: "shops", site: "s-1" });
  if (reading.found !== "kept") return null;
  return { seq: reading.kept.marks.get("pos")?.pair[1], reportKey: reading.kept.reportKey };
}
