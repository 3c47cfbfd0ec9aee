import { expect, it } from "vitest";
import { type JsonObject, refOf } from "../../../shared/live.ts";
import { at } from "../../contract/kube/objects.ts";
import { IMAGE } from "../../shared/render/sample.ts";
import { mortal } from "../cycle/mortal.ts";
import { labCluster } from "./lab.ts";
import { CONFIG, DEPLOYMENT, SERVICE } from "./objects.ts";
import { driftSite, pathOf, placed } from "./site.ts";

const till = (selector: JsonObject) => ({
  ...DEPLOYMENT,
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: "till", ...selector } },
    template: {
      metadata: { labels: { app: "till", tier: "x" } },
      spec: { containers: [{ name: "till", image: IMAGE }] },
    },
  },
});

it("killed at any point of adopting, unblocking and making anew, it ends where it would have ended", {
  timeout: 300_000,
}, async () => {
  const hit = new Set<string>();
  for (let point = 0, done = false; !done; point += 1) {
    const life = mortal();
    const cluster = await labCluster();
    const site = driftSite(cluster, life.journal);
    const live = async (object: typeof CONFIG) => await cluster.kube.get(refOf(placed(object, cluster.namespace)));
    const path = pathOf(refOf(placed(CONFIG, cluster.namespace)));
    await site.take(1, [till({}), SERVICE]);
    // For the move to come: one object that was somebody's, one with a field in the way, one that cannot become what it shall be.
    const old = { ...placed(CONFIG, cluster.namespace), data: { gone: "x" } };
    await cluster.send("helm", "POST", path.slice(0, path.lastIndexOf("/")), old, "application/json");
    const moved = [{ op: "replace", path: "/spec/ports/0/port", value: 81 }];
    const service = { ...SERVICE, spec: { ...(SERVICE["spec"] as JsonObject), sessionAffinity: "None" } };
    await site.take(2, [till({ tier: "x" }), CONFIG, service], { recreate: [{ kind: "Deployment" }] }, "");
    life.dieAfter(point);
    await cluster.send(
      "operator",
      "PATCH",
      pathOf(refOf(placed(SERVICE, cluster.namespace))),
      moved,
      "application/json-patch+json",
    );
    await site
      .until("committed", () => site.state() === "committed 1.1.0")
      .catch((error: Error) => {
        if (error.message !== "killed") throw error;
      });
    const diedAt = life.diedAt();
    done = diedAt === "";
    hit.add(diedAt);
    life.dieAfter(Number.POSITIVE_INFINITY);
    site.restart();
    await site.until(`committed after ${diedAt}`, () => site.state() === "committed 1.1.0");
    await site.until("at rest", async () => (await site.run())?.drifted === 0);
    expect((await live(CONFIG))?.["data"], diedAt).toEqual(CONFIG["data"]);
    expect(at((await live(SERVICE)) ?? {}, "spec", "ports"), diedAt).toMatchObject([{ port: 80 }, { port: 90 }]);
    expect(at((await live(DEPLOYMENT)) ?? {}, "spec", "selector", "matchLabels"), diedAt).toEqual({
      app: "till",
      tier: "x",
    });
    expect(site.cache.inventory("pos").map(({ state }) => state)).toEqual(["applied", "applied", "applied"]);
    expect(await site.writesMeanwhile(async () => {}, 3)).toBe(0);
    site.close();
    await cluster.stop();
  }
  const places = ["before", "between", "after"];
  const effects = ["kube.reown", "kube.delete", "kube.apply", "inventory.intend", "inventory.settle"];
  expect([...hit]).toEqual(
    expect.arrayContaining(effects.flatMap((effect) => places.map((place) => `${place} ${effect}`))),
  );
});
