import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask } from "../lab/demo/cluster.ts";
import { clustersOf } from "../lab/demo/clusters.ts";
import { DELEGATION } from "../lab/demo/fleet.ts";
import { type Stage, setStage } from "../lab/demo/stage.ts";
import { ROLLOUT, STORY } from "../lab/demo/story.ts";
import { Undo } from "../lab/demo/undo.ts";
import { withLeastRights } from "./least-rights.ts";
import { sitesOfThisRun } from "./sites.ts";

/**
 * The first four parts of the story on real API servers, where Deployments become ready by the real controllers, under exactly the rights
 * that `skerry-agent rbac` writes.
 */
describe("the story on real Kubernetes", () => {
  const undo = new Undo();
  let stage: Stage | null = null;

  beforeAll(async () => {
    const sites = await sitesOfThisRun();
    if (sites.length < 3 || !sites.every((site) => site.workloads)) return;
    const clusters = await Promise.all(
      clustersOf(sites, undo).map((cluster) => withLeastRights(cluster, [DELEGATION], undo)),
    );
    stage = await setStage({ clusters, rollout: ROLLOUT, say: () => {}, undo });
  }, 120_000);

  afterAll(() => undo.all());

  it.each(STORY.slice(0, 4).map((part) => [part.title, part] as const))(
    "%s",
    { timeout: 180_000 },
    async (_title, part) => {
      if (stage === null)
        throw new Error("the story needs three sites with controllers: leave out --sites, or give the other binaries");
      await part.play(stage, () => {});
    },
  );

  it("each site keeps its marks and keys in its cluster, by rights that name that one Secret", async () => {
    for (const { cluster } of stage?.sites ?? []) {
      const { status, body } = await ask(cluster, "GET", "/api/v1/namespaces/skerry-system/secrets/skerry-site");
      expect([status, Object.keys((body["data"] ?? {}) as object).toSorted()]).toEqual([
        200,
        ["box.key", "marks.json", "report.key"],
      ]);
    }
  });
});
