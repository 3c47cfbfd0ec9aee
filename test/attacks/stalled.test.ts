import { expect, it } from "vitest";
import { ask } from "../lab/demo/cluster.ts";
import { siteOnFirst, until } from "./site.ts";

/** Who holds the broker, or a hub whose disk hangs, keeps the connection and acknowledges nothing: that is no way to stop a site. */

it("a broker that acknowledges nothing keeps no drift from being healed, no site from stopping, and hears it all later", async () => {
  const site = await siteOnFirst();
  const at = { ...site.cluster, agentTokenFile: "", adminToken: site.cluster.token, caFile: null };
  const healed = async (greeting: string) => {
    const path = "/api/v1/namespaces/shop/configmaps/till";
    const { status } = await ask(at, "PATCH", path, { data: { greeting } }, "application/merge-patch+json");
    expect(status).toBe(200);
    await until(
      () => site.greeting(),
      (seen) => seen === "v1",
      `${greeting} was not healed`,
    );
  };
  const release = site.hub.stall();
  const told = site.hub.events.length;
  const { length } = site.hub.reports;
  // The first is healed before it is spoken of; from then on something waits for the broker.
  for (const edit of ["first", "second", "third"]) await healed(edit);
  expect([site.hub.events.length, site.hub.reports.length]).toEqual([told, length]);
  await site.stop();
  release();
  await site.start();
  await until(
    () => site.events("drift").length,
    (drifts) => drifts >= 3,
    "what was healed meanwhile was not told",
  );
});
