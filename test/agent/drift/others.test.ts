import { describe, it } from "vitest";
import { labClusterOfTest } from "./lab.ts";
import { play, SCRIPTS } from "./others.ts";

describe("beside others, on the lab's API server", { timeout: 180_000 }, () => {
  it.each(Object.entries(SCRIPTS))("%s", async (_title, script) => await play(script, await labClusterOfTest()));
});
