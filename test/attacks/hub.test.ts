import { describe, expect, it } from "vitest";
import { sorted } from "../../shared/canonical.ts";
import { encodeFrame } from "../../shared/node/frame.ts";
import { FRAME_NAMESPACE, topicOf } from "../../shared/protocol.ts";
import { keys, rootDocument, signedRoot } from "../support/fleet.ts";
import { commits, refuses, runningSite, runs } from "./running.ts";
import { at, until, v } from "./site.ts";

/** Who holds the hub, its assign key, or the broker, moves a site where its owners would not have it. */

describe("rollback", () => {
  it("to an older version, without saying back, is refused; the site is ahead and runs on", async () => {
    const site = await runningSite(3);
    await site.assign(v(1));
    await until(
      () => site.item()?.waitingOn ?? "",
      (words) => /ahead|rollback/.test(words),
      "the site says nothing",
    );
    expect([await site.greeting(), site.item()?.state]).toEqual(["v3", "committed"]);
  });

  it("below the floor is refused even with back; the site's own previous version is allowed", async () => {
    const site = await runningSite(4);
    await site.assign(v(1), { back: true });
    await refuses(site, "floor");
    expect(await site.greeting()).toBe("v4");
    await site.assign(v(3), { back: true });
    await runs(site, "v3");
  });

  it("is refused after the disk was wiped: the cluster keeps the marks, and the site's key", async () => {
    const site = await runningSite(4);
    await site.wipeDisk();
    await site.assign(v(1));
    await site.start();
    await refuses(site, "rollback");
    expect(await site.greeting()).toBe("v4");
    expect(site.events("refused").filter(({ code }) => code === "record")).toEqual([]);
    await site.assign(v(4));
    await commits(site, 4);
  });

  it("is refused where the owners forbade returning: the floor is the running pair", async () => {
    const site = await runningSite(1);
    const final = v(2, { floor: [1, 2] });
    site.owner.publish(final);
    await site.assign(final);
    await until(
      () => site.item(),
      (item) => item?.state === "committed" && item.digest === final.digest.slice(0, 32),
      "not committed",
    );
    await site.assign(v(1), { back: true });
    await refuses(site, "floor");
    expect(await site.greeting()).toBe("v2");
  });
});

describe("rushed fleet", () => {
  it("before the signed pace has passed is refused, however urgent the hub finds it", async () => {
    const site = await runningSite(1);
    const paced = v(2, { createdAt: at(-1_000), scope: [{ sites: {}, after: "1h" }] });
    site.owner.publish(paced);
    await site.assign(paced);
    await refuses(site, "rushed");
    expect(await site.greeting()).toBe("v1");
  });
});

describe("mix and match", () => {
  it("a version whose needed bundle is not there is refused", async () => {
    const site = await runningSite(1);
    const needy = v(2, { requires: [{ bundle: "base", atLeast: "2.0.0" }] });
    site.owner.publish(needy);
    await site.assign(needy);
    await refuses(site, "requires");
    expect(await site.greeting()).toBe("v1");
  });
});

describe("the hub", () => {
  it("that sends an empty set takes nothing away", async () => {
    const site = await runningSite(1);
    const set = { fleet: "shops", site: "s-1", term: 1, number: 50, root: 1, expires: at(3_600_000), items: [] };
    await site.hub.send("down/assign", set, { retain: true });
    await until(
      () => site.hub.reports.at(-1)?.assignment?.[1],
      (number) => number === 50,
      "the set was not taken",
    );
    expect([await site.greeting(), site.item()?.state]).toEqual(["v1", "committed"]);
  });

  it("restored from yesterday is not followed until it takes a higher term", async () => {
    const site = await runningSite(3);
    site.owner.publish(v(4));
    await site.assign(v(4), { number: 1 });
    await refuses(site, "assignment");
    expect(await site.greeting()).toBe("v3");
    await site.assign(v(4), { term: 2, number: 1 });
    await runs(site, "v4");
  });

  it("with a stolen assign key moves sites among what was signed until the root drops the key, and not after", async () => {
    const site = await runningSite(1);
    const root = { hubs: [{ url: site.hub.url, ca: "" }] };
    const roles = { ...rootDocument().roles, assign: { keys: ["root2"], threshold: 1 } };
    site.owner.root(2, signedRoot({ ...root, number: 2, roles }));
    await until(
      () => site.hub.reports.at(-1)?.root,
      (number) => number === 2,
      "root 2 did not come",
    );
    site.owner.publish(v(2));
    await site.assign(v(2), { number: 100 });
    await until(
      () => site.refused(),
      (codes) =>
        codes.some((code) => code === "sender" || code === "signature" || code === "threshold" || code === "key"),
      "the stolen key still counts",
    );
    expect(await site.greeting()).toBe("v1");
    await site.assign(v(2), { number: 1, key: keys.root2 });
    await runs(site, "v2");
  });

  it("cannot start what ran out", async () => {
    const site = await runningSite(1);
    site.owner.publish(v(2));
    await site.assign(v(2), { expires: at(-1_000) });
    await refuses(site, "assignment");
    expect(await site.greeting()).toBe("v1");
  });

  it("cannot have a site do what was meant for another, or say it on another topic", async () => {
    const site = await runningSite(1);
    site.owner.publish(v(2));
    const item = { bundle: "pos", version: "1.1.0", digest: v(2).digest, pair: [1, 2], record: 1, mode: "run" };
    const set = {
      fleet: "shops",
      site: "s-2",
      term: 9,
      number: 9,
      root: 1,
      expires: at(3_600_000),
      items: [{ ...item, run: "r", wave: "w", values: {} }],
    };
    const topic = topicOf("shops", "s-2", "down/assign");
    const namespace = FRAME_NAMESPACE["down/assign"];
    const frame = encodeFrame({ topic, namespace, json: sorted(set), format: "deflate", key: keys.assign });
    // The broker delivers it on this site's topic, byte for byte.
    await site.hub.raw(topicOf("shops", "s-1", "down/assign"), frame);
    await until(
      () => site.events("refused").length,
      (count) => count > 0,
      "nothing was refused",
    );
    expect(await site.greeting()).toBe("v1");
    await site.assign(v(2));
    await runs(site, "v2");
  });
});
