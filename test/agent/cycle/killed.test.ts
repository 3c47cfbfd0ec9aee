import { describe, expect, it } from "vitest";
import { configMap } from "../../support/fleet.ts";
import { labSite } from "./lab-site.ts";
import { killedOnItsWay, mortal } from "./mortal.ts";

describe("killed at any point of an update, it ends where it would have ended", () => {
  it("every effect was hit before, between and after", async () => {
    const hit = new Set<string>();
    for (let point = 0, done = false; !done; point += 1) {
      const life = mortal();
      const site = await labSite(life.journal);
      site.assign(1, [configMap("kept", { v: "1" }), configMap("gone")]);
      await site.until("committed", () => site.state() === "committed 1.0.0");
      site.assign(2, [configMap("kept", { v: "2" }), configMap("new")]);
      const diedAt = await killedOnItsWay(site, life, point, "committed 1.1.0");
      done = diedAt === "";
      hit.add(diedAt);
      await site.until("at rest", async () => (await site.run())?.drifted === 0);
      expect([await site.names(), await site.data("kept")], hit.has("") ? "" : [...hit].at(-1)).toEqual([
        ["kept", "new"],
        { v: "2" },
      ]);
      expect(site.cache.inventory("pos").map(({ object, state }) => [object.name, state])).toEqual([
        ["kept", "applied"],
        ["new", "applied"],
      ]);
      expect(site.hold()).toMatchObject({ previous: { version: "1.0.0" }, failed: [] });
      expect(site.cache.marks().get("pos")?.pair).toEqual([1, 2]);
      expect(site.events().filter((kind) => kind === "committed")).toHaveLength(2);
    }
    const effects = ["hold.begin", "inventory.intend", "kube.apply", "kube.delete", "inventory.settle", "hold.commit"];
    const places = ["before", "between", "after"];
    expect([...hit]).toEqual(
      expect.arrayContaining(effects.flatMap((effect) => places.map((place) => `${place} ${effect}`))),
    );
  });
});
