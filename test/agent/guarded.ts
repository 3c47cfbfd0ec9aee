import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { KubeObject } from "../../shared/live.ts";
import { until } from "../attacks/site.ts";
import { type SoloSite, soloSite } from "../bench/solo-site.ts";
import { resumed } from "../faults/resumed.ts";
import { ask, type Cluster } from "../lab/demo/cluster.ts";

/** What becomes of a call of a webhook: no connection, no answer before its time is over, an answer that is slow, one at once. */
export type Mood = "down" | "silent" | "slow" | "well";

/** A webhook that is asked about config maps whose name begins with `guarded`. */
export interface Guard {
  be(mood: Mood): Promise<void>;
  /** Calls so far. */
  calls(): number;
}

const COUNT = 12;
/** A site whose cluster has such a webhook, and whose bundle has as many objects that it is asked about as others. */
export interface GuardedSite {
  cluster: Cluster;
  namespace: string;
  guard: Guard;
}

const label = { guarded: "yes" };

function objects(namespace: string): KubeObject[] {
  return Array.from({ length: COUNT }, (_, n) => n).flatMap((n) =>
    (["free", "guarded"] as const).map((kind) => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: `${kind}-${n}`, namespace, ...(kind === "guarded" && { labels: label }) },
      data: { greeting: "1" },
    })),
  );
}

/** A whole agent at that site, for as long as `script` takes. */
async function withAgent(
  { cluster, namespace }: GuardedSite,
  script: (site: SoloSite, live: (kind: string) => Promise<number>) => Promise<void>,
): Promise<void> {
  const logs = mkdtempSync(join(tmpdir(), "skerry-guarded-"));
  const site = await soloSite(cluster, { poll: "1h", fromFolder: true });
  const digest = site.publish({ seq: 1, objects: objects(namespace), deadline: "10m" });
  const agent = resumed("agent", site.config, join(logs, "agent.log"), logs);
  try {
    await site.assign(digest, 1);
    await script(site, async (kind) => {
      const { body } = await ask(cluster, "GET", `/api/v1/namespaces/${namespace}/configmaps`);
      const found = body["items"] as (KubeObject & { data?: Record<string, string> })[];
      return found.filter(({ metadata, data }) => metadata.name.startsWith(kind) && data?.["greeting"] === "1").length;
    });
  } finally {
    await agent.stop();
    await site.stop();
    rmSync(logs, { recursive: true, force: true });
  }
}

const WHY = /an admission webhook does not answer/;

/** One that does not answer: it is asked ever less often, the rest goes on and is kept right, the report says why, and then all comes through. */
export async function withoutAnswer(at: GuardedSite, mood: "down" | "silent"): Promise<void> {
  await at.guard.be(mood);
  await withAgent(at, async (site, live) => {
    await until(
      () => live("free"),
      (count) => count === COUNT,
      "the others do not come through",
      60_000,
    );
    await until(
      () => site.item()?.waitingOn ?? "",
      (words) => WHY.test(words),
      "the report does not say why",
      60_000,
    );
    const before = at.guard.calls();
    const from = performance.now();
    const free = `/api/v1/namespaces/${at.namespace}/configmaps/free-0`;
    await ask(at.cluster, "PATCH", free, { data: { greeting: "edited" } });
    await until(
      () => live("free"),
      (count) => count === COUNT,
      "an edit of another object is not healed",
      60_000,
    );
    expect(await live("guarded")).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    // One by one each would be tried some twice a second; a wait that doubles comes to no more than one try in two seconds by then.
    const seconds = (performance.now() - from) / 1000;
    expect(at.guard.calls() - before).toBeLessThan(COUNT * (2 + seconds / 2));
    await at.guard.be("well");
    await until(
      () => site.item()?.state,
      (state) => state === "committed",
      "it is not committed",
      120_000,
    );
    expect(await live("guarded")).toBe(COUNT);
  });
}

/** One that is slow: each object is sent once, and nothing is taken for a failure. */
export async function slowAnswer(at: GuardedSite): Promise<void> {
  await at.guard.be("slow");
  const before = at.guard.calls();
  await withAgent(at, async (site) => {
    await until(
      () => site.item()?.state,
      (state) => state === "committed",
      "it is not committed",
      120_000,
    );
    expect(at.guard.calls() - before).toBe(COUNT);
  });
}
