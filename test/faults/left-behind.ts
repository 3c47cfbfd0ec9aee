import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { type KubeObject, nameOf, refOf } from "../../shared/live.ts";
import { BUNDLE_LABEL } from "../../shared/render/render.ts";
import { includes } from "../bench/includes.ts";
import type { SoloSite } from "../bench/solo-site.ts";
import { ask, type Cluster } from "../lab/demo/cluster.ts";
import { READ_BACK } from "./till.ts";

/** What a site leaves in its cluster and on its disk. */

/** The cluster is as these bundles want it, nothing else carries our label, and the inventory of each says the same. */
export async function clusterLosses(
  cluster: Cluster,
  site: SoloSite,
  bundles: Readonly<Record<string, readonly KubeObject[]>>,
): Promise<string[]> {
  const lost: string[] = [];
  const live = new Map<string, { bundle: string; object: KubeObject }>();
  for (const { path, apiVersion, kind } of READ_BACK) {
    const { body } = await ask(cluster, "GET", `${path}?labelSelector=${encodeURIComponent(BUNDLE_LABEL)}`);
    for (const item of body["items"] as KubeObject[]) {
      const object = { ...item, apiVersion, kind };
      const labels = (item.metadata["labels"] ?? {}) as Record<string, string>;
      live.set(nameOf(refOf(object)), { bundle: labels[BUNDLE_LABEL] ?? "", object });
    }
  }
  const desired = new Set<string>();
  for (const [bundle, objects] of Object.entries(bundles)) {
    for (const wanted of objects) {
      const name = nameOf(refOf(wanted));
      desired.add(name);
      const found = live.get(name);
      if (found === undefined) lost.push(`${name} is not in the cluster`);
      else if (found.bundle !== bundle) lost.push(`${name} is of bundle ${found.bundle}`);
      else if (!includes(found.object, wanted)) lost.push(`${name} is not as desired`);
    }
  }
  for (const name of live.keys()) if (!desired.has(name)) lost.push(`${name} is orphaned in the cluster`);
  const inventory = inventoryOf(site);
  for (const [name, { bundle, object }] of live) {
    const row = inventory.get(`${bundle} ${name}`);
    if (row === undefined) lost.push(`${name} is not in the inventory`);
    else if (row.uid !== object.metadata["uid"]) lost.push(`${name} has another uid in the inventory`);
    else if (row.state !== "applied") lost.push(`${name} is ${row.state} in the inventory`);
  }
  const known = new Set([...live].map(([name, { bundle }]) => `${bundle} ${name}`));
  for (const name of inventory.keys()) if (!known.has(name)) lost.push(`${name} is in the inventory only`);
  return lost;
}

function inventoryOf(site: SoloSite): Map<string, { uid: string; state: string }> {
  const rows = read<Record<"bundle" | "api_version" | "kind" | "namespace" | "name" | "uid" | "state", string>>(
    site,
    "SELECT bundle, api_version, kind, namespace, name, uid, state FROM inventory",
  );
  return new Map(
    rows.map(({ bundle, api_version: apiVersion, ...row }) => [`${bundle} ${nameOf({ apiVersion, ...row })}`, row]),
  );
}

export function outboxOf(site: SoloSite): number {
  return read(site, "SELECT id FROM outbox").length;
}

export function read<Row>(site: SoloSite, sql: string): Row[] {
  const database = new Sqlite(join(site.dataDir, "agent.db"), { readonly: true, timeout: 2000 });
  try {
    return database.prepare<[], Row>(sql).all();
  } finally {
    database.close();
  }
}
