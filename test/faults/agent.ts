import type { Hold } from "../../agent/cache/cache.ts";
import { type KubeObject, nameOf, refOf } from "../../shared/live.ts";
import { includes } from "../bench/includes.ts";
import { type SoloSite, soloSite } from "../bench/solo-site.ts";
import { ask, type Cluster } from "../lab/demo/cluster.ts";
import { labClusters } from "../lab/demo/clusters.ts";
import { Undo } from "../lab/demo/undo.ts";
import { keptOf } from "./kept.ts";
import { clusterLosses, outboxOf, read } from "./left-behind.ts";
import { Lives, type Played, type Scenario, untilHolds } from "./scenario.ts";
import { configMap, deployment, namespace, pathOf } from "./till.ts";

const V1 = [namespace(), configMap("a", "1"), configMap("b", "1"), configMap("c", "1"), deployment("1")];
/** Without b; a and the workload changed; d is new. */
const V2 = [namespace(), configMap("a", "2"), configMap("c", "1"), configMap("d", "1"), deployment("2")];
/** a changed, e new, and a workload whose selector no server lets change: it is given up, and what it did is undone. */
const V3 = [namespace(), configMap("a", "3"), configMap("c", "1"), configMap("e", "1"), deployment("3", "other")];

/** Install, update with a removal, drift of two kinds, and a version that fails: what every site goes through. */
export const agent: Scenario = {
  program: "agent",
  play: async (victims, point) => {
    const undo = new Undo();
    const [cluster] = (await labClusters(1, undo)) as [Cluster];
    const site = await soloSite(cluster);
    const lives = new Lives(site.dir, point, (orders) => victims.start("agent", [site.config], orders, site.agentLog));
    const reported = (digest: string, state: string) => () => {
      const item = site.item();
      return item?.state === state && item.digest === digest.slice(0, 32);
    };
    try {
      const first = site.publish({ seq: 1, objects: V1 });
      await site.assign(first, 1);
      lives.begin();
      await untilHolds("v1 committed", lives, reported(first, "committed"));
      const second = site.publish({ seq: 2, objects: V2 });
      await site.assign(second, 2);
      await untilHolds("v2 committed", lives, reported(second, "committed"));
      await edited(cluster, lives);
      await deleted(cluster, lives);
      const third = site.publish({ seq: 3, objects: V3 });
      await site.assign(third, 3);
      await untilHolds("v3 given up", lives, reported(second, "reverted"));
      do {
        await untilHolds("all events confirmed", lives, () => outboxOf(site) === 0);
        await untilHolds("the marks kept in the cluster", lives, async () => (await keptOf(cluster))?.seq === 2);
      } while (!(await lives.endOrAgain()));
      const lost = [
        ...(await clusterLosses(cluster, site, { pos: V2 })),
        ...eventLosses(site, { first, second, third }),
        ...reportLosses(site),
        ...stateLosses(site, second, third),
      ];
      return { lost, reached: lives.reached, tally: lives.tally };
    } catch (error) {
      return { lost: [`${(error as Error).message}`], reached: lives.reached, tally: lives.tally } satisfies Played;
    } finally {
      await lives.end();
      await site.stop();
      await undo.all();
    }
  },
};

async function edited(cluster: Cluster, lives: Lives): Promise<void> {
  const wanted = configMap("a", "2");
  await ask(cluster, "PATCH", pathOf(wanted), { data: { greeting: "edited" } });
  await untilHolds("the edit healed", lives, async () => includes((await get(cluster, wanted)) ?? null, wanted));
}

async function deleted(cluster: Cluster, lives: Lives): Promise<void> {
  const wanted = configMap("c", "1");
  await ask(cluster, "DELETE", pathOf(wanted));
  await untilHolds("the delete healed", lives, async () => includes((await get(cluster, wanted)) ?? null, wanted));
}

async function get(cluster: Cluster, object: KubeObject): Promise<KubeObject | null> {
  const { status, body } = await ask(cluster, "GET", pathOf(object));
  return status === 200 ? (body as unknown as KubeObject) : null;
}

/** Each number once, with one content, none left out; each move told exactly once, each healing at least once. */
function eventLosses(site: SoloSite, { first, second, third }: Record<"first" | "second" | "third", string>): string[] {
  const lost: string[] = [];
  const byNumber = new Map<number, string>();
  for (const event of site.batches.flatMap((batch) => batch.events)) {
    const text = JSON.stringify(event);
    if ((byNumber.get(event.number) ?? text) !== text) lost.push(`event ${event.number} came with two contents`);
    byNumber.set(event.number, text);
  }
  const highest = Math.max(0, ...byNumber.keys());
  for (let number = 1; number <= highest; number += 1)
    if (!byNumber.has(number)) lost.push(`event ${number} never came`);
  const events = [...byNumber.values()].map((text) => JSON.parse(text) as SoloSite["events"][number]);
  const told = (kind: string, of: { digest?: string; object?: string }) =>
    events.filter(
      (event) =>
        event.kind === kind &&
        (of.digest === undefined || event.digest === of.digest.slice(0, 32)) &&
        (of.object === undefined || event.object === of.object),
    ).length;
  for (const [kind, digest] of [
    ["applying", first],
    ["committed", first],
    ["applying", second],
    ["committed", second],
    ["applying", third],
    ["reverting", third],
    ["reverted", second],
  ] as const) {
    const times = told(kind, { digest });
    if (times !== 1) lost.push(`${kind} of ${digest.slice(0, 8)} was told ${times} times`);
  }
  if (told("assigned", {}) !== 3) lost.push(`assigned was told ${told("assigned", {})} times of 3`);
  for (const [kind, object] of [
    ["drift", configMap("a", "")],
    ["drift", configMap("c", "")],
    ["pruned", configMap("b", "")],
  ] as const) {
    if (told(kind, { object: nameOf(refOf(object)) }) === 0)
      lost.push(`${kind} of ${object.metadata.name} was never told`);
  }
  return lost;
}

function reportLosses(site: SoloSite): string[] {
  const numbers = site.reports.map((report) => report.number);
  return numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0))
    ? []
    : [`report numbers ${numbers.join(" ")}`];
}

/** What it would begin with at its next start. */
function stateLosses(site: SoloSite, second: string, third: string): string[] {
  const [hold] = read<{ body: string }>(site, "SELECT body FROM holds").map(({ body }) => JSON.parse(body) as Hold);
  if (hold === undefined) return ["it holds nothing"];
  const lost: string[] = [];
  if (hold.state !== "reverted") lost.push(`its state is ${hold.state}`);
  if (hold.running.digest !== second || hold.committed?.digest !== second) lost.push("it does not hold v2");
  const [marks] = read<Record<string, unknown>>(site, "SELECT * FROM marks");
  if (JSON.stringify(marks) !== '{"bundle":"pos","epoch":1,"seq":2,"floor_epoch":1,"floor_seq":1}')
    lost.push(`its marks are ${JSON.stringify(marks)}`);
  if (hold.failed.filter(({ digest }) => digest === third).length !== 1) lost.push("it does not remember v3 as failed");
  return lost;
}
