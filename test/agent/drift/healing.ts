import { isDeepStrictEqual } from "node:util";
import { expect } from "vitest";
import { heldByHand } from "../../../shared/by-hand.ts";
import { fieldsOf, project } from "../../../shared/fields.ts";
import { FIELD_MANAGER, type Json, type KubeObject, nameOf, refOf } from "../../../shared/live.ts";
import type { Edit } from "./edits.ts";
import { type Cluster, type DriftSite, pathOf, placed } from "./site.ts";

const DAY_MS = 25 * 3_600_000;

/** What of the object is ours, and its value. */
export async function oursOf(cluster: Cluster, object: KubeObject): Promise<Json> {
  const live = await cluster.kube.get(refOf(placed(object, cluster.namespace)));
  const fields = live === null ? null : fieldsOf(live, FIELD_MANAGER);
  return live === null || fields === null ? null : project(live, fields);
}

/** Somebody edits: it becomes what it was, and the event says what was edited and by whom. */
export async function heals(
  site: DriftSite,
  cluster: Cluster,
  [title, object, manager, act, words]: Edit,
): Promise<void> {
  site.skip(DAY_MS);
  site.events();
  const before = await oursOf(cluster, object);
  expect(before).not.toBeNull();
  const ref = refOf(placed(object, cluster.namespace));
  const live = await cluster.kube.get(ref);
  if (live === null) throw new Error(`${nameOf(ref)} is not there`);
  const path = pathOf(ref);
  await act(async (method, body, type, query = "") => {
    const isNew = method === "POST";
    const at = isNew ? path.slice(0, path.lastIndexOf("/")) : path;
    return await cluster.send(manager, method, `${at}${query === "" ? "" : `?${query}`}`, body, type);
  }, live);
  const told: string[] = [];
  await site.until(`told: ${title}`, () => {
    told.push(...site.events(ref.name).filter((event) => event.startsWith("drift")));
    return told.length > 0;
  });
  await site.until(`healed: ${title}, told ${told.join()}`, async () => {
    const now = await cluster.kube.get(ref);
    return now !== null && heldByHand(now, []).length === 0 && isDeepStrictEqual(await oursOf(cluster, object), before);
  });
  expect(told.join("\n")).toMatch(words);
  expect(told.join("\n")).not.toMatch(/hunter2|aHVudGVyMg|AAAA|busybox/);
}
