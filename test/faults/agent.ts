import type { Hold } from "../../agent/cache/cache.ts";
import type { KubeObject } from "../../shared/live.ts";
import { includes } from "../bench/includes.ts";
import type { SoloSite } from "../bench/solo-site.ts";
import { ask, type Cluster } from "../lab/demo/cluster.ts";
import { type AgentStage, agentStory } from "./agent-story.ts";
import { keptOf } from "./kept.ts";
import { clusterLosses, outboxOf, read } from "./left-behind.ts";
import { untilHolds } from "./scenario.ts";
import { configMap, deployment, namespace, pathOf } from "./till.ts";
import { lastNumber, notOnce, toldBy } from "./told.ts";

/** What every site goes through: an installation, an update with a removal, drift of two kinds, and a version that fails. */

export const V1 = [namespace(), configMap("a", "1"), configMap("b", "1"), configMap("c", "1"), deployment("1")];
/** Without b; a and the workload changed; d is new. */
export const V2 = [namespace(), configMap("a", "2"), configMap("c", "1"), configMap("d", "1"), deployment("2")];
/** a changed, e new, and a workload whose selector no server lets change: it is given up, and what it did is undone. */
const V3 = [namespace(), configMap("a", "3"), configMap("c", "1"), configMap("e", "1"), deployment("3", "other")];

export const install = agentStory({
  name: "install",
  before: async ({ site }) => site.publish({ seq: 1, objects: V1 }),
  now: async (stage, first) => {
    const { site, lives } = stage;
    await site.assign(first, 1);
    lives.begin();
    await untilHolds("v1 committed", lives, () => isReported(site, first, "committed"));
    await untilSettled(stage, 1, V1);
    const told = toldBy(site);
    const moves = notOnce(told, [
      ["applying", first],
      ["committed", first],
    ]);
    return [...(await clusterLosses(stage.cluster, site, { pos: V1 })), ...told.lost, ...moves, ...assigned(told, 1)];
  },
});

export const update = agentStory({
  name: "update",
  before: (stage) => installed(stage, V1),
  now: async (stage, { told: from }) => {
    const { site, lives } = stage;
    const second = site.publish({ seq: 2, objects: V2 });
    lives.begin();
    await site.assign(second, 2);
    await untilHolds("v2 committed", lives, () => isReported(site, second, "committed"));
    await untilSettled(stage, 2, V2);
    const told = toldBy(site, from);
    const moves = notOnce(told, [
      ["applying", second],
      ["committed", second],
    ]);
    if (told.times("pruned", { object: configMap("b", "") }) === 0) moves.push("the removal was never told");
    return [...(await clusterLosses(stage.cluster, site, { pos: V2 })), ...told.lost, ...moves, ...assigned(told, 1)];
  },
});

export const drift = agentStory({
  name: "drift",
  before: (stage) => installed(stage, V1),
  now: async (stage, { told: from }) => {
    const { site, lives, cluster } = stage;
    lives.begin();
    const [a, c] = [configMap("a", "1"), configMap("c", "1")];
    await ask(cluster, "PATCH", pathOf(a), { data: { greeting: "edited" } });
    await untilHolds("the edit healed", lives, () => isLive(cluster, a));
    await ask(cluster, "DELETE", pathOf(c));
    await untilHolds("the delete healed", lives, () => isLive(cluster, c));
    await untilSettled(stage, 1, V1);
    const told = toldBy(site, from);
    const healed = [a, c].flatMap((object) =>
      told.times("drift", { object }) > 0 ? [] : [`drift of ${object.metadata.name} was never told`],
    );
    return [...(await clusterLosses(cluster, site, { pos: V1 })), ...told.lost, ...healed];
  },
});

export const givenUp = agentStory({
  name: "given-up",
  before: (stage) => installed(stage, V1),
  now: async (stage, { first, told: from }) => {
    const { site, lives } = stage;
    const third = site.publish({ seq: 2, objects: V3 });
    lives.begin();
    await site.assign(third, 2);
    await untilHolds("v3 given up", lives, () => isReported(site, first, "reverted"));
    await untilSettled(stage, 1, V1);
    const told = toldBy(site, from);
    const moves = notOnce(told, [
      ["applying", third],
      ["reverting", third],
      ["reverted", first],
    ]);
    return [
      ...(await clusterLosses(stage.cluster, site, { pos: V1 })),
      ...told.lost,
      ...moves,
      ...assigned(told, 1),
      ...stateLosses(site, first, third),
    ];
  },
});

/** A site that runs version 1 of `pos`: its digest, and the number of the last event. */
export async function installed(
  stage: AgentStage,
  objects: readonly KubeObject[],
): Promise<{ first: string; told: number }> {
  const { site, lives } = stage;
  const digest = site.publish({ seq: 1, objects });
  await site.assign(digest, 1);
  lives.begin();
  await untilHolds("v1 committed", lives, () => isReported(site, digest, "committed"));
  await untilSettled(stage, 1, objects);
  return { first: digest, told: lastNumber(site) };
}

/** All is done and told, and the cluster keeps the mark: then it ends, and where it is killed on the way, again. */
export async function untilSettled(stage: AgentStage, seq: number, pos: readonly KubeObject[]): Promise<void> {
  const { site, cluster, lives } = stage;
  do {
    await untilHolds("all as desired", lives, async () => (await clusterLosses(cluster, site, { pos })).length === 0);
    await untilHolds("all events confirmed", lives, () => outboxOf(site) === 0);
    await untilHolds("the marks kept in the cluster", lives, async () => (await keptOf(cluster))?.seq === seq);
  } while (!(await lives.endOrAgain()));
}

export function isReported(site: SoloSite, digest: string, state: string): boolean {
  const item = site.item();
  return item?.state === state && item.digest === digest.slice(0, 32);
}

async function isLive(cluster: Cluster, wanted: KubeObject): Promise<boolean> {
  const { status, body } = await ask(cluster, "GET", pathOf(wanted));
  return status === 200 && includes(body as unknown as KubeObject, wanted);
}

function assigned(told: ReturnType<typeof toldBy>, times: number): string[] {
  const found = told.times("assigned");
  return found === times ? [] : [`assigned was told ${found} times of ${times}`];
}

export function held(site: SoloSite): Hold[] {
  return read<{ body: string }>(site, "SELECT body FROM holds").map(({ body }) => JSON.parse(body) as Hold);
}

/** What it would begin with at its next start. */
function stateLosses(site: SoloSite, first: string, third: string): string[] {
  const [hold] = held(site);
  if (hold === undefined) return ["it holds nothing"];
  const lost: string[] = [];
  if (hold.state !== "reverted") lost.push(`its state is ${hold.state}`);
  if (hold.running.digest !== first || hold.committed?.digest !== first) lost.push("it does not hold v1");
  const [marks] = read<Record<string, unknown>>(site, "SELECT seq, floor_seq FROM marks");
  if (JSON.stringify(marks) !== '{"seq":1,"floor_seq":1}') lost.push(`its marks are ${JSON.stringify(marks)}`);
  if (hold.failed.filter(({ digest }) => digest === third).length !== 1) lost.push("it does not remember v3 as failed");
  return lost;
}
