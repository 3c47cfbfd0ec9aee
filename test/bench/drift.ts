import { parseArgs } from "node:util";
import type { Json, KubeObject } from "../../shared/live.ts";
import { ask, type Cluster } from "../lab/demo/cluster.ts";
import { clustersFor } from "../lab/demo/clusters.ts";
import { until } from "../lab/demo/stage.ts";
import { Undo } from "../lab/demo/undo.ts";
import { seeded } from "../support/clock.ts";
import { type BenchResult, type Figure, figureOf, machine, percentile } from "./figures.ts";
import { COLLECTIONS, manyObjects, pathOf } from "./forty.ts";
import { includes } from "./includes.ts";
import { soloSite } from "./solo-site.ts";
import { type Seen, watchApi } from "./watch-api.ts";

const HEALED_WITHIN_MS = 30_000;

/**
 * From the answer to somebody's edit or delete until a watch shows the object as it is desired, at a site with 500 objects, on Kubernetes
 * 1.36 or, with `--k8s lab`, on the lab's API server. The limit is what one server-side apply takes to be seen on the same watch.
 */
export async function drift(args: string[]): Promise<BenchResult> {
  const options = {
    edits: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    k8s: { type: "string", default: "real" },
  } as const;
  const { values } = parseArgs({ args, options });
  const before = machine();
  const undo = new Undo();
  try {
    const [cluster] = (await clustersFor(values.k8s, undo)) as [Cluster];
    const where = values.k8s === "lab" ? "the lab's server" : "Kubernetes 1.36";
    const figures = await driftOn(cluster, where, Number(values.edits), seeded(Number(values.seed)));
    return { name: "drift", machine: before, runs: Number(values.edits), figures };
  } finally {
    await undo.all();
  }
}

async function driftOn(cluster: Cluster, where: string, edits: number, random: () => number): Promise<Figure[]> {
  const site = await soloSite(cluster);
  try {
    const objects = manyObjects(500);
    await site.assign(site.publish({ seq: 1, objects, deadline: "300s" }), 1);
    site.start();
    await until("the install", 300_000, async () => site.item()?.state === "committed");
    const onSeen = new Set<(seen: Seen) => void>();
    const watch = await watchApi(cluster, COLLECTIONS, (seen) => onSeen.forEach((each) => each(seen)));
    const seenOf = async (object: KubeObject, act: () => Promise<Acted>): Promise<number> => {
      const events: Seen[] = [];
      let look = () => {};
      const listener = (seen: Seen) => {
        if (seen.object.kind !== object.kind || seen.object.metadata.name !== object.metadata.name) return;
        events.push(seen);
        look();
      };
      onSeen.add(listener);
      try {
        const { since, wanted } = await act();
        return await new Promise((resolve, reject) => {
          const late = setTimeout(() => reject(new Error(`not seen; see ${site.agentLog}`)), HEALED_WITHIN_MS);
          look = () => {
            const found = events.find(wanted);
            if (found === undefined) return;
            clearTimeout(late);
            resolve(Math.max(0, found.at - since));
          };
          look();
        });
      } finally {
        onSeen.delete(listener);
      }
    };
    const editable = objects.filter(({ kind }) => kind !== "Namespace");
    const pause = () => new Promise((resolve) => setTimeout(resolve, 20 + 60 * random()));
    const took: number[] = [];
    const applies: number[] = [];
    for (let edit = 0; edit < edits; edit += 1) {
      const object = editable[Math.floor(random() * editable.length)] as KubeObject;
      const isDelete = random() < 0.4;
      await pause();
      took.push(await seenOf(object, () => (isDelete ? remove(cluster, object) : change(cluster, object, edit))));
      await pause();
      applies.push(await seenOf(bystander(edit), () => apply(cluster, bystander(edit))));
    }
    watch.stop();
    const told = () => site.events.filter(({ kind }) => kind === "drift").length;
    await until("all of it is told", 30_000, async () => told() >= edits);
    return [
      figureOf(`drift to healed, ${where}`, "ms", took, {
        limit: { name: "one apply until it is seen", value: percentile(applies, 0.5) },
        goal: { of: "p95", atMost: 100 },
      }),
      figureOf("for each edit", "applies", [told() / edits], { goal: { of: "max", atMost: 1 } }),
    ];
  } finally {
    await site.stop();
  }
}

interface Acted {
  /** `performance.now()` from which the time counts. */
  since: number;
  wanted(seen: Seen): boolean;
}

/** What somebody with kubectl would do; each kind in another field. */
async function change(cluster: Cluster, object: KubeObject, edit: number): Promise<Acted> {
  const patches: Record<string, Json> = {
    ConfigMap: { data: { greeting: `edited ${edit}` } },
    Service: { spec: { selector: { app: `edited-${edit}` } } },
    Deployment: { spec: { replicas: 2 + (edit % 3) } },
  };
  const { status, body } = await ask(cluster, "PATCH", pathOf(object), patches[object.kind]);
  if (status !== 200) throw new Error(`the edit was answered with ${status}: ${JSON.stringify(body)}`);
  const since = performance.now();
  const version = versionOf(body as unknown as KubeObject);
  return {
    since,
    wanted: ({ type, object: seen }) => type !== "DELETED" && versionOf(seen) > version && includes(seen, object),
  };
}

async function remove(cluster: Cluster, object: KubeObject): Promise<Acted> {
  const before = await ask(cluster, "GET", pathOf(object));
  const uid = (before.body as unknown as KubeObject).metadata["uid"];
  const { status } = await ask(cluster, "DELETE", pathOf(object));
  if (status !== 200) throw new Error(`the delete was answered with ${status}`);
  const since = performance.now();
  return {
    since,
    wanted: ({ type, object: seen }) => type !== "DELETED" && seen.metadata["uid"] !== uid && includes(seen, object),
  };
}

/** An object that is nobody's desired state. */
function bystander(edit: number): KubeObject {
  const metadata = { name: "bystander", namespace: "bench" };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { edit: String(edit) } };
}

async function apply(cluster: Cluster, object: KubeObject): Promise<Acted> {
  const path = `${pathOf(object)}?fieldManager=bench&force=true`;
  const since = performance.now();
  const { status } = await ask(cluster, "PATCH", path, object, "application/apply-patch+yaml");
  if (status > 201) throw new Error(`the apply was answered with ${status}`);
  return { since, wanted: ({ object: seen }) => includes(seen, object) };
}

function versionOf(object: KubeObject): bigint {
  return BigInt(String(object.metadata["resourceVersion"]));
}
