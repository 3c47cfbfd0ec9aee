import { afterAll, beforeAll, describe, it } from "vitest";
import { type Clusters, labClusters } from "../lab/demo/clusters.ts";
import { type Stage, setStage } from "../lab/demo/stage.ts";
import { ROLLOUT, STORY } from "../lab/demo/story.ts";

/** The demo's whole story, on the bundled programs as real processes, with three sites. */
describe("the story on the lab's Kubernetes API", () => {
  let clusters: Clusters;
  let stage: Stage;

  beforeAll(async () => {
    clusters = await labClusters(3);
    stage = await setStage({ clusters: clusters.list, rollout: ROLLOUT, say: () => {} });
  }, 60_000);

  afterAll(async () => {
    await stage?.stop();
    await clusters?.stop();
  });

  // Each part begins where the one before ended.
  it.each(STORY.map((part) => [part.title, part] as const))("%s", { timeout: 180_000 }, async (_title, part) => {
    await part.play(stage, () => {});
  });
});
