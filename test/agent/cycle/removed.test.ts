import { describe, expect, it } from "vitest";
import { BUNDLE_LABEL } from "../../../shared/render/render.ts";
import { configMap } from "../../support/fleet.ts";
import { deployment, labSite } from "./lab-site.ts";
import { killedOnItsWay, mortal } from "./mortal.ts";

const whole = [configMap("one"), configMap("two"), deployment("till", "ready")];
const GONE = { remove: true, files: [], prune: { share: "0%" } };

/** An object of another bundle at this site. */
function foreign() {
  const object = configMap("theirs");
  return { ...object, metadata: { ...object.metadata, labels: { [BUNDLE_LABEL]: "base" } } };
}

describe("a version that takes its bundle away", () => {
  it("deletes all of it, whatever its prune share, and nothing of another bundle; the marks stay", async () => {
    const site = await labSite();
    await site.edit(foreign());
    site.assign(1, whole);
    await site.until("committed", () => site.state() === "committed 1.0.0");
    site.assign(2, [], GONE);
    await site.until("committed", () => site.state() === "committed 1.1.0");
    expect([await site.names(), await site.names("Deployment", "apps/v1")]).toEqual([[], []]);
    expect(await site.data("theirs")).toEqual({ greeting: "hello" });
    expect([site.cache.inventory("pos"), site.cache.marks().get("pos")]).toEqual([[], { pair: [1, 2], floor: [1, 1] }]);
    expect(await site.run()).toMatchObject({ summary: { total: 0 }, drifted: 0, waitingOn: null });
  });

  it("is followed by one that brings it back, and never by an older one of itself", async () => {
    const site = await labSite();
    site.assign(1, whole);
    await site.until("committed", () => site.state() === "committed 1.0.0");
    site.assign(2, [], GONE);
    await site.until("committed", () => site.state() === "committed 1.1.0");
    site.assign(1, whole);
    expect((await site.run())?.waitingOn).toContain("ahead");
    site.assign(3, [configMap("one")]);
    await site.until("committed", () => site.state() === "committed 1.2.0");
    expect(await site.names()).toEqual(["one"]);
  });

  it("is what a failed later version returns to", async () => {
    const site = await labSite();
    site.assign(1, whole);
    await site.until("committed", () => site.state() === "committed 1.0.0");
    site.assign(2, [], GONE);
    await site.until("committed", () => site.state() === "committed 1.1.0");
    site.assign(3, [configMap("one"), deployment("till", "stuck")]);
    await site.until("verifying", () => site.state() === "verifying 1.2.0");
    site.skip(60_000);
    await site.until("reverted", () => site.state() === "reverted 1.1.0");
    expect([await site.names(), await site.names("Deployment", "apps/v1")]).toEqual([[], []]);
  });

  it("killed at any point ends where it would have ended", async () => {
    const hit = new Set<string>();
    for (let point = 0, done = false; !done; point += 1) {
      const life = mortal();
      const site = await labSite(life.journal);
      await site.edit(foreign());
      site.assign(1, [configMap("one"), configMap("two")]);
      await site.until("committed", () => site.state() === "committed 1.0.0");
      site.assign(2, [], GONE);
      const diedAt = await killedOnItsWay(site, life, point, "committed 1.1.0");
      done = diedAt === "";
      hit.add(diedAt);
      expect([await site.names(), await site.data("theirs")], diedAt).toEqual([[], { greeting: "hello" }]);
      expect(site.cache.inventory("pos")).toEqual([]);
      expect(site.events().filter((event) => event.startsWith("committed"))).toHaveLength(2);
    }
    const effects = ["hold.begin", "kube.delete", "inventory.settle", "hold.commit"];
    const places = ["before", "between", "after"];
    expect([...hit]).toEqual(
      expect.arrayContaining(effects.flatMap((effect) => places.map((place) => `${place} ${effect}`))),
    );
  });
});
