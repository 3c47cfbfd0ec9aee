import { afterAll, beforeAll, describe, it } from "vitest";
import { labClusters } from "../lab/demo/clusters.ts";
import { type Stage, setStage } from "../lab/demo/stage.ts";
import { ROLLOUT, STORY } from "../lab/demo/story.ts";
import { Undo } from "../lab/demo/undo.ts";

/** The demo's whole story, on the bundled programs as real processes, with three sites. */
describe("the story on the lab's Kubernetes API", () => {
  const undo = new Undo();
  let stage: Stage;

  beforeAll(async () => {
    stage = await setStage({ clusters: await labClusters(3, undo), rollout: ROLLOUT, say: () => {}, undo });
  }, 60_000);

  afterAll(() => undo.all());

  // Each part begins where the one before ended.
  it.each(STORY.map((part) => [part.title, part] as const))("%s", { timeout: 180_000 }, async (_title, part) => {
    await part.play(stage, () => {});
  });
});
