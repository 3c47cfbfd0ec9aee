import { describe, expect, it } from "vitest";
import { configMap, keys, line, rootDocument, signedBundle, signedRoot, signedSite } from "../support/fleet.ts";
import { refuses, runningSite, runs } from "./running.ts";
import { attackedSite, until, v } from "./site.ts";

/** Who has a key of the fleet's owners, or of another site. */

describe("key theft", () => {
  it("a bundle by the old key is refused once the root is rotated; what it signed before runs on, flagged", async () => {
    const site = await runningSite(1);
    const hubs = [{ url: site.hub.url, ca: "" }];
    const bundles = rootDocument().bundles.map((each) => ({ ...each, keys: ["root2"] }));
    site.owner.root(2, signedRoot({ number: 2, hubs, bundles }));
    const stolen = v(2);
    site.owner.publish(stolen);
    await site.assign(stolen);
    await refuses(site, "threshold");
    await until(
      () => site.item()?.flags,
      (flags) => flags?.includes("key-left") === true,
      "no flag",
    );
    expect(await site.greeting()).toBe("v1");
    await site.stop();
    await site.start();
    await until(
      () => site.item()?.state,
      (state) => state === "committed",
      "it does not run on after a restart",
    );
    const fresh = v(3, {}, { root2: keys.root2 });
    site.owner.publish(fresh);
    await site.assign(fresh);
    await runs(site, "v3");
  });

  it("what the thief signed before the rotation is refused by a raised epoch", async () => {
    const site = await runningSite(1);
    const hubs = [{ url: site.hub.url, ca: "" }];
    const bundles = rootDocument().bundles.map((each) => ({ ...each, epoch: 2 }));
    const stolen = v(7);
    site.owner.publish(stolen);
    site.owner.root(2, signedRoot({ number: 2, hubs, bundles }));
    await until(
      () => site.hub.reports.at(-1)?.root,
      (number) => number === 2,
      "root 2 did not come",
    );
    await site.assign(stolen);
    await refuses(site, "floor");
    expect(await site.greeting()).toBe("v1");
    const fresh = v(2, { epoch: 2, floor: [2, 2] });
    site.owner.publish(fresh);
    await site.assign(fresh, { pair: [2, 2] });
    await runs(site, "v2");
  });

  it("reaches a site that slept through five roots", async () => {
    const site = await runningSite(1);
    await site.stop();
    const hubs = [{ url: site.hub.url, ca: "" }];
    const roles = { ...rootDocument().roles, root: { keys: ["root2"], threshold: 1 } };
    for (const number of [2, 3, 4, 5, 6]) {
      const signers = number === 2 ? { root: keys.root, root2: keys.root2 } : { root2: keys.root2 };
      site.owner.root(number, signedRoot({ number, hubs, roles }, signers));
    }
    await site.start();
    await until(
      () => site.hub.reports.at(-1)?.root,
      (number) => number === 6,
      "root 6 did not come",
    );
    expect(site.item()?.state).toBe("committed");
  });
});

describe("the keys of a site", () => {
  it("a record without them is not taken, so another's record gives this site nothing", async () => {
    const site = await runningSite(1);
    site.owner.record(signedSite({ number: 2, reportKeys: [line(keys.stranger)] }));
    await refuses(site, "record");
    expect(site.hub.reports.at(-1)?.record).toBe(1);
  });

  it("a retired site takes nothing new and runs on", async () => {
    const site = await runningSite(1);
    site.owner.record(signedSite({ number: 2, retired: true }));
    await until(
      () => site.hub.reports.at(-1)?.record,
      (number) => number === 2,
      "record 2 did not come",
    );
    site.owner.publish(v(2));
    await site.assign(v(2), { record: 2 });
    await until(
      () => site.hub.reports.at(-1)?.assignment?.[1],
      (number) => number === 2,
      "the set was not taken",
    );
    expect([await site.greeting(), site.item()?.state]).toEqual(["v1", "committed"]);
  });
});

describe("a bundle that is taken away", () => {
  it("takes its own objects and nobody else's", async () => {
    const site = await attackedSite();
    site.owner.record(signedSite({ number: 2, bundles: ["pos*"] }));
    const other = signedBundle({ name: "pos-two" }, [configMap("other")]);
    site.owner.publish(v(1));
    site.owner.publish(other, { name: "pos-two" });
    const state = (bundle: string) =>
      until(
        () => site.item(bundle)?.state,
        (seen) => seen === "committed",
        `${bundle} is not committed`,
      );
    await site.assign(v(1), { record: 2 }, [other]);
    await Promise.all([state("pos"), state("pos-two")]);
    const gone = signedBundle({ seq: 2, remove: true, floor: [1, 1] }, []);
    site.owner.publish(gone);
    await site.assign(gone, { record: 2 }, [other]);
    await until(
      () => site.item(),
      (item) => item?.state === "committed" && item.digest === gone.digest.slice(0, 32),
      "the removal is not committed",
    );
    expect(await site.greeting()).toBeNull();
    expect(await site.greeting("other")).toBe("hello");
  });
});
