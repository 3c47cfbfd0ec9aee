import { afterAll, beforeAll, describe, it } from "vitest";
import { EDITS } from "./edits.ts";
import { heals } from "./healing.ts";
import { labCluster } from "./lab.ts";
import { ALL } from "./objects.ts";
import { type DriftSite, driftSite } from "./site.ts";

let cluster: Awaited<ReturnType<typeof labCluster>>;
let site: DriftSite;
beforeAll(async () => {
  cluster = await labCluster();
  site = driftSite(cluster);
  await site.take(1, ALL);
});
afterAll(async () => {
  site.close();
  await cluster.stop();
});

describe("on the lab's API server, somebody's edit is healed, and told by its field and manager", () => {
  it.each([...EDITS])("%s (%#)", async (...edit) => await heals(site, cluster, edit));
});
