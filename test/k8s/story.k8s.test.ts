import { afterAll, beforeAll, describe, it } from "vitest";
import { clustersOf } from "../lab/demo/clusters.ts";
import { type Stage, setStage } from "../lab/demo/stage.ts";
import { ROLLOUT, STORY } from "../lab/demo/story.ts";
import { Undo } from "../lab/demo/undo.ts";
import { sitesOfThisRun } from "./sites.ts";

/** The first four parts of the story on real API servers, where Deployments become ready by the real controllers. */
describe("the story on real Kubernetes", () => {
  const undo = new Undo();
  let stage: Stage | null = null;

  beforeAll(async () => {
    const sites = await sitesOfThisRun();
    if (sites.length < 3 || !sites.every((site) => site.workloads)) return;
    stage = await setStage({ clusters: clustersOf(sites, undo), rollout: ROLLOUT, say: () => {}, undo });
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
});
